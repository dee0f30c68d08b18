"""Train, calibrate, evaluate and track one model, or one per seed.

python scripts/train.py configs/default.yaml
python scripts/train.py configs/default.yaml --seeds 1,2,3
python scripts/train.py configs/default.yaml seed=2 name=default-seed2 training.learning_rate=1e-4
accelerate launch --config_file configs/accelerate/several-gpus.yaml scripts/train.py configs/default.yaml
"""

import argparse
import logging
import sys


def parse_seeds(text: str) -> list[int]:
    try:
        seeds = [int(seed) for seed in text.split(",")]
    except ValueError:
        seeds = [-1]
    if min(seeds) < 0 or max(seeds) >= 2**32:
        raise argparse.ArgumentTypeError(f"expected whole numbers from 0, such as 1,2,3; found {text!r}")
    return seeds


def main() -> int:
    # 1. What is asked for. Heavy imports wait until it is clear, so that --help and mistakes answer at once.
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", help="YAML file, such as configs/default.yaml")
    parser.add_argument("overrides", nargs="*", metavar="section.key=value", help="change single values of the config")
    parser.add_argument(
        "--seeds", type=parse_seeds, metavar="1,2,3", help="one run per seed (finished ones are kept) and their mean"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the resolved config and do nothing else")
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument("--resume", action="store_true", help="go on with the run where it was stopped")
    existing.add_argument("--overwrite", action="store_true", help="replace the run if its folder exists")
    arguments = parser.parse_intermixed_args()
    logging.basicConfig(format="%(levelname)s %(message)s")

    # 2. The config, with every mistake in it.
    from actorstance.training.config import ConfigError, load_config

    try:
        config = load_config(arguments.config, arguments.overrides)
    except ConfigError as error:
        print(f"error: the config can't be run:\n{error}", file=sys.stderr)
        return 1
    if arguments.dry_run:
        print(config.to_yaml(), end="")
        return 0

    # 3. The run.
    from accelerate import PartialState
    from actorstance.training.formats import format_scores, format_seeds
    from actorstance.training.seeds import seeds_folder, train_seeds
    from actorstance.training.train import train

    try:
        if arguments.seeds:
            summary = train_seeds(config, arguments.seeds, overwrite=arguments.overwrite)
            if PartialState().is_main_process:
                print(f"\n{format_seeds(summary)}\n\nThe runs and summary.json are in {seeds_folder(config)}")
            return 0
        metrics = train(config, resume=arguments.resume, overwrite=arguments.overwrite)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; the same command with --resume goes on", file=sys.stderr)
        return 130

    # 4. What came out.
    if PartialState().is_main_process:
        print(f"\nTest scores of {config.run_dir}")
        print(format_scores(metrics["test"]))
        print(f"\nThe run, with model, predictions and report, is in {config.run_dir}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
