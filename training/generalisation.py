"""How far does what was learned carry? Tests on actors and targets not asked about in training, and smaller corpora."""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence

from ..data import Record
from ..data.splits import text_key

Splits = dict[str, list[Record]]


def hold_out(splits: Mapping[str, Sequence[Record]], actors: Collection[str], targets: Collection[str]) -> Splits:
    """Test on what training knows nothing of.

    Args:
        splits: train, validation and test.
        actors, targets: beginnings of words, whatever their case: "Turk" holds out Turkey and the Turkish president,
            "NATO membership" that of every country. Other names for the same ("Ankara") must be listed as well.

    Returns:
        "test": the rows of all splits whose actor or target is held out. "train" and "validation": the other passages,
        without those that share a text or a `group` with a test row.

    Raises:
        ValueError: an actor or target occurs in no row, or leaves nothing to train on.
    """
    everything = [record for records in splits.values() for record in records]
    wanted = [(_phrase(actor), "actor", actor) for actor in actors]
    wanted += [(_phrase(target), "target", target) for target in targets]
    fits = [{record for record in everything if phrase.search(getattr(record, of))} for phrase, of, _ in wanted]
    if unused := [name for (_, _, name), found in zip(wanted, fits, strict=True) if not found]:
        raise ValueError(f"held out, but in no row of the corpus: {', '.join(unused)}")
    held_out = set().union(*fits)
    test = [record for record in everything if record in held_out]
    texts, groups = {text_key(record) for record in test}, {record.group for record in test} - {None}
    kept = {
        name: [record for record in splits[name] if text_key(record) not in texts and record.group not in groups]
        for name in ("train", "validation")
    }
    if empty := [name for name, records in kept.items() if not records]:
        raise ValueError(f"holding out {', '.join([*actors, *targets])} leaves no rows in {' and '.join(empty)}")
    return kept | {"test": test}


def _phrase(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b{re.escape(words)}", re.IGNORECASE)


def sample_passages(records: Sequence[Record], share: float) -> list[Record]:
    """A share of the passages with all their rows; a smaller share is part of a larger one, whatever the seed.

    Args:
        records: labelled records.
        share: above 0, to 1.
    """

    def place(record: Record) -> float:
        return int.from_bytes(hashlib.sha256(text_key(record).encode()).digest()[:8]) / 2**64

    return [record for record in records if place(record) < share]
