"""What a score must beat: the majority class, and TF-IDF with logistic regression."""

from collections.abc import Sequence
from typing import Any

from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from ..data import STANCES, Record
from ..models import Prediction
from .metrics import evaluate_predictions

BASELINES = ("majority", "tfidf-logreg")


def evaluate_baseline(name: str, train: Sequence[Record], test: Sequence[Record]) -> dict[str, Any]:
    """Fit a baseline and score it like a model.

    Args:
        name: one of `BASELINES`.
        train, test: labelled records.

    Returns:
        See `evaluate_predictions`.
    """
    model = _build(name)
    model.fit([_as_text(record) for record in train], [str(record.stance) for record in train])
    rows = model.predict_proba([_as_text(record) for record in test])
    known = [str(stance) for stance in model.classes_]
    predictions = []
    for row in rows:
        scores = dict.fromkeys(STANCES, 0.0) | dict(zip(known, map(float, row), strict=True))
        stance = max(scores, key=scores.__getitem__)
        predictions.append(Prediction(stance, scores[stance], scores))
    return evaluate_predictions(test, predictions)


def _build(name: str) -> Any:
    if name == "majority":
        return DummyClassifier(strategy="most_frequent")
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    return make_pipeline(words, LogisticRegression(max_iter=2000, C=10))


def _as_text(record: Record) -> str:
    return f"{record.passage} {record.actor} {record.target}"
