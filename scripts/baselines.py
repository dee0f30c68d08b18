"""Score what a model must beat: priors, and simple models on the whole record or on parts of it.

python scripts/baselines.py configs/default.yaml                          (on the config's test split)
python scripts/baselines.py configs/default.yaml --data my-labelled.jsonl
python scripts/baselines.py configs/default.yaml --only tfidf-logreg --output runs/baselines
python scripts/compare.py runs/baselines/tfidf-logreg runs/default
"""

import argparse
import json
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", help="YAML file, such as configs/default.yaml")
    parser.add_argument("overrides", nargs="*", metavar="section.key=value", help="change single values of the config")
    parser.add_argument("--data", nargs="+", help="labelled records to score on, instead of the test split")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these baselines; without it, all")
    parser.add_argument("--output", type=Path, help="folder for a run folder of each: metrics and predictions")
    parser.add_argument("--overwrite", action="store_true", help="replace what is in the folder")
    arguments = parser.parse_intermixed_args()
    if arguments.output and arguments.output.exists() and not arguments.overwrite:
        print(f"error: {arguments.output} already exists; choose another name, or --overwrite", file=sys.stderr)
        return 1

    from actorstance.data import load_split
    from actorstance.data.files import write_atomically
    from actorstance.training.baselines import BASELINES, evaluate_baseline
    from actorstance.training.config import load_config
    from actorstance.training.formats import format_baselines
    from actorstance.training.run_folder import METRICS_FILE
    from actorstance.training.train import load_splits

    if unknown := [name for name in arguments.only or () if name not in BASELINES]:
        print(f"error: no baseline {', '.join(unknown)}; there are: {', '.join(BASELINES)}", file=sys.stderr)
        return 1
    try:
        config = load_config(arguments.config, arguments.overrides)
        splits, _ = load_splits(config)
        train = [record for record in splits["train"] if record.stance]  # not what only teachers answer
        test = load_split(*arguments.data) if arguments.data else splits["test"]
        results = {}
        for name in arguments.only or BASELINES:
            evaluation = evaluate_baseline(name, train, test, config.model)
            results[name] = evaluation.metrics
            if arguments.output:
                folder = arguments.output / name.replace(" ", "-")
                write_atomically(folder / "config.yaml", config.to_yaml())
                evaluation.write_predictions(folder / "predictions.jsonl")
                write_atomically(folder / METRICS_FILE, json.dumps({"test": evaluation.metrics}, indent=2) + "\n")
        print(format_baselines(results))
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
