"""Write the questions that a text's actors and targets allow, for teachers to answer.

python scripts/cross_questions.py data/corpus/train.jsonl questions.jsonl
python scripts/predict.py runs/plain-seeds/plain-seed1 questions.jsonl teacher1.jsonl      # … and other teachers
python scripts/train.py configs/plain.yaml name=student data.teachers=[teacher1.jsonl]
"""

import argparse
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input", help="labelled records: .jsonl, .csv or .parquet")
    parser.add_argument("output", type=Path, help="JSONL: the input's questions and the new ones, without labels")
    parser.add_argument("--overwrite", action="store_true", help="replace the output if it exists")
    arguments = parser.parse_args()

    from actorstance.data import load_split
    from actorstance.data.files import to_json, write_atomically
    from actorstance.models.predict_file import check_destination
    from actorstance.training.distillation import cross_questions
    from actorstance.training.evaluate import record_fields

    try:
        check_destination(arguments.input, str(arguments.output), overwrite=arguments.overwrite)
        if arguments.output.suffix != ".jsonl":
            raise ValueError(f"{arguments.output}: expected a name ending in .jsonl")
        records = load_split(arguments.input)
        questions = [*records, *cross_questions(records)]
        write_atomically(arguments.output, "".join(to_json(record_fields(record)) + "\n" for record in questions))
        print(
            f"{arguments.output}: {len(records):,} questions of the input, {len(questions) - len(records):,} new ones"
        )
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
