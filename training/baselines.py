"""What a score must beat: the majority class, and TF-IDF with logistic regression, on everything and on parts.

The parts show what a model could get without reading: a corpus in which the actor, the target or the query alone
predicts the stance rewards prejudice. (Known as hypothesis-only baselines: Poliak et al., 2018, "Hypothesis Only
Baselines in Natural Language Inference".)
"""

from collections.abc import Callable, Sequence
from typing import Any

from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from ..data import STANCES, Record
from ..models import Prediction
from .metrics import evaluate_predictions

# What each may read of a record.
BASELINES: dict[str, Callable[[Record], str]] = {
    "majority": lambda record: "",
    "actor alone": lambda record: record.actor,
    "target alone": lambda record: record.target,
    "query alone": lambda record: f"{record.actor} {record.target}",
    "text alone": lambda record: record.passage,
    "tfidf-logreg": lambda record: f"{record.passage} {record.actor} {record.target}",
}


def evaluate_baseline(name: str, train: Sequence[Record], test: Sequence[Record]) -> dict[str, Any]:
    """Fit a baseline and score it like a model.

    Args:
        name: one of `BASELINES`.
        train, test: labelled records.

    Returns:
        See `evaluate_predictions`.
    """
    read = BASELINES[name]
    model = DummyClassifier(strategy="most_frequent") if name == "majority" else _tfidf_regression()
    model.fit([read(record) for record in train], [str(record.stance) for record in train])
    rows = model.predict_proba([read(record) for record in test])
    known = [str(stance) for stance in model.classes_]
    predictions = []
    for row in rows:
        scores = dict.fromkeys(STANCES, 0.0) | dict(zip(known, map(float, row), strict=True))
        stance = max(scores, key=scores.__getitem__)
        predictions.append(Prediction(stance, scores[stance], scores))
    return evaluate_predictions(test, predictions)


def _tfidf_regression() -> Any:
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    return make_pipeline(words, LogisticRegression(max_iter=2000, C=10))
