"""Confidences that mean what they say: temperature scaling, and what a confidence is worth on labelled records."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from scipy.stats import beta, binomtest

BINS = 10
# How often the labels shall be right that are given when the model may abstain.
PRECISIONS = (0.8, 0.85, 0.9, 0.95)
_COVERAGES = np.arange(0.05, 1.001, 0.05)


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Find the temperature with the lowest validation cross-entropy (Guo et al., 2017).

    Args:
        logits: (rows, stances), not yet divided by a temperature.
        labels: (rows,) indices of the right stances.

    Returns:
        The temperature, between 0.1 and 10. Stances stay the same whatever it is.
    """

    def cross_entropy(log_temperature: float) -> float:
        scaled = log_softmax(logits / np.exp(log_temperature), axis=1)
        return float(-scaled[np.arange(len(labels)), labels].mean())

    found = minimize_scalar(cross_entropy, bounds=(np.log(0.1), np.log(10)), method="bounded")
    return float(np.exp(found.x))


def confidence_bins(confidence: np.ndarray) -> np.ndarray:
    """Which of ten bins of equal width each confidence falls into (Guo et al., 2017)."""
    return np.minimum((confidence * BINS).astype(int), BINS - 1)


def describe_confidence(
    confidence: np.ndarray, right: np.ndarray, thresholds: Mapping[str, float | None]
) -> dict[str, Any]:
    """What confidences are worth, for a reliability diagram, a risk–coverage curve and the choice of a threshold.

    Args:
        confidence: (rows,) probabilities of the predicted stances.
        right: (rows,) whether the prediction is right.
        thresholds: the model's, from `abstention_thresholds`.

    Returns:
        {"reliability", "coverage", "abstain_below"}: for each bin that has rows "rows", their mean "confidence" and
        "accuracy" with its 95% interval "low" to "high" (Wilson); for the most confident 5, 10, … 100% of the rows
        "coverage", "precision" and the "threshold" that keeps them (Geifman and El-Yaniv, 2017, "Selective
        Classification for Deep Neural Networks"); and for each of the model's thresholds what it does on these rows:
        "threshold", "coverage" and "precision" (None where nothing is labelled).
    """
    bins = confidence_bins(confidence)
    reliability = []
    for number in np.unique(bins):
        inside = bins == number
        hits, rows = int(right[inside].sum()), int(inside.sum())
        interval = binomtest(hits, rows).proportion_ci(method="wilson")
        mean = float(confidence[inside].mean())
        bounds = {"low": float(interval.low), "high": float(interval.high)}
        reliability.append({"rows": rows, "confidence": mean, "accuracy": hits / rows, **bounds})
    order = np.argsort(-confidence, kind="stable")
    precision = right[order].cumsum() / np.arange(1, len(order) + 1)
    coverage = []
    for share in _COVERAGES:
        last = max(1, round(share * len(order))) - 1
        threshold = float(confidence[order[last]])
        coverage.append({"coverage": float(share), "precision": float(precision[last]), "threshold": threshold})
    abstain = {}
    for wanted, limit in thresholds.items():
        if limit is not None:
            kept = confidence >= limit
            reached = float(right[kept].mean()) if kept.any() else None
            abstain[wanted] = {"threshold": limit, "coverage": float(kept.mean()), "precision": reached}
    return {"reliability": reliability, "coverage": coverage, "abstain_below": abstain}


def abstention_thresholds(confidence: np.ndarray, right: np.ndarray) -> dict[str, float | None]:
    """The confidences below which to abstain so that labels are right as often as wanted.

    Of twenty candidates, which keep 5, 10, … 100% of the rows, the one that keeps most is taken whose precision's lower
    bound reaches what is wanted (Clopper and Pearson, 1934, at 95%, corrected for twenty tries by Bonferroni): so it
    holds for unseen records of the same kind as well, in 95% of the cases.

    Args:
        confidence, right: see `describe_confidence`; the rows count as independent.

    Returns:
        For each of `PRECISIONS`, as text, the threshold (0 to 1, rounded up to four digits), or None where no candidate
        is good enough.
    """
    order = np.argsort(-confidence, kind="stable")
    thresholds: dict[str, float | None] = {str(wanted): None for wanted in PRECISIONS}
    for share in _COVERAGES:
        last = confidence[order[max(1, round(share * len(order))) - 1]]
        threshold = float(np.ceil(last * 1e4) / 1e4)
        kept = confidence >= threshold
        hits, rows = int(right[kept].sum()), int(kept.sum())
        lower = beta.ppf(0.05 / len(_COVERAGES), hits, rows - hits + 1) if hits else 0.0
        for wanted in PRECISIONS:
            if lower >= wanted:
                thresholds[str(wanted)] = threshold
    return thresholds
