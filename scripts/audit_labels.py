"""Find labels that look wrong, and record what is decided about them.

python scripts/audit_labels.py rank configs/default.yaml --output suspects.jsonl --decisions data/adjudicated.jsonl
    trains a model per fold, ranks the training rows by how little the models that never saw a row believe its label
(fill in `decided`, a stance, and `reason` in the rows that you looked at)
python scripts/audit_labels.py record suspects.jsonl --corpus data/corpus/*.jsonl --decisions data/adjudicated.jsonl
    writes the decisions down and corrects the corpus
"""

import argparse
import logging
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    rank = commands.add_parser("rank", help="rank the training rows, most suspect first")
    rank.add_argument("config", help="YAML file, such as configs/default.yaml")
    rank.add_argument("overrides", nargs="*", metavar="section.key=value", help="change single values of the config")
    rank.add_argument("--output", type=Path, required=True, help="JSONL file for the ranked rows")
    rank.add_argument("--overwrite", action="store_true", help="replace the output if it exists")
    rank.add_argument("--decisions", type=Path, help="leave out the rows decided in this file")
    rank.add_argument("--folds", type=int, default=4, help="models to train (4)")
    record = commands.add_parser("record", help="take over the decisions filled in")
    record.add_argument("suspects", type=Path, help="the ranked rows, with decided and reason filled in for some")
    record.add_argument("--corpus", type=Path, nargs="+", required=True, help="JSONL files to correct")
    record.add_argument("--decisions", type=Path, required=True, help="JSONL file that keeps all decisions")
    arguments = parser.parse_args()
    logging.basicConfig(format="%(levelname)s %(message)s")
    try:
        return _rank(arguments) if arguments.command == "rank" else _record(arguments)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _rank(arguments: argparse.Namespace) -> int:
    if arguments.output.exists() and not arguments.overwrite:
        print(f"error: {arguments.output} already exists; choose another name, or --overwrite", file=sys.stderr)
        return 1
    from actorstance.data.adjudication import decided_ids
    from actorstance.training.audit import rank_suspects, write_suspects
    from actorstance.training.config import load_config

    config = load_config(arguments.config, arguments.overrides)
    decided = decided_ids(arguments.decisions) if arguments.decisions else set()
    suspects = rank_suspects(config, arguments.folds, decided)
    write_suspects(arguments.output, suspects)
    flagged = sum(row["flagged"] for row in suspects)
    print(f"{arguments.output}: {len(suspects):,} rows, {flagged:,} of them flagged; most suspect first")
    return 0


def _record(arguments: argparse.Namespace) -> int:
    from actorstance.data.adjudication import record_decisions

    numbers = record_decisions(arguments.suspects, arguments.corpus, arguments.decisions)
    print(f"{arguments.decisions}: {numbers['changed']} labels changed, {numbers['kept']} kept")
    return 0


if __name__ == "__main__":
    sys.exit(main())
