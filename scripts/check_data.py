"""Check labelled files as splits of one corpus, and describe them.

python scripts/check_data.py data/corpus/train.jsonl data/corpus/validation.jsonl data/corpus/test.jsonl
"""

import argparse
import json
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", help="labelled records: .jsonl, .csv or .parquet, one file per split")
    arguments = parser.parse_args()

    from actorstance.data import load_split
    from actorstance.data.statistics import check_corpus, describe_corpus

    splits, problems = {}, []
    for file in arguments.files:
        try:
            splits[Path(file).stem] = load_split(file)
        except (ValueError, OSError) as error:
            problems.append(str(error))
    if not problems:
        print(json.dumps(describe_corpus(splits), indent=2))
        problems = check_corpus(splits)
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    print(f"{len(problems)} problems in {len(arguments.files)} files", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
