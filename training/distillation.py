"""Learning from trained models: their averaged scores stand beside the labels.

Several seeds together are right more often than each alone, at as many times the cost; one model can learn most of
what they know from their scores (Hinton et al., 2015, "Distilling the Knowledge in a Neural Network").
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data import STANCES, CorpusError, Record, RecordError, check_record
from ..data.files import read_rows

Scores = NDArray[np.float64]


def read_teachers(paths: Sequence[str]) -> dict[Record, Scores]:
    """Read what teachers said: files that `scripts/predict.py` wrote, one a teacher.

    Returns:
        For each question (a Record without its label) the geometric mean of the scores it got, which sum to 1, in the
        order of `STANCES`.

    Raises:
        CorpusError: rows that can't be read or have no scores.
        FileNotFoundError, ValueError: see `read_rows`.
    """
    logs: dict[Record, list[Scores]] = {}
    problems = []
    for path in paths:
        for row in read_rows(path):
            try:
                question = check_record(row.fields)
                scores = np.array(_scores(row.fields or {}), dtype=float)
                if not (np.isfinite(scores).all() and (scores >= 0).all() and scores.any()):
                    raise ValueError
                logs.setdefault(question, []).append(np.log(np.maximum(scores, 1e-9)))
            except RecordError as error:
                problems.append(f"{path}:{row.line}: {row.error or error}")
            except (KeyError, TypeError, ValueError):
                problems.append(f"{path}:{row.line}: scores: expected one for each stance, as predict.py writes them")
    if problems:
        raise CorpusError(problems)
    means = {question: np.exp(np.mean(answers, axis=0)) for question, answers in logs.items()}
    return {question: mean / mean.sum() for question, mean in means.items()}


def add_questions(records: Sequence[Record], teachers: Mapping[Record, Scores]) -> list[Record]:
    """The labelled records, and after them the questions that only the teachers answer."""
    asked = {_question(record) for record in records}
    return [*records, *(question for question in teachers if question not in asked)]


def answers(records: Sequence[Record], teachers: Mapping[Record, Scores], share: float) -> Scores:
    """What the model shall say about each record: its label, mixed with the teachers' scores where there are any.

    Args:
        records: with a label, or without one if teachers answer them.
        teachers: from `read_teachers`; empty for learning from labels alone.
        share: the teachers' part, 0 to 1, in the answer to a labelled record.

    Returns:
        Probabilities of shape (records, stances), in the order of `STANCES`.
    """
    rows = []
    for record in records:
        taught = teachers.get(_question(record))
        label = None if record.stance is None else np.eye(len(STANCES))[STANCES.index(record.stance)]
        if label is None or taught is None:
            rows.append(taught if label is None else label)
        else:
            rows.append(share * taught + (1 - share) * label)
    return np.array(rows)


def cross_questions(records: Sequence[Record]) -> list[Record]:
    """For each text, the pairs of its actors and its targets that none of its records asks about.

    Who holds a position is best taught by the same words with another actor, and teachers can answer what nobody has
    labelled.
    """
    by_passage: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        by_passage.setdefault((record.context, record.text), []).append(record)
    crossed = []
    for (context, text), asked in by_passage.items():
        known = {(record.actor, record.target) for record in asked}
        pairs = dict.fromkeys((first.actor, second.target) for first in asked for second in asked)
        crossed += [Record(text, actor, target, context) for actor, target in pairs if (actor, target) not in known]
    return crossed


def _scores(fields: Mapping[str, Any]) -> list[Any]:
    """As JSONL has them, or CSV and Parquet."""
    return [fields["scores"][stance] if "scores" in fields else fields[f"score_{stance}"] for stance in STANCES]


def _question(record: Record) -> Record:
    return Record(record.text, record.actor, record.target, record.context)
