"""Split labelled records into train, validation and test, keeping paraphrases and near-copies together.

python scripts/split_data.py my-records.jsonl more-records.csv --output my-corpus
"""

import argparse
import sys
from pathlib import Path

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", help="labelled records: .jsonl, .csv or .parquet")
    parser.add_argument("--output", type=Path, required=True, help="folder for train, validation and test.jsonl")
    parser.add_argument("--overwrite", action="store_true", help="replace the files if they exist")
    arguments = parser.parse_args()
    paths = {name: arguments.output / f"{name}.jsonl" for name in SHARES}
    if not arguments.overwrite and (existing := [str(path) for path in paths.values() if path.exists()]):
        print(f"error: {', '.join(existing)} already exist; choose another folder, or --overwrite", file=sys.stderr)
        return 1

    from actorstance.data import load_split
    from actorstance.data.files import to_json, write_atomically
    from actorstance.data.splitting import assign_splits

    try:
        records = load_split(*arguments.files)
        chosen = assign_splits(records, SHARES)
        for name, path in paths.items():
            rows = [record.fields for record, split in zip(records, chosen, strict=True) if split == name]
            lines = [to_json(fields) + "\n" for fields in rows]
            write_atomically(path, "".join(lines))
            print(f"{path}: {len(rows):,} rows")
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
