"""How far does what was learned carry? Tests on actors and targets not asked about in training, and smaller corpora."""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from ..data import Record
from ..data.splits import text_key
from ..models.lexicon import load_actors

Splits = dict[str, list[Record]]


def hold_out(splits: Mapping[str, Sequence[Record]], actors: Collection[str], targets: Collection[str]) -> Splits:
    """Test on what training knows nothing of.

    Args:
        splits: train, validation and test.
        actors: names. Those of `data/actors.yaml` stand for their aliases as well ("Turkey" for "Ankara").
        targets: phrases; a target that holds one counts, so that "NATO membership" stands for every country's.

    Returns:
        "test": the rows of all splits whose actor or target is held out. "train" and "validation": the other passages,
        without those that share a text or a `group` with a test row.

    Raises:
        ValueError: an actor or target occurs in no row, or leaves nothing to train on.
    """
    aliases = {actor.name.casefold(): {name.casefold() for name in actor.names} for actor in load_actors()}
    wanted: dict[str, Callable[[Record], bool]] = {
        actor: partial(_has_actor, names=aliases.get(actor.casefold(), {actor.casefold()})) for actor in actors
    }
    wanted |= {target: partial(_has_target, phrase=target.casefold()) for target in targets}
    everything = [record for records in splits.values() for record in records]
    if unused := [name for name, fits in wanted.items() if not any(map(fits, everything))]:
        raise ValueError(f"held out, but in no row of the corpus: {', '.join(unused)}")
    test = [record for record in everything if any(fits(record) for fits in wanted.values())]
    texts, groups = {text_key(record) for record in test}, {record.group for record in test} - {None}
    kept = {
        name: [record for record in splits[name] if text_key(record) not in texts and record.group not in groups]
        for name in ("train", "validation")
    }
    if empty := [name for name, records in kept.items() if not records]:
        raise ValueError(f"holding out {', '.join(wanted)} leaves no rows in {' and '.join(empty)}")
    return kept | {"test": test}


def _has_actor(record: Record, names: Collection[str]) -> bool:
    return record.actor.casefold().removeprefix("the ") in names


def _has_target(record: Record, phrase: str) -> bool:
    return phrase in record.target.casefold()


def sample_passages(records: Sequence[Record], share: float) -> list[Record]:
    """A share of the passages with all their rows; a smaller share is part of a larger one, whatever the seed.

    Args:
        records: labelled records.
        share: above 0, to 1.
    """

    def place(record: Record) -> float:
        return int.from_bytes(hashlib.sha256(text_key(record).encode()).digest()[:8]) / 2**64

    return [record for record in records if place(record) < share]
