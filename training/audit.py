"""Which labels of a corpus look wrong: models that never saw a row judge it, and cleanlab ranks the rows."""

import json
import logging
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from ..data import STANCES, Record, load_split
from ..data.files import read_rows, to_json, write_atomically
from ..data.splits import text_key
from .config import RunConfig
from .train import train

_log = logging.getLogger(__name__)


def rank_suspects(config: RunConfig, folds: int, decided: Collection[str] = ()) -> list[dict[str, Any]]:
    """Rank the training rows by how little the models of the other folds believe their labels.

    Trains one model per fold, as a run of its own in `config.run_dir-audit/` (unfinished ones are gone on with), each
    on the rows outside the fold; rows of one passage or group share a fold. Label quality is the probability, out of
    fold, of the given label; rows that confident learning takes for mislabelled are flagged (Northcutt et al., 2021,
    "Confident Learning"; the package cleanlab).

    Args:
        config: its training split is audited, its validation split picks each model's epoch.
        folds: at least 2.
        decided: ids of rows that somebody has decided on before; they are left out.

    Returns:
        The rows, most suspect first: their own fields, then `suggested` (the likeliest stance out of fold), `quality`
        (0 to 1) and `flagged`.

    Raises:
        ValueError: rows without an `id`.
    """
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    records = load_split(config.data.train)
    if missing := sum(not record.fields.get("id") for record in records):
        raise ValueError(f"{config.data.train}: expected an id in every row; {missing} have none")
    scores = {}
    for run in _run_folds(config, records, folds):
        for row in read_rows(run / "predictions.jsonl"):
            fields = dict(row.fields or {})
            scores[fields["id"]] = [fields["scores"][stance] for stance in STANCES]
    rows = [record for record in records if record.fields["id"] in scores]
    labels = np.array([STANCES.index(str(record.stance)) for record in rows])
    probabilities = np.array([scores[record.fields["id"]] for record in rows])
    probabilities /= probabilities.sum(1, keepdims=True)
    quality = get_label_quality_scores(labels, probabilities, method="self_confidence")
    flagged = find_label_issues(labels, probabilities)
    return [
        {
            **rows[index].fields,
            "suggested": STANCES[probabilities[index].argmax()],
            "quality": round(float(quality[index]), 4),
            "flagged": bool(flagged[index]),
        }
        for index in np.argsort(quality, kind="stable")
        if rows[index].fields["id"] not in decided
    ]


def _run_folds(config: RunConfig, records: Sequence[Record], folds: int) -> Iterator[Path]:
    """Train a model without each fold, and yield the run folders, whose predictions are of the fold."""
    stances = [str(record.stance) for record in records]
    groups = [record.group or text_key(record) for record in records]
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=config.seed)
    base = Path(f"{config.run_dir}-audit")
    for number, (inside, outside) in enumerate(splitter.split(records, stances, groups), 1):
        _log.warning("fold %d of %d: %d rows to learn from, %d to judge", number, folds, len(inside), len(outside))
        files = {"train": inside, "test": outside}
        for name, indices in files.items():
            path = base / f"fold{number}-{name}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, "".join(to_json(records[index].fields) + "\n" for index in indices))
        data = config.data.model_copy(update={name: str(base / f"fold{number}-{name}.jsonl") for name in files})
        fold = config.model_copy(update={"name": f"fold{number}", "output_dir": str(base), "data": data})
        train(fold, resume=True)
        yield fold.run_dir


def write_suspects(path: Path, suspects: Sequence[dict[str, Any]]) -> None:
    """Write the ranked rows as JSONL, each with empty `decided` and `reason` to be filled in."""
    lines = [json.dumps({**row, "decided": "", "reason": ""}, ensure_ascii=False) + "\n" for row in suspects]
    write_atomically(path, "".join(lines))
