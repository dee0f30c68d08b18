"""What a labelled corpus is made of, and whether it keeps its promises."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import krippendorff
from sklearn.metrics import accuracy_score, cohen_kappa_score

from .files import read_rows
from .records import STANCES, Record
from .splits import find_leaks, text_key
from .splitting import near_copies


def check_corpus(splits: Mapping[str, Sequence[Record]]) -> list[str]:
    """Problems that training would suffer from: passages, groups or near-copies that stand in two splits."""
    problems = find_leaks(splits)
    where = {text_key(record): name for name, records in splits.items() for record in records}
    shown = {text_key(record): record.text for records in splits.values() for record in records}
    passages = sorted(where)
    for a, b, cosine in near_copies(passages):
        first, second = passages[a], passages[b]
        if where[first] != where[second]:
            problems.append(
                f"{where[first]} and {where[second]} have near-copies (cosine {cosine:.2f}): "
                f"{shown[first][:80]!r} / {shown[second][:80]!r}"
            )
    return problems


def describe_corpus(splits: Mapping[str, Sequence[Record]]) -> dict[str, Any]:
    """Counts: rows, texts, share of each stance, by genre and phenomenon, and how much wording repeats.

    Returns:
        Per split and for `all`: rows, texts, queries per text, share of rows with context, shares of stances, and
        the share of distinct word four-grams among all (1 if no four words in a row occur twice).
    """
    everything = [record for records in splits.values() for record in records]
    return {name: _describe(records) for name, records in {**splits, "all": everything}.items()}


def describe_agreement(records: Sequence[Record], adjudicated: str | Path) -> dict[str, Any]:
    """How far two annotators agree.

    Args:
        records: the whole corpus; each has an `id`. Only rows with two independent labels count: those whose field
            `annotators` is 2.
        adjudicated: JSONL with `id`, `first`, `second` and `decided` for the rows on which the two differed. On all
            others both gave the label that the corpus has.

    Returns:
        rows, differing, accuracy, Cohen's kappa (scikit-learn) and Krippendorff's alpha for nominal data (the package
        krippendorff); over all stances, and "by_stance" for each against the rest.

    Raises:
        ValueError: a row that can't be read, lacks a stance, names no record, or decided otherwise than the corpus.
        FileNotFoundError: no such file.
    """
    labels = {record.fields.get("id"): record.stance for record in records}
    differing: dict[Any, dict[str, Any]] = {}
    for row in read_rows(adjudicated):
        fields = row.fields or {}
        given = [fields.get(key) for key in ("first", "second", "decided")]
        if row.error or any(stance not in STANCES for stance in given):
            raise ValueError(f"{adjudicated}:{row.line}: expected id, first, second and decided; found {row.original}")
        if labels.get(fields.get("id")) != fields["decided"]:
            raise ValueError(f"{adjudicated}:{row.line}: no record {fields.get('id')!r} labelled {fields['decided']}")
        differing[fields["id"]] = fields
    pairs = [
        (found["first"], found["second"]) if (found := differing.get(record.fields.get("id"))) else (record.stance,) * 2
        for record in records
        if record.fields.get("annotators") == 2
    ]
    first, second = zip(*pairs, strict=True)
    return {
        "rows": len(pairs),
        "differing": sum(a != b for a, b in pairs),
        "accuracy": round(accuracy_score(first, second), 3),
        **_coefficients(first, second),
        "by_stance": {
            stance: _coefficients(*([label == stance for label in labels] for labels in (first, second)))
            for stance in STANCES
        },
    }


def _coefficients(first: Sequence[Any], second: Sequence[Any]) -> dict[str, float]:
    codes = {label: code for code, label in enumerate(sorted({*first, *second}))}
    ratings = [[codes[label] for label in labels] for labels in (first, second)]
    return {
        "kappa": round(float(cohen_kappa_score(*ratings)), 3),
        "alpha": round(float(krippendorff.alpha(ratings, level_of_measurement="nominal")), 3),
    }


def _describe(records: Sequence[Record]) -> dict[str, Any]:
    texts = {text_key(record): record.text for record in records}
    grams: Counter[tuple[str, ...]] = Counter()
    for text in texts.values():
        words = text.lower().split()
        grams.update(zip(*(words[i:] for i in range(4)), strict=False))
    stances = Counter(str(record.stance) for record in records)
    return {
        "rows": len(records),
        "texts": len(texts),
        "queries_per_text": round(len(records) / len(texts), 2),
        "with_context": round(sum(bool(record.context) for record in records) / len(records), 3),
        "stances": {stance: round(stances[stance] / len(records), 3) for stance in STANCES},
        "distinct_4grams": round(len(grams) / max(1, grams.total()), 3),
        **{
            f"by_{field}": dict(Counter(str(record.fields.get(field, "–")) for record in records).most_common())
            for field in ("genre", "phenomenon")
        },
    }
