"""`StanceClassifier`: load a trained model and ask it about one record or millions."""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, cast

import torch
from transformers import AutoTokenizer, PreTrainedTokenizerBase
from transformers.utils.generic import ModelOutput

from ..data import Record, RecordError, check_record
from .encoding import encode, fit_pair
from .loading import load_model
from .modeling import StanceConfig, StanceForSequenceClassification

# Records are sorted by length inside a window, so that short ones aren't padded to long ones; a batch is as many of
# them as fit into the token budget.
WINDOW_RECORDS = 2048
BATCH_TOKENS = 4096


@dataclass
class Prediction(ModelOutput):
    """What the model says about one record; attributes and keys (`prediction.stance`, `prediction["stance"]`).

    Attributes:
        stance: favor, against, conditional or none.
        confidence: calibrated probability of that stance, 0 to 1.
        scores: every stance's probability; they sum to 1.
        error: why the record could not be used; the other three are None then, and missing as keys.
    """

    stance: str | None = None
    confidence: float | None = None
    scores: dict[str, float] | None = None
    error: str | None = None


class StanceClassifier:
    """A trained model with its tokenizer.

    >>> classifier = StanceClassifier.from_pretrained("runs/default")        # doctest: +SKIP
    >>> classifier.predict("Russia says it is against this.", actor="Russia",
    ...                    target="European peacekeepers in Ukraine").stance  # doctest: +SKIP
    'against'
    """

    def __init__(self, model: StanceForSequenceClassification, tokenizer: PreTrainedTokenizerBase) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self._labels = [stance for _, stance in sorted((self.config.id2label or {}).items())]
        self._tokenizing = threading.Lock()  # fast tokenizers keep the truncation setting as state

    @classmethod
    def from_pretrained(cls, name: str | Path, device: str | torch.device | None = None) -> "StanceClassifier":
        """Load a run folder, or a model of this kind from the Hugging Face Hub.

        Args:
            name: the folder that `scripts/train.py` wrote, or a Hub name.
            device: where to compute; by default a GPU if there is one.

        Raises:
            FileNotFoundError: the folder lacks the configuration or the weights.
            ValueError: not a stance model, damaged weights or such in another form than safetensors, another label set.
        """
        model = load_model(name)
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        model.to(device)  # type: ignore[arg-type]
        return cls(model, AutoTokenizer.from_pretrained(name))

    @property
    def config(self) -> StanceConfig:
        """The model's configuration."""
        return cast(StanceConfig, self.model.config)

    def threshold(self, precision: float) -> float:
        """The confidence below which to abstain, for labels that are right as often as wanted.

        Args:
            precision: one of the shares that thresholds were chosen for in training, such as 0.9.

        Raises:
            ValueError: there is none for it.
        """
        known = {wanted: limit for wanted, limit in self.config.abstain_below.items() if limit is not None}
        limit = known.get(str(precision))
        if limit is None:
            options = ", ".join(known) or "none: its validation split was too small, or it is too seldom right"
            raise ValueError(
                f"no threshold for labels that are right {precision} of the time; this model has {options}"
            )
        return limit

    def pair(self, text: str, *, actor: str, target: str, context: str = "") -> dict[str, str]:
        """The model's input as strings, cut to its length, for `transformers.pipeline("text-classification")`.

        Raises:
            RecordError: see `predict`.
        """
        record = check_record({"text": text, "actor": actor, "target": target, "context": context})
        with self._tokenizing:
            text, query, _ = fit_pair(record, self.tokenizer, self.config)
        return {"text": text, "text_pair": query}

    def predict(self, text: str, *, actor: str, target: str, context: str = "") -> Prediction:
        """Classify one text.

        Raises:
            RecordError: an argument is empty or not a string.
        """
        fields = {"text": text, "actor": actor, "target": target, "context": context}
        (prediction,) = self.predict_batch([fields])
        if prediction.error:
            raise RecordError(prediction.error)
        return prediction

    def predict_batch(self, records: Iterable[Mapping[str, Any]]) -> Iterator[Prediction]:
        """Classify any number of records.

        Args:
            records: mappings with `text`, `actor`, `target` and optionally `context`; any iterable. It is read a
                window at a time, so that a generator over a large file needs little memory.

        Yields:
            One Prediction per record, in order. A record that can't be used gives one with `error` set.
        """
        iterator = iter(records)
        while window := list(islice(iterator, WINDOW_RECORDS)):
            yield from self._predict_window(window)

    def _predict_window(self, window: Sequence[Mapping[str, Any]]) -> list[Prediction]:
        predictions = [Prediction() for _ in window]
        usable: dict[int, Record] = {}
        for index, fields in enumerate(window):
            try:
                usable[index] = check_record(fields)
            except RecordError as error:
                predictions[index] = Prediction(error=str(error))
        with self._tokenizing:
            encodings = dict(zip(usable, encode(list(usable.values()), self.tokenizer, self.config), strict=True))
        for index, encoding in list(encodings.items()):
            if isinstance(encoding, RecordError):
                predictions[index] = Prediction(error=str(encodings.pop(index)))
        for batch in _batches(encodings):
            for index, scores in zip(batch, self._score([encodings[index] for index in batch]), strict=True):
                stance = max(scores, key=scores.__getitem__)
                predictions[index] = Prediction(stance, scores[stance], scores)
        return predictions

    @torch.inference_mode()
    def _score(self, encodings: list[dict[str, list[int]]]) -> list[dict[str, float]]:
        inputs = self.tokenizer.pad(encodings, return_tensors="pt").to(self.model.device)
        probabilities = self.model(**inputs).logits.float().softmax(-1).tolist()
        return [dict(zip(self._labels, row, strict=True)) for row in probabilities]


def _batches(encodings: Mapping[int, dict[str, list[int]]]) -> Iterator[list[int]]:
    """Group keys of similar length so that no padded batch exceeds the token budget."""
    batch: list[int] = []
    longest = 0
    for index in sorted(encodings, key=lambda i: len(encodings[i]["input_ids"])):
        longest = max(longest, len(encodings[index]["input_ids"]))
        if batch and longest * (len(batch) + 1) > BATCH_TOKENS:
            yield batch
            batch, longest = [], len(encodings[index]["input_ids"])
        batch.append(index)
    if batch:
        yield batch
