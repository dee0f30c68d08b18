"""Score the majority class and TF-IDF with logistic regression, trained on the config's training split.

python scripts/baselines.py configs/default.yaml                          (on the config's test split)
python scripts/baselines.py configs/default.yaml --data my-labelled.jsonl
"""

import argparse
import sys


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", help="YAML file, such as configs/default.yaml")
    parser.add_argument("overrides", nargs="*", metavar="section.key=value", help="change single values of the config")
    parser.add_argument("--data", help="labelled records to score on, instead of the test split")
    arguments = parser.parse_intermixed_args()

    from actorstance.data import load_split
    from actorstance.training.baselines import BASELINES, evaluate_baseline
    from actorstance.training.config import load_config
    from actorstance.training.report import format_scores

    try:
        config = load_config(arguments.config, arguments.overrides)
        train, test = load_split(config.data.train), load_split(arguments.data or config.data.test)
        for name in BASELINES:
            print(f"{name}\n{format_scores(evaluate_baseline(name, train, test))}\n")
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
