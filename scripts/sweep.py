"""Search hyperparameters here, by a file that `wandb sweep` takes as well. Called again, it goes on.

python scripts/sweep.py configs/sweeps/learning.yaml --trials 20
python scripts/sweep.py configs/sweeps/learning.yaml --trials 20 tracking.mode=offline
"""

import argparse
import logging
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sweep", type=Path, help="YAML file in wandb's form, such as configs/sweeps/learning.yaml")
    parser.add_argument("overrides", nargs="*", metavar="section.key=value", help="change values for all trials")
    parser.add_argument("--trials", type=int, required=True, help="how many there shall be in the end")
    arguments = parser.parse_intermixed_args()
    logging.basicConfig(format="%(levelname)s %(message)s")

    try:
        from actorstance.training.sweep import read_sweep, run_sweep
    except ModuleNotFoundError as error:
        print(f"error: {error}; install it: pip install 'actorstance[sweep]'", file=sys.stderr)
        return 1

    try:
        results = run_sweep(read_sweep(arguments.sweep), arguments.overrides, arguments.trials)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on", file=sys.stderr)
        return 130
    print(f"\n{'validation macro-F1':<22}run")
    for result in results:
        values = " ".join(f"{key}={value}" for key, value in result["parameters"].items())
        print(f"{result['macro_f1']:<22.3f}{result['run']}: {values}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
