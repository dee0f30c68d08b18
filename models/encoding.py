"""From records to token ids: how a question about a text is put to the encoder."""

import re
from collections.abc import Sequence
from typing import Any

from transformers import PreTrainedTokenizerBase

from ..data import Record, RecordError
from .modeling import StanceConfig

# The query may take all of a pair but this many tokens, which the text needs to say anything.
_TEXT_TOKENS = 16


def make_pair(record: Record, config: StanceConfig) -> tuple[str, str]:
    """The text and the query, as strings and in full."""
    text = mark_mentions(record.passage, record.actor) if config.mark_actor else record.passage
    return text, config.query_template.format(actor=record.actor, target=record.target)


def mark_mentions(text: str, actor: str) -> str:
    """Put brackets around the actor's mentions: its whole name, else the last word of a name ("Sund").

    Plain characters, so that every tokenizer knows them and no embedding starts untrained.
    """
    name = re.sub(r"^the\s+", "", actor, flags=re.IGNORECASE)
    last = name.split()[-1] if name.split() else ""
    for mention in [name, last] if last[:1].isupper() else [name]:
        # "us" is not the US
        flags = re.NOFLAG if mention.isupper() and len(mention) <= 3 else re.IGNORECASE
        marked, count = re.subn(rf"(?<!\w){re.escape(mention)}(?!\w)", r"[ \g<0> ]", text, flags=flags)
        if count:
            return marked
    return text


def fit_pair(record: Record, tokenizer: PreTrainedTokenizerBase, config: StanceConfig) -> tuple[str, str, Any]:
    """The text and the query as the model reads them, and their token ids.

    Where the pair is longer than `config.max_tokens`, the context goes first, then the end of the text. The query is
    always whole.

    Returns:
        text, query, and a dictionary with lists of ints (`input_ids`, `attention_mask`, …), unpadded.

    Raises:
        RecordError: the query alone is too long.
    """
    text, query = make_pair(record, config)
    encoding = tokenizer(text, query, verbose=False)
    if len(encoding["input_ids"]) > config.max_tokens and record.context:
        text, query = make_pair(Record(record.text, record.actor, record.target), config)
        encoding = tokenizer(text, query, verbose=False)
    if len(encoding["input_ids"]) > config.max_tokens:
        needed, most = len(tokenizer("", query, verbose=False)["input_ids"]), config.max_tokens - _TEXT_TOKENS
        if needed > most:
            raise RecordError(f"actor and target take {needed} tokens; {most} leave room for the text. Shorten them")
        options = {"truncation": "only_first", "max_length": config.max_tokens}
        encoding = tokenizer(text, query, return_offsets_mapping=True, **options)
        offsets = zip(encoding.pop("offset_mapping"), encoding.sequence_ids(), strict=True)
        text = text[: max(end for (_, end), part in offsets if part == 0)]
    return text, query, dict(encoding)


def encode(records: Sequence[Record], tokenizer: PreTrainedTokenizerBase, config: StanceConfig) -> list[Any]:
    """For each record its token ids (see `fit_pair`), or the RecordError that says why it has none."""
    encodings: list[Any] = []
    for record in records:
        try:
            encodings.append(fit_pair(record, tokenizer, config)[2])
        except RecordError as error:
            encodings.append(error)
    return encodings
