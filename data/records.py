"""What a record is, and what makes one unusable."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

STANCES: Final = ("favor", "against", "conditional", "none")

# A sentence and a name are short. Anything far longer is a parsing accident (a whole archive in one field), and
# tokenizing it would stall a batch. The model reads the first 160 tokens or so anyway.
MAX_CHARACTERS: Final = 1_000_000


class RecordError(ValueError):
    """A record that can't be used; the message says what was expected and what was found."""


@dataclass(frozen=True, slots=True)
class Record:
    """One question about a text: which stance does `actor` take on `target`?

    `fields` is the mapping the record was read from, untouched.
    """

    text: str
    actor: str
    target: str
    context: str = ""
    stance: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def passage(self) -> str:
        """What the reader sees: the context, if any, and the text."""
        return f"{self.context} {self.text}" if self.context else self.text

    @property
    def group(self) -> str | None:
        """The name that paraphrases and minimal pairs share, if the data gives one."""
        group = self.fields.get("group")
        return None if _is_missing(group) or group == "" else str(group)


def check_record(fields: Any, *, labelled: bool = False) -> Record:
    """Turn a mapping into a Record.

    Args:
        fields: `text`, `actor` and `target` as non-empty strings; optionally `context` and, needed if `labelled`,
            `stance`. Other keys are allowed and kept.
        labelled: read and require `stance`. Without it a `stance` in the input is ignored, so that labelled files
            can be classified as they are.

    Raises:
        RecordError: what was expected and what was found.
    """
    if not isinstance(fields, Mapping):
        raise RecordError(f"expected an object with text, actor and target; found {_describe(fields)}")
    text, actor, target = (_required(fields, key) for key in ("text", "actor", "target"))
    context = fields.get("context")
    context = "" if _is_missing(context) else _string("context", context).strip()
    stance = _stance(fields) if labelled else None
    return Record(text, actor, target, context, stance, fields)


def _required(fields: Mapping[str, Any], key: str) -> str:
    value = fields.get(key)
    if _is_missing(value):
        raise RecordError(f"{key} is missing: expected a non-empty string")
    value = _string(key, value).strip()
    if not value:
        raise RecordError(f"{key} is empty: expected a non-empty string")
    return value


def _string(key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise RecordError(f"{key}: expected a string, found {_describe(value)}")
    if len(value) > MAX_CHARACTERS:
        raise RecordError(f"{key}: {len(value):,} characters long, at most {MAX_CHARACTERS:,} are read; split it")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise RecordError(f"{key}: invalid UTF-8 at character {error.start}; save the file as UTF-8") from None
    return value


def _stance(fields: Mapping[str, Any]) -> str:
    value = fields.get("stance")
    if _is_missing(value):
        raise RecordError(f"stance is missing: expected one of {', '.join(STANCES)}")
    if not isinstance(value, str) or value not in STANCES:
        # Integer labels are refused on purpose: public stance data sets number the classes differently.
        raise RecordError(f"stance: expected one of {', '.join(STANCES)}; found {_describe(value)}")
    return value


def _is_missing(value: Any) -> bool:
    """None, and the NaN that pandas puts where a column has no value."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def _describe(value: Any) -> str:
    shown = repr(value)
    return f"{shown if len(shown) <= 60 else shown[:57] + '...'} ({type(value).__name__})"
