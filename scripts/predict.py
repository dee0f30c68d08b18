"""Classify every record of a file (.jsonl, .csv or .parquet; - is JSONL on standard input or output).

python scripts/predict.py runs/default records.jsonl classified.jsonl
python scripts/predict.py runs/default records.jsonl classified.jsonl --abstain-below 0.8
cat records.jsonl | python scripts/predict.py runs/default - - > classified.jsonl
"""

import argparse
import sys


def parse_confidence(text: str) -> float:
    confidence = float(text)
    if not 0 <= confidence <= 1:
        raise ValueError
    return confidence


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="run folder, or a model of this kind on the Hugging Face Hub")
    parser.add_argument("input", help="records with text, actor, target and optionally context")
    parser.add_argument("output", help="the same records with stance, confidence and scores")
    parser.add_argument(
        "--abstain-below",
        type=parse_confidence,
        default=0.0,
        metavar="CONFIDENCE",
        help="no stance for records of a lower confidence; evaluate.py says which makes labels right how often",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the output if it exists")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    arguments = parser.parse_args()

    from actorstance.models import StanceClassifier
    from actorstance.models.predict_file import check_destination, predict_file

    try:
        check_destination(arguments.input, arguments.output, overwrite=arguments.overwrite)
        summary = predict_file(
            StanceClassifier.from_pretrained(arguments.run),
            arguments.input,
            arguments.output,
            abstain_below=arguments.abstain_below,
            overwrite=arguments.overwrite,
            quiet=arguments.quiet,
        )
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1

    where = f" (see {summary.rejects or 'above'})" if summary.rejected else ""
    abstained = f" ({summary.abstained:,} without a stance)" if summary.abstained else ""
    print(
        f"{summary.classified:,} records classified{abstained}, {summary.rejected:,} rejected{where}", file=sys.stderr
    )
    return 0 if summary.classified else 2


if __name__ == "__main__":
    sys.exit(main())
