"""Compare models: is one better than another, on what, and how sure is that?

python scripts/compare.py runs/plain-seeds runs/default-seeds
python scripts/compare.py runs/plain-seeds runs/default-seeds --data data/challenge/*.jsonl --output runs/comparison
"""

import argparse
import json
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("systems", nargs="+", type=Path, help="run folders, or folders made by train.py --seeds")
    parser.add_argument("--data", nargs="+", help="labelled records to compare on; else each run's own test split")
    parser.add_argument(
        "--output", type=Path, help="folder for comparison.md, comparison.json and the rows that differ, as JSONL"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the folder's files if they exist")
    arguments = parser.parse_args()
    if arguments.output and arguments.output.exists() and not arguments.overwrite:
        print(f"error: {arguments.output} already exists; choose another name, or --overwrite", file=sys.stderr)
        return 1

    from actorstance.data import load_split
    from actorstance.data.files import to_json, write_atomically
    from actorstance.training.comparison import compare, differing_rows, read_system
    from actorstance.training.formats import format_comparison

    try:
        data = load_split(*arguments.data) if arguments.data else None
        systems = [read_system(path, data) for path in arguments.systems]
        report = compare(systems)
        text = format_comparison(report)
        print(text)
        if arguments.output:
            write_atomically(arguments.output / "comparison.md", text + "\n")
            write_atomically(arguments.output / "comparison.json", json.dumps(report, indent=2) + "\n")
            lines = [to_json(row) + "\n" for row in differing_rows(systems)]
            write_atomically(arguments.output / "differing-rows.jsonl", "".join(lines))
            print(f"\n{len(lines):,} rows on which they differ are in {arguments.output}/differing-rows.jsonl")
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
