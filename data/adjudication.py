"""Decisions on labels: which were disputed or doubted, what was decided, and why."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .files import read_rows, to_json, write_atomically
from .records import STANCES


def decided_ids(path: Path) -> set[str]:
    """The ids of the rows in a file of decisions; none if there is no such file."""
    return {str(dict(row.fields or {}).get("id")) for row in read_rows(path)} if path.exists() else set()


def record_decisions(suspects: Path, corpus: Sequence[Path], decisions: Path) -> dict[str, int]:
    """Take over the decisions that somebody has filled in: into the file of decisions, and into the corpus.

    Args:
        suspects: JSONL rows with `id`, `decided` (a stance) and `reason`. The others are passed over.
        corpus: JSONL files that hold the rows; those with a changed label are rewritten.
        decisions: JSONL with `id`, `first` and `second` (the annotators' labels), `decided` and `reason`; made if there
            is none. A row decided on before keeps its `first` and `second`.

    Returns:
        {"kept", "changed"}: numbers of labels.

    Raises:
        ValueError: every mistake in the suspects, by line; nothing is written then.
    """
    labels = {path: [dict(row.fields or {}) for row in read_rows(path)] for path in corpus}
    rows = {str(fields.get("id")): fields for fields_of in labels.values() for fields in fields_of}
    known: dict[str, dict[str, Any]] = {}
    if decisions.exists():
        known = {str(fields["id"]): fields for row in read_rows(decisions) if (fields := dict(row.fields or {}))}
    problems, changed, kept = [], 0, 0
    for row in read_rows(suspects):
        fields = dict(row.fields or {})
        decided, reason, name = fields.get("decided"), str(fields.get("reason", "")).strip(), str(fields.get("id"))
        if not row.error and not decided:
            continue
        if row.error or decided not in STANCES or not reason or name not in rows:
            problems.append(
                f"{suspects}:{row.line}: expected the id of a row of the corpus, a stance as decided "
                f"({', '.join(STANCES)}) and a reason; found {row.error or (name, decided, reason)}"
            )
            continue
        given = rows[name]["stance"]
        before = known.get(name, {"first": given, "second": given})
        known[name] = {"id": name, "first": before["first"], "second": before["second"]}
        known[name] |= {"decided": decided, "reason": reason}
        changed, kept = changed + (decided != given), kept + (decided == given)
        rows[name]["stance"] = decided
    if problems:
        raise ValueError("\n".join(problems))
    write_atomically(decisions, "".join(to_json(fields) + "\n" for fields in known.values()))
    for path, fields_of in labels.items():
        if (text := "".join(to_json(fields) + "\n" for fields in fields_of)) != path.read_text(encoding="utf-8"):
            write_atomically(path, text)
    return {"kept": kept, "changed": changed}
