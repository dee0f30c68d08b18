"""Scores of a classifier on labelled records, each with a bootstrap confidence interval."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix

from ..data import STANCES, Record
from ..models import Prediction
from .calibration import BINS, confidence_bins, describe_confidence

RESAMPLES = 1000
_AT_ONCE = 100
# An interval from fewer rows says nothing.
MIN_GROUP = 5
METRICS = (
    "macro_f1",
    "macro_f1_3way",
    "accuracy",
    "f_avg",
    "calibration_error",
    "brier",
    *(f"f1_{stance}" for stance in STANCES),
)
# Sums the stances into the field's three classes: conditional counts as none.
_THREE_WAY = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1]])


def evaluate_predictions(
    records: Sequence[Record],
    predictions: Sequence[Prediction],
    abstain_below: Mapping[str, float | None] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """All scores, over everything and by target, actor and phenomenon.

    Args:
        records: labelled records.
        predictions: one per record, none with an error.
        abstain_below: the model's thresholds, if it has any.
        seed: of the bootstrap.

    Returns:
        {"rows", "scores", "groups", "confusion", "confidence", "by": {"target": {name: …}, …}, "by_omitted"}. "scores"
        maps each metric to {"value", "low", "high"}: the point and its 95% interval from 1,000 resamples of whole
        clusters (see `clusters`; percentile bootstrap, Efron 1979). "groups", where the data
        names groups of several rows such as minimal pairs, is {"number", "all_right"}: how many there are, and the
        share in which every row is right. "confusion" counts gold stances (rows) by predicted stances (columns), both
        in the order of `STANCES`. "confidence" is what `describe_confidence` returns. "by_omitted" counts the targets,
        actors and phenomena with fewer than 5 rows, which get no scores of their own.
    """
    gold = np.array([STANCES.index(str(record.stance)) for record in records])
    scores = np.array([[(prediction.scores or {})[stance] for stance in STANCES] for prediction in predictions])
    predicted = scores.argmax(1)
    together = clusters(records)

    def summary(rows: np.ndarray) -> dict[str, Any]:
        right: dict[str, list[bool]] = defaultdict(list)
        for row in rows:
            if (group := records[row].group) is not None:
                right[group].append(bool(gold[row] == predicted[row]))
        groups = [all(members) for members in right.values() if len(members) > 1]
        return {
            "rows": len(rows),
            "scores": _scores_with_intervals(gold[rows], scores[rows], together[rows], seed),
            **({"groups": {"number": len(groups), "all_right": sum(groups) / len(groups)}} if groups else {}),
        }

    report = summary(np.arange(len(records)))
    report["confusion"] = confusion_matrix(gold, predicted, labels=range(len(STANCES))).tolist()
    report["confidence"] = describe_confidence(scores.max(1), gold == predicted, abstain_below or {})
    report["by"], report["by_omitted"] = {}, {}
    for name, values in rows_by_value(records).items():
        large = {value: rows for value, rows in values.items() if len(rows) >= MIN_GROUP}
        report["by"][name] = {value: summary(rows) for value, rows in large.items()}
        report["by_omitted"][name] = len(values) - len(large)
    return report


def macro_f1(gold: np.ndarray, predicted: np.ndarray) -> float:
    """Mean F1 over the stances that occur in `gold` or `predicted`, 0 to 1."""
    confusion = confusion_matrix(gold, predicted, labels=range(len(STANCES)))
    return float(np.nanmean(_f1(confusion[None]), axis=1)[0])


def rows_by_value(records: Sequence[Record]) -> dict[str, dict[str, np.ndarray]]:
    """For target, actor and phenomenon, where the records name them: each value and the indices of its rows."""
    groups: dict[str, dict[str, list[int]]] = {}
    for name in ("target", "actor", "phenomenon"):
        members: dict[str, list[int]] = defaultdict(list)
        for index, record in enumerate(records):
            if value := record.fields.get(name):
                members[str(value)].append(index)
        if members:
            groups[name] = dict(sorted(members.items()))
    return {name: {key: np.array(rows) for key, rows in members.items()} for name, members in groups.items()}


def _scores_with_intervals(
    gold: np.ndarray, scores: np.ndarray, together: np.ndarray, seed: int
) -> dict[str, dict[str, float]]:
    counts = count_by_cluster(gold, scores, together)
    point = metrics_of_counts(counts.total())
    drawn: dict[str, list[np.ndarray]] = defaultdict(list)
    for times in resamples(len(counts.confusion), RESAMPLES, np.random.default_rng(seed)):
        for metric, values in metrics_of_counts(counts.drawn(times)).items():
            drawn[metric].append(values)
    return {
        metric: {
            "value": float(value[0]),
            "low": float(np.quantile(np.concatenate(drawn[metric]), 0.025)),
            "high": float(np.quantile(np.concatenate(drawn[metric]), 0.975)),
        }
        for metric, value in point.items()
    }


def clusters(records: Sequence[Record]) -> np.ndarray:
    """What is drawn together, (records,) numbers: rows of a passage, or of a `group` of them, depend on each other."""
    names = [record.passage if record.group is None else f"group {record.group}" for record in records]
    _, numbers = np.unique(names, return_inverse=True)
    return numbers


def resamples(number: int, draws: int, random: np.random.Generator) -> Iterator[np.ndarray]:
    """How often each of so many clusters is in each resample, (100, clusters) at a time, which keeps memory small."""
    for _ in range(draws // _AT_ONCE):
        yield random.multinomial(number, np.full(number, 1 / number), size=_AT_ONCE)


@dataclass(frozen=True)
class Counts:
    """Sums over rows from which every metric follows, for many clusters or many resamples of them (first axis).

    Attributes:
        confusion: (…, gold, predicted) numbers of rows; fractions, where they are means over seeds.
        gaps: (…, bins of confidence) correctness minus confidence.
        squares: (…,) squared distances between the scores and the right answer.
    """

    confusion: np.ndarray
    gaps: np.ndarray
    squares: np.ndarray

    def drawn(self, times: np.ndarray) -> "Counts":
        """The sums over resamples, from how often each cluster is in each, (resamples, clusters)."""
        return Counts(np.tensordot(times, self.confusion, 1), times @ self.gaps, times @ self.squares)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.confusion + other.confusion, self.gaps + other.gaps, self.squares + other.squares)

    def scaled(self, factor: float) -> "Counts":
        """Every number times a factor."""
        return Counts(factor * self.confusion, factor * self.gaps, factor * self.squares)

    def total(self) -> "Counts":
        """The sums over all clusters, as one resample."""
        return self.drawn(np.ones((1, len(self.confusion))))


def count_by_cluster(gold: np.ndarray, scores: np.ndarray, together: np.ndarray) -> Counts:
    """Count what metrics are made of.

    Args:
        gold: (rows,) positions in `STANCES`.
        scores: (rows, stances) probabilities.
        together: (rows,) from `clusters`, or a part of it.
    """
    _, together = np.unique(together, return_inverse=True)
    number = together.max() + 1
    predicted, confidence = scores.argmax(1), scores.max(1)
    confusion = np.zeros((number, len(STANCES), len(STANCES)))
    np.add.at(confusion, (together, gold, predicted), 1)
    gaps = np.zeros((number, BINS))
    np.add.at(gaps, (together, confidence_bins(confidence)), (gold == predicted) - confidence)
    squares = np.zeros(number)
    np.add.at(squares, together, ((scores - np.eye(len(STANCES))[gold]) ** 2).sum(1))
    return Counts(confusion, gaps, squares)


def metrics_of_counts(counts: Counts) -> dict[str, np.ndarray]:
    """All metrics for many resamples at once, each of shape (resamples,)."""
    rows = counts.confusion.sum((1, 2))
    f1 = _f1(counts.confusion)
    return {
        "macro_f1": np.nanmean(f1, axis=1),
        "macro_f1_3way": np.nanmean(_f1(_THREE_WAY @ counts.confusion @ _THREE_WAY.T), axis=1),
        "accuracy": np.trace(counts.confusion, axis1=1, axis2=2) / rows,
        "f_avg": np.nan_to_num(f1[:, :2]).mean(1),
        "calibration_error": np.abs(counts.gaps).sum(1) / rows,
        # 0 to 2, the original form for several classes (Brier, 1950, "Verification of Forecasts")
        "brier": counts.squares / rows,
        **{f"f1_{stance}": np.nan_to_num(f1[:, index]) for index, stance in enumerate(STANCES)},
    }


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Mean and sample standard deviation (None for a single value) of a score over seeds, with the values."""
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return {"mean": float(np.mean(values)), "sd": deviation, "values": list(values)}


def _f1(confusion: np.ndarray) -> np.ndarray:
    """F1 per class, (resamples, classes); NaN where a class occurs neither in gold nor in predicted."""
    right = np.diagonal(confusion, axis1=1, axis2=2)
    with np.errstate(invalid="ignore"):
        return 2 * right / (confusion.sum(1) + confusion.sum(2))
