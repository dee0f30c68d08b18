"""Scores of a classifier on labelled records, each with a bootstrap confidence interval."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix

from ..data import STANCES, Record
from ..models import Prediction

RESAMPLES = 1000
BINS = 10
# Groups smaller than this get no scores of their own: an interval from a handful of rows says nothing.
MIN_GROUP = 10
# conditional counts as none, which makes results comparable with the field's three classes
_THREE_WAY = np.array([0, 1, 3, 3])


def evaluate_predictions(records: Sequence[Record], predictions: Sequence[Prediction], seed: int = 0) -> dict[str, Any]:
    """All scores, over everything and by target, actor and phenomenon.

    Args:
        records: labelled records.
        predictions: one per record, none with an error.
        seed: of the bootstrap.

    Returns:
        {"rows", "scores", "confusion", "by": {"target": {name: …}, …}}. "scores" maps each metric to
        {"value", "low", "high"}: the point and its 95% interval from 1,000 resamples of whole passages (rows of one
        sentence are not independent; percentile bootstrap, Efron 1979). "confusion" counts gold stances (rows) by
        predicted stances (columns), both in the order of `STANCES`.
    """
    gold = np.array([STANCES.index(str(record.stance)) for record in records])
    predicted = np.array([STANCES.index(str(prediction.stance)) for prediction in predictions])
    confidence = np.array([prediction.confidence for prediction in predictions], dtype=float)
    _, passages = np.unique([record.passage for record in records], return_inverse=True)

    def summary(rows: np.ndarray) -> dict[str, Any]:
        return {
            "rows": len(rows),
            "scores": _scores_with_intervals(gold[rows], predicted[rows], confidence[rows], passages[rows], seed),
        }

    report = summary(np.arange(len(records)))
    report["confusion"] = confusion_matrix(gold, predicted, labels=range(len(STANCES))).tolist()
    report["by"] = {
        name: {value: summary(rows) for value, rows in groups.items() if len(rows) >= MIN_GROUP}
        for name, groups in _groups(records).items()
    }
    return report


def macro_f1(gold: np.ndarray, predicted: np.ndarray) -> float:
    """Mean F1 over the stances that occur in `gold` or `predicted`, 0 to 1."""
    return float(_point(gold, predicted, np.zeros(len(gold)))["macro_f1"])


def _groups(records: Sequence[Record]) -> dict[str, dict[str, np.ndarray]]:
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
    gold: np.ndarray, predicted: np.ndarray, confidence: np.ndarray, passages: np.ndarray, seed: int
) -> dict[str, Any]:
    point = _point(gold, predicted, confidence)
    random = np.random.default_rng(seed)
    order = np.argsort(passages, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(passages[order])) + 1)
    drawn: dict[str, list[float]] = defaultdict(list)
    for _ in range(RESAMPLES):
        rows = np.concatenate([members[i] for i in random.integers(len(members), size=len(members))])
        for metric, value in _point(gold[rows], predicted[rows], confidence[rows]).items():
            drawn[metric].append(value)
    return {
        metric: dict(zip(("value", "low", "high"), (value, *np.quantile(drawn[metric], (0.025, 0.975))), strict=True))
        for metric, value in point.items()
    }


def _point(gold: np.ndarray, predicted: np.ndarray, confidence: np.ndarray) -> dict[str, float]:
    f1 = _f1(gold, predicted)
    scores = {
        "macro_f1": float(np.nanmean(f1)),
        "macro_f1_3way": float(np.nanmean(_f1(_THREE_WAY[gold], _THREE_WAY[predicted]))),
        "accuracy": float(np.mean(gold == predicted)),
        "f_avg": float(np.mean(np.nan_to_num(f1[:2]))),
        "calibration_error": _calibration_error(gold == predicted, confidence),
    }
    return scores | {f"f1_{stance}": float(np.nan_to_num(value)) for stance, value in zip(STANCES, f1, strict=True)}


def _f1(gold: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """F1 per stance; NaN where a stance occurs neither in gold nor in predicted.

    Equal to scikit-learn's `f1_score(average=None)`, which is too slow to be called for every resample.
    """
    right = np.bincount(gold[gold == predicted], minlength=len(STANCES))
    either = np.bincount(gold, minlength=len(STANCES)) + np.bincount(predicted, minlength=len(STANCES))
    with np.errstate(invalid="ignore"):
        return 2 * right / either


def _calibration_error(correct: np.ndarray, confidence: np.ndarray) -> float:
    """Expected calibration error with ten bins of equal width (Guo et al., 2017), 0 to 1."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, weights=correct.astype(float) - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(correct))
