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
    """The text and the query, as strings; what `transformers.pipeline` takes as `text` and `text_pair`."""
    text = mark_mentions(record.passage, record.actor) if config.mark_actor else record.passage
    return text, config.query_template.format(actor=record.actor, target=record.target)


def mark_mentions(text: str, actor: str) -> str:
    """Put brackets around the actor's mentions: its whole name, else the last word of a name ("Sund").

    Plain characters, so that every tokenizer knows them and no embedding starts untrained.
    """
    name = re.sub(r"^the\s+", "", actor, flags=re.IGNORECASE)
    last = name.split()[-1] if name.split() else ""
    for mention in [name, last] if last[:1].isupper() else [name]:
        marked, count = re.subn(rf"(?<!\w){re.escape(mention)}(?!\w)", r"[ \g<0> ]", text, flags=re.IGNORECASE)
        if count:
            return marked
    return text


def encode(records: Sequence[Record], tokenizer: PreTrainedTokenizerBase, config: StanceConfig) -> list[Any]:
    """Token ids for each record, unpadded.

    Where a pair is longer than `config.max_tokens`, the context goes first, then the end of the text. The query is
    always whole.

    Returns:
        One dictionary per record with lists of ints (`input_ids`, `attention_mask`, …), or the RecordError that says
        why this record can't be encoded.
    """
    encodings: list[Any] = []
    for record in records:
        text, query = make_pair(record, config)
        encoding = tokenizer(text, query, verbose=False)
        if len(encoding["input_ids"]) > config.max_tokens and record.context:
            text, query = make_pair(Record(record.text, record.actor, record.target), config)
            encoding = tokenizer(text, query, verbose=False)
        if len(encoding["input_ids"]) > config.max_tokens:
            needed = len(tokenizer("", query, verbose=False)["input_ids"])
            if needed > config.max_tokens - _TEXT_TOKENS:
                encodings.append(
                    RecordError(
                        f"actor and target take {needed} tokens; at most {config.max_tokens - _TEXT_TOKENS} "
                        "leave room for the text. Shorten them"
                    )
                )
                continue
            encoding = tokenizer(text, query, truncation="only_first", max_length=config.max_tokens)
        encodings.append(dict(encoding))
    return encodings
