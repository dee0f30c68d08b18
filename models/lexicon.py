"""The actors and targets that document analysis looks for, read from YAML."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from spacy.lang.en.stop_words import STOP_WORDS

KINDS = ("person", "country", "organisation")


class LexiconError(ValueError):
    """A list of actors or targets that can't be used; the message names the file and the entry."""


@dataclass(frozen=True)
class Actor:
    """Somebody who can take a position; `names` are all ways to write it, its own name first."""

    name: str
    kind: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Target:
    """Something to take a position on. A sentence is about it if it holds one phrase of each list in `mentions`.

    The first list is its core: the sentence before can't supply it, unless "it" or "this" points there.
    """

    name: str
    mentions: tuple[tuple[str, ...], ...]

    @classmethod
    def named(cls, name: str) -> "Target":
        """A target known by its name alone: each of its content words counts as a mention."""
        if not name.strip():
            raise LexiconError("a target's name is empty; expected a noun phrase such as 'the grain deal'")
        words = [word.lower().removesuffix("'s").removesuffix("’s").strip(",.;:") for word in name.split()]
        content = tuple(word for word in words if word and word not in STOP_WORDS)
        return cls(name, (content or tuple(words),))


def load_actors(path: Path | None = None) -> list[Actor]:
    """Read actors; without a path, those that come with the package (`data/actors.yaml`).

    Raises:
        LexiconError: not a list of entries with `name`, `kind` and `aliases`.
        FileNotFoundError: no such file.
    """
    actors = []
    taken: dict[str, str] = {}
    for where, entry in _entries(path, "actors.yaml", {"name", "kind", "aliases"}):
        kind, aliases = entry.get("kind", "organisation"), entry.get("aliases", [])
        if kind not in KINDS:
            raise LexiconError(f"{where}: kind: expected one of {', '.join(KINDS)}; found {kind!r}")
        if not isinstance(aliases, list) or not all(isinstance(alias, str) and alias.strip() for alias in aliases):
            raise LexiconError(f"{where}: aliases: expected a list of names, found {aliases!r}")
        for alias in (entry["name"], *aliases):
            if (other := taken.setdefault(alias, entry["name"])) != entry["name"]:
                raise LexiconError(f"{where}: {alias!r} is also a name of {other}; an article can't tell them apart")
        actors.append(Actor(entry["name"], kind, (entry["name"], *aliases)))
    return actors


def load_targets(path: Path | None = None) -> list[Target]:
    """Read targets; without a path, those that come with the package (`data/targets.yaml`).

    Raises:
        LexiconError: not a list of entries with `name` and `mentions`, a list of lists of phrases.
        FileNotFoundError: no such file.
    """
    targets = []
    for where, entry in _entries(path, "targets.yaml", {"name", "mentions"}):
        mentions = entry.get("mentions")
        if mentions is None:
            targets.append(Target.named(entry["name"]))
            continue
        if (
            not isinstance(mentions, list)
            or not mentions
            or not all(
                isinstance(phrases, list) and phrases and all(isinstance(phrase, str) for phrase in phrases)
                for phrases in mentions
            )
        ):
            raise LexiconError(f"{where}: mentions: expected a list of lists of phrases, found {mentions!r}")
        targets.append(Target(entry["name"], tuple(tuple(phrases) for phrases in mentions)))
    return targets


def _entries(path: Path | None, default: str, known: set[str]) -> list[tuple[str, dict[str, Any]]]:
    """Each entry with where it stands; a plain string is an entry with a name only."""
    source = path or resources.files("actorstance.data") / default
    try:
        content = YAML(typ="safe", pure=True).load(source.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        raise LexiconError(f"{source}: not readable as YAML: {error}") from None
    if not isinstance(content, list) or not content:
        raise LexiconError(f"{source}: expected a list of entries with a name, found {type(content).__name__}")
    entries = []
    for number, item in enumerate(content, start=1):
        entry = {"name": item} if isinstance(item, str) else item
        where = f"{source}: entry {number}"
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or not entry["name"].strip():
            raise LexiconError(f"{where}: expected a name, found {item!r}")
        if unknown := sorted(map(str, set(entry) - known)):
            raise LexiconError(f"{where} ({entry['name']}): unknown key {', '.join(unknown)}; known: {sorted(known)}")
        entries.append((f"{where} ({entry['name']})", entry))
    return entries
