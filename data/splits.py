"""Loading labelled splits, with every problem reported by file and line."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from .files import read_rows
from .records import Record, RecordError, check_record

_SHOWN = 20
_FEW_WORDS = 6


class CorpusError(ValueError):
    """Labelled data that must not be trained on; the message lists the problems by file and line."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        more = [f"… and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
        super().__init__("\n".join([*self.problems[:_SHOWN], *more]))


def load_split(*paths: str | Path) -> list[Record]:
    """Read one labelled file, or several as one.

    Raises:
        CorpusError: unreadable or invalid records, records without a known stance, one question with two stances,
            or no record at all.
        FileNotFoundError, ValueError: see `read_rows`.
    """
    records: list[Record] = []
    problems: list[str] = []
    first_seen: dict[tuple[str, ...], tuple[str, str]] = {}
    for path in paths:
        for row in read_rows(path):
            where = f"{path}:{row.line}"
            try:
                if row.error:
                    raise RecordError(row.error)
                record = check_record(row.fields, labelled=True)
            except RecordError as error:
                problems.append(f"{where}: {error}")
                continue
            question = tuple(" ".join(part.split()) for part in (record.passage, record.actor, record.target))
            first, stance = first_seen.setdefault(question, (where, str(record.stance)))
            if stance != record.stance:
                problems.append(
                    f"{where}: labelled {record.stance}, but {first} labels the same text, actor and target {stance}; "
                    "keep one"
                )
            records.append(record)
    if not records and not problems:
        problems.append(f"{', '.join(map(str, paths))}: no records; expected one labelled record a line")
    if problems:
        raise CorpusError(problems)
    return records


def text_key(record: Record) -> str:
    """The record's passage without case, accents, punctuation and spacing: equal for trivially edited copies."""
    return _plain(record.passage)


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return " ".join(re.findall(r"\w+", "".join(c for c in decomposed if not unicodedata.combining(c))))


def find_leaks(splits: Mapping[str, Sequence[Record]]) -> list[str]:
    """Describe every text, and every `group` of paraphrases, that stands in more than one split.

    A text of a few words ("She refused.") may stand in two, each time with another context.
    """
    where: dict[str, set[str]] = defaultdict(set)
    shown: dict[str, str] = {}
    for name, records in splits.items():
        for record in records:
            plain = _plain(record.text)
            keys = [f"text {plain if plain.count(' ') >= _FEW_WORDS else text_key(record)}"]
            if record.group is not None:
                keys.append(f"group {record.group}")
            for key in keys:
                where[key].add(name)
                shown.setdefault(key, record.text)
    return [
        f"{' and '.join(sorted(names))} have the same {key.split(' ')[0]}: {shown[key][:80]!r}"
        for key, names in where.items()
        if len(names) > 1
    ]
