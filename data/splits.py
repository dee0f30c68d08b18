"""Loading labelled splits, with every problem reported by file and line."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from .files import read_rows
from .records import Record, RecordError, check_record

_SHOWN = 20


class CorpusError(ValueError):
    """Labelled data that must not be trained on; the message lists the problems by file and line."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        more = [f"… and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
        super().__init__("\n".join([*self.problems[:_SHOWN], *more]))


def load_split(path: str | Path) -> list[Record]:
    """Read a labelled file.

    Raises:
        CorpusError: unreadable or invalid records, records without a known stance, one question with two stances,
            or no record at all.
        FileNotFoundError, ValueError: see `read_rows`.
    """
    records: list[Record] = []
    problems: list[str] = []
    first_seen: dict[tuple[str, str, str], tuple[int, str]] = {}
    for row in read_rows(path):
        try:
            if row.error:
                raise RecordError(row.error)
            record = check_record(row.fields, labelled=True)
        except RecordError as error:
            problems.append(f"{path}:{row.line}: {error}")
            continue
        assert record.stance is not None
        question = (text_key(record), record.actor.casefold(), record.target.casefold())
        line, stance = first_seen.setdefault(question, (row.line, record.stance))
        if stance != record.stance:
            problems.append(
                f"{path}:{row.line}: labelled {record.stance}, but line {line} labels the same text, actor and target "
                f"{stance}; keep one"
            )
        records.append(record)
    if not records and not problems:
        problems.append(f"{path}: no records; expected one labelled record a line")
    if problems:
        raise CorpusError(problems)
    return records


def text_key(record: Record) -> str:
    """The record's passage without case, accents, punctuation and spacing: equal for trivially edited copies."""
    decomposed = unicodedata.normalize("NFKD", record.passage).casefold()
    return " ".join(re.findall(r"\w+", "".join(c for c in decomposed if not unicodedata.combining(c))))


def find_leaks(splits: Mapping[str, Sequence[Record]]) -> list[str]:
    """Describe every passage, and every `group` of paraphrases, that stands in more than one split."""
    where: dict[str, set[str]] = defaultdict(set)
    shown: dict[str, str] = {}
    for name, records in splits.items():
        for record in records:
            keys = [f"text {text_key(record)}"]
            if group := record.fields.get("group"):
                keys.append(f"group {group}")
            for key in keys:
                where[key].add(name)
                shown.setdefault(key, record.text)
    return [
        f"{' and '.join(sorted(names))} have the same {key.split(' ')[0]}: {shown[key][:80]!r}"
        for key, names in where.items()
        if len(names) > 1
    ]
