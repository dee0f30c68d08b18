"""Measure a model on labelled records.

python scripts/evaluate.py runs/default data/corpus/test.jsonl
python scripts/evaluate.py runs/default data/corpus/test.jsonl --output scores.json
python scripts/evaluate.py runs/default data/challenge/*.jsonl
"""

import argparse
import json
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="run folder, or a model of this kind on the Hugging Face Hub")
    parser.add_argument(
        "data", nargs="+", help="labelled records: .jsonl, .csv or .parquet; several files count as one"
    )
    parser.add_argument("--output", type=Path, help="write all scores, also by target, actor and phenomenon, as JSON")
    parser.add_argument("--overwrite", action="store_true", help="replace the output if it exists")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    arguments = parser.parse_args()
    if arguments.output and arguments.output.exists() and not arguments.overwrite:
        print(f"error: {arguments.output} already exists; choose another name, or --overwrite", file=sys.stderr)
        return 1

    from actorstance.data import load_split
    from actorstance.data.files import write_atomically
    from actorstance.models import StanceClassifier
    from actorstance.training.evaluate import evaluate
    from actorstance.training.formats import format_phenomena, format_scores

    try:
        records = load_split(*arguments.data)
        evaluation = evaluate(StanceClassifier.from_pretrained(arguments.run), records, quiet=arguments.quiet)
        print(format_scores(evaluation.metrics))
        if phenomena := format_phenomena(evaluation.metrics):
            print(f"\n{phenomena}")
        for record, reason in evaluation.skipped:
            print(f"skipped, counted in no score: {record.text[:60]!r}: {reason}", file=sys.stderr)
        if arguments.output:
            write_atomically(arguments.output, json.dumps(evaluation.metrics, indent=2) + "\n")
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
