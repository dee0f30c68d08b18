"""Write LEADERBOARD.md from the folders that train.py --seeds made.

python scripts/leaderboard.py runs/default-seeds runs/plain-seeds
"""

import argparse
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "folders", nargs="+", type=Path, help="folders made by train.py --seeds, named after their configs"
    )
    parser.add_argument("--configs", type=Path, default=Path("configs"), help="folder of the configs")
    parser.add_argument("--challenge", nargs="+", help="minimal pairs; without it, data/challenge/*.jsonl")
    parser.add_argument("--output", type=Path, default=Path("LEADERBOARD.md"), help="is replaced if it exists")
    arguments = parser.parse_args()

    from actorstance.data import load_split
    from actorstance.data.files import write_atomically
    from actorstance.training.leaderboard import make_leaderboard

    try:
        challenge = load_split(*arguments.challenge or sorted(Path("data/challenge").glob("*.jsonl")))
        write_atomically(arguments.output, make_leaderboard(arguments.folders, arguments.configs, challenge))
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{arguments.output}: {len(arguments.folders)} configurations")
    return 0


if __name__ == "__main__":
    sys.exit(main())
