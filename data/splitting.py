"""Splits that hold: a sentence, its paraphrases and its near-copies always land on the same side."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import HashingVectorizer

from .records import Record
from .splits import text_key

# Cosine of passages as bags of four-letter pieces of words. In this corpus, nearly all pairs above it copy one another
# or tell the same event in other words; pairs below it share a subject at most.
NEAR_COPY = 0.5
_CHUNK = 1024


def near_copies(passages: Sequence[str], threshold: float = NEAR_COPY) -> Iterator[tuple[int, int, float]]:
    """Yield pairs of passages that share most of their wording.

    Hashed character four-grams within words (scikit-learn), compared by sparse matrix products, a block of rows at a
    time, so that memory stays small. No weights are learned from the collection: two passages are near-copies or not,
    whatever else is added or removed.

    Yields:
        Position, higher position, cosine between `threshold` and 1.
    """
    vectorizer = HashingVectorizer(
        analyzer="char_wb", ngram_range=(4, 4), binary=True, alternate_sign=False, dtype=np.float32
    )
    vectors = vectorizer.transform(passages)
    for start in range(0, len(passages), _CHUNK):
        similarity = (vectors[start : start + _CHUNK] @ vectors.T).tocoo()
        close = (similarity.data >= threshold) & (similarity.row + start < similarity.col)
        for row, column, cosine in zip(
            similarity.row[close] + start, similarity.col[close], similarity.data[close], strict=True
        ):
            yield int(row), int(column), float(cosine)


def assign_splits(records: Sequence[Record], shares: Mapping[str, float]) -> list[str]:
    """Choose a split for every record.

    Records with the same passage, the same `group` or nearly the same wording stay together. The choice depends on a
    hash of the wording, so that a record keeps its split when others are added, unless one of them is its near-copy.

    Args:
        records: any order.
        shares: split → share of the passages, summing to 1, such as {"train": 0.8, "validation": 0.1, "test": 0.1}.

    Returns:
        A split's name for each record.
    """
    keys = [text_key(record) for record in records]
    passages = sorted(set(keys))
    number = {key: index for index, key in enumerate(passages)}
    links = [(a, b) for a, b, _ in near_copies(passages)]
    first_of_group: dict[str, int] = {}
    for key, record in zip(keys, records, strict=True):
        if record.group is not None:
            links.append((first_of_group.setdefault(record.group, number[key]), number[key]))
    rows, columns = zip(*links, strict=True) if links else ((), ())
    graph = csr_matrix((np.ones(len(links)), (rows, columns)), shape=(len(passages), len(passages)))
    _, component = connected_components(graph, directed=False)
    # Passages are sorted: a component is named after its first passage.
    name: dict[int, str] = {}
    for passage, label in zip(passages, component, strict=True):
        name.setdefault(label, passage)
    split_of = {label: _split(_fraction(passage), shares) for label, passage in name.items()}
    return [split_of[component[number[key]]] for key in keys]


def _fraction(text: str) -> float:
    """A number from 0 to 1 that looks random and depends on the text alone."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) / 2**64


def _split(fraction: float, shares: Mapping[str, float]) -> str:
    for name, share in shares.items():
        if fraction < share:
            return name
        fraction -= share
    return list(shares)[-1]
