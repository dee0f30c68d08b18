"""What a score must beat: priors, and simple models on everything and on parts.

The priors and the parts show what a model could get without reading: a corpus in which the actor, the target or the
query alone predicts the stance rewards prejudice. (Known as hypothesis-only baselines: Poliak et al., 2018, "Hypothesis
Only Baselines in Natural Language Inference".)
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from ..data import STANCES, Record
from ..models import Prediction
from ..models.modeling import mean_pool
from .config import ModelConfig
from .evaluate import Evaluation
from .fit import load_encoder
from .metrics import evaluate_predictions

# What each may read of a record.
_MAJORITY: dict[str, Callable[[Record], str]] = {
    "majority": lambda record: "",
    "majority per actor": lambda record: record.actor.casefold(),
    "majority per target": lambda record: record.target.casefold(),
}
_TFIDF: dict[str, Callable[[Record], str]] = {
    "actor alone": lambda record: record.actor,
    "target alone": lambda record: record.target,
    "query alone": lambda record: f"{record.actor} {record.target}",
    "text alone": lambda record: record.passage,
    "tfidf-logreg": lambda record: f"{record.passage} {record.actor} {record.target}",
}
_EMBEDDINGS = "embeddings-logreg"

BASELINES = (*_MAJORITY, *_TFIDF, _EMBEDDINGS)


def evaluate_baseline(name: str, train: Sequence[Record], test: Sequence[Record], model: ModelConfig) -> Evaluation:
    """Fit a baseline and score it like a model.

    Args:
        name: one of `BASELINES`. The majority is that of all training rows, or of those with the record's actor or
            target (all rows, if there are none); its scores are their frequencies. "… alone" is TF-IDF with logistic
            regression on a part of the record, "tfidf-logreg" on all of it, and "embeddings-logreg" is logistic
            regression on the frozen encoder's mean-pooled embeddings of text and query, and their product.
        train, test: labelled records.
        model: says which encoder, and how the query is worded.
    """
    labels = [str(record.stance) for record in train]
    if name in _MAJORITY:
        read = _MAJORITY[name]
        rows = _majority([read(record) for record in train], labels, [read(record) for record in test])
    else:
        learned, asked = (_features(name, records, model) for records in (train, test))
        classifier = _regression(name).fit(learned, labels)
        rows = np.zeros((len(test), len(STANCES)))
        rows[:, [STANCES.index(stance) for stance in classifier.classes_]] = classifier.predict_proba(asked)
    predictions = []
    for row in rows:
        scores = dict(zip(STANCES, map(float, row), strict=True))
        stance = max(scores, key=scores.__getitem__)
        predictions.append(Prediction(stance, scores[stance], scores))
    return Evaluation(list(test), predictions, evaluate_predictions(test, predictions) | {"skipped": 0}, [])


def _majority(values: Sequence[str], labels: Sequence[str], asked: Sequence[str]) -> NDArray[np.float64]:
    """Frequencies of the stances, (asked, stances), among the training rows with the same value."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for value, label in zip(values, labels, strict=True):
        counts[value][label] += 1
    everything = Counter(labels)
    found = [counts.get(value, everything) for value in asked]
    return np.array([[count[stance] / count.total() for stance in STANCES] for count in found])


def _features(name: str, records: Sequence[Record], model: ModelConfig) -> Any:
    if name != _EMBEDDINGS:
        return [_TFIDF[name](record) for record in records]
    queries = [model.query_template.format(actor=record.actor, target=record.target) for record in records]
    passages = [record.passage for record in records]
    embedded = _embed(sorted({*queries, *passages}, key=len), model)
    left, right = (np.array([embedded[text] for text in texts]) for texts in (passages, queries))
    return np.hstack([left, right, left * right])


def _regression(name: str) -> Any:
    regression = LogisticRegression(max_iter=2000, C=0.01 if name == _EMBEDDINGS else 10)
    if name == _EMBEDDINGS:
        return make_pipeline(StandardScaler(), regression)
    return make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2), regression)


@torch.inference_mode()
def _embed(texts: Sequence[str], model: ModelConfig) -> dict[str, NDArray[np.float32]]:
    """Mean-pooled embeddings by the encoder as it is."""
    encoder, tokenizer = load_encoder(model)
    encoder.eval()
    embedded: dict[str, NDArray[np.float32]] = {}
    for start in tqdm(range(0, len(texts), 64), desc="embedding", unit="batch", disable=None, leave=False):
        batch = list(texts[start : start + 64])
        inputs = tokenizer(batch, padding=True, truncation=True, max_length=model.max_tokens, return_tensors="pt")
        pooled = mean_pool(encoder(**inputs).last_hidden_state, inputs["attention_mask"])
        embedded |= dict(zip(batch, pooled.numpy(), strict=True))
    return embedded
