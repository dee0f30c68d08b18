"""Confidences that mean what they say: temperature scaling, and what a confidence is worth on labelled records."""

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


def describe_confidence(confidence: np.ndarray, right: np.ndarray) -> dict[str, Any]:
    """What confidences are worth, for a reliability diagram, a risk–coverage curve and the choice of a threshold.

    Args:
        confidence: (rows,) probabilities of the predicted stances.
        right: (rows,) whether the prediction is right.

    Returns:
        {"reliability", "coverage", "abstain_below"}: for each bin that has rows "rows", their mean "confidence" and
        "accuracy" with its 95% interval "low" to "high" (Wilson); for the most confident 5, 10, … 100% of the rows
        "coverage", "precision" and the "threshold" that keeps them (Geifman and El-Yaniv, 2017, "Selective
        Classification for Deep Neural Networks"); and `abstention`'s answer for each of `PRECISIONS`.
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
    abstain = {str(wanted): abstention(confidence, right, wanted) for wanted in PRECISIONS}
    return {"reliability": reliability, "coverage": coverage, "abstain_below": abstain}


def abstention(confidence: np.ndarray, right: np.ndarray, precision: float) -> dict[str, float] | None:
    """The lowest confidence from which on labels are right as often as wanted.

    So that it holds on unseen records of the same kind, not only on these, the lower end of the precision's one-sided
    95% interval (Clopper and Pearson, 1934) must reach what is wanted.

    Args:
        confidence, right: see `describe_confidence`.
        precision: 0 to 1.

    Returns:
        {"threshold", "coverage", "precision"}: what to abstain below, the share of these records that get a label, and
        the share of right ones among those; None where no threshold is good enough.
    """
    order = np.argsort(-confidence, kind="stable")
    sorted_confidence = confidence[order]
    labelled = np.arange(1, len(order) + 1)
    hits = right[order].cumsum()
    lower = beta.ppf(0.05, hits, labelled - hits + 1)
    ends = np.append(sorted_confidence[1:] < sorted_confidence[:-1], True)  # equal confidences stay together
    good = np.flatnonzero(ends & (lower >= precision))
    if not good.size:
        return None
    last = good[-1]
    return {
        "threshold": float(sorted_confidence[last]),
        "coverage": float(labelled[last] / len(order)),
        "precision": float(hits[last] / labelled[last]),
    }
