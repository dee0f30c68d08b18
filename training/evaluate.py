"""Measuring a classifier on labelled records."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..data import STANCES, Record, RecordWriter
from ..models import Prediction, StanceClassifier
from ..models.predict_file import output_fields
from .metrics import evaluate_predictions


@dataclass(frozen=True)
class Evaluation:
    """Predictions beside the labels, and what they are worth.

    `skipped` lists the records that the model could not read, with the reason; they count in no score.
    """

    records: list[Record]
    predictions: list[Prediction]
    metrics: dict[str, Any]
    skipped: list[tuple[Record, str]]

    def indices(self) -> tuple[list[int], list[int]]:
        """Gold and predicted stances as positions in `STANCES`."""
        gold = [STANCES.index(str(record.stance)) for record in self.records]
        return gold, [STANCES.index(str(prediction.stance)) for prediction in self.predictions]

    def table(self) -> tuple[list[str], list[list[Any]]]:
        """Column names and rows, for people to read."""
        columns = ["text", "context", "actor", "target", "gold_stance", "stance", "confidence"]
        return columns, [
            [r.text, r.context, r.actor, r.target, r.stance, p.stance, p.confidence]
            for r, p in zip(self.records, self.predictions, strict=True)
        ]

    def errors(self) -> list[list[Any]]:
        """The rows of `table` that are wrong."""
        columns, rows = self.table()
        gold, said = columns.index("gold_stance"), columns.index("stance")
        return [row for row in rows if row[gold] != row[said]]

    def write_predictions(self, path: Path) -> None:
        """Write the records with their predictions as JSONL."""
        with RecordWriter(path, like=path) as writer:
            for record, prediction in zip(self.records, self.predictions, strict=True):
                writer.write(output_fields(record.fields, prediction))


def evaluate(classifier: StanceClassifier, records: Sequence[Record], *, quiet: bool = False) -> Evaluation:
    """Classify labelled records and score the answers.

    Raises:
        ValueError: the model can read none of the records.
    """
    answers = tqdm(
        classifier.predict_batch(record_fields(record) for record in records),
        total=len(records),
        desc="evaluating",
        unit="record",
        disable=quiet or None,
        leave=False,
    )
    pairs = list(zip(records, answers, strict=True))
    read = [(record, prediction) for record, prediction in pairs if not prediction.error]
    if not read:
        raise ValueError(f"none of {len(records)} records could be classified; the first: {pairs[0][1].error}")
    skipped = [(record, prediction.error) for record, prediction in pairs if prediction.error]
    kept, predictions = [record for record, _ in read], [prediction for _, prediction in read]
    metrics = evaluate_predictions(kept, predictions, classifier.config.abstain_below) | {"skipped": len(skipped)}
    return Evaluation(kept, predictions, metrics, skipped)


def record_fields(record: Record) -> dict[str, str]:
    """What the classifier may see of a labelled record."""
    return {"text": record.text, "context": record.context, "actor": record.actor, "target": record.target}
