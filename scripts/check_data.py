"""Check labelled files as splits of one corpus, and describe them.

python scripts/check_data.py data/corpus/train.jsonl data/corpus/validation.jsonl data/corpus/test.jsonl \\
    --challenge data/challenge/*.jsonl --adjudicated data/adjudicated.jsonl
"""

import argparse
import json
import sys


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", help="labelled records: .jsonl, .csv or .parquet, one file per split")
    parser.add_argument("--challenge", nargs="+", default=[], help="challenge sets: together one more split")
    parser.add_argument("--adjudicated", help="rows on which two annotators differed; adds their agreement")
    arguments = parser.parse_args()

    from actorstance.data import CorpusError, load_split
    from actorstance.data.statistics import check_corpus, describe_agreement, describe_corpus

    splits, problems = {}, []
    named = {file: [file] for file in arguments.files}
    if arguments.challenge:
        named["challenge"] = arguments.challenge
    for name, files in named.items():
        try:
            splits[name] = load_split(*files)
        except CorpusError as error:
            problems += error.problems
        except (ValueError, OSError) as error:
            problems.append(str(error))
    if not problems:
        facts = describe_corpus(splits)
        problems = check_corpus(splits)
        if arguments.adjudicated:
            records = [record for split in splits.values() for record in split]
            try:
                facts["agreement"] = describe_agreement(records, arguments.adjudicated)
            except (ValueError, OSError) as error:
                problems.append(str(error))
        print(json.dumps(facts, indent=2))
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    print(f"{len(problems)} problems in {sum(map(len, named.values()))} files", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
