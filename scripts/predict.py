"""Classify every record of a file (.jsonl, .csv or .parquet; - is JSONL on standard input or output).

python scripts/predict.py runs/default records.jsonl classified.jsonl
python scripts/predict.py runs/default records.jsonl classified.jsonl --precision 0.9
cat records.jsonl | python scripts/predict.py runs/default - - > classified.jsonl
"""

import argparse
import sys


def parse_confidence(text: str) -> float:
    try:
        confidence = float(text)
    except ValueError:
        confidence = -1.0
    if not 0 <= confidence <= 1:
        raise argparse.ArgumentTypeError(f"expected a confidence from 0 to 1, found {text}")
    return confidence


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="run folder, or a model of this kind on the Hugging Face Hub")
    parser.add_argument("input", help="records with text, actor, target and optionally context")
    parser.add_argument("output", help="the same records with stance, confidence and scores")
    doubt = parser.add_mutually_exclusive_group()
    doubt.add_argument(
        "--precision",
        type=float,
        metavar="0.9",
        help="no stance where the model isn't sure enough for labels to be right so often",
    )
    doubt.add_argument(
        "--abstain-below", type=parse_confidence, default=0.0, metavar="CONFIDENCE", help="no stance below a confidence"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the output if it exists")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    arguments = parser.parse_args()

    from actorstance.models import StanceClassifier
    from actorstance.models.predict_file import check_destination, predict_file

    try:
        check_destination(arguments.input, arguments.output, overwrite=arguments.overwrite)
        classifier = StanceClassifier.from_pretrained(arguments.run)
        below = arguments.abstain_below
        if arguments.precision is not None:
            below = classifier.threshold(arguments.precision)
        summary = predict_file(
            classifier,
            arguments.input,
            arguments.output,
            abstain_below=below,
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
