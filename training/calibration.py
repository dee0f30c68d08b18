"""Temperature scaling: one number, fitted on validation, that makes confidences mean what they say."""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax


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
