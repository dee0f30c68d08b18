"""Is B better than A, on what, and how sure are we? Systems are compared on the same rows, over their seeds.

A system is a configuration with one run per seed. Two things make its scores uncertain: the rows are a sample, and so
are the seeds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data import STANCES, Record, check_record
from ..data.files import read_rows
from ..models import StanceClassifier
from .evaluate import evaluate
from .metrics import (
    METRICS,
    MIN_GROUP,
    Counts,
    clusters,
    count_by_cluster,
    metrics_of_counts,
    resamples,
    rows_by_value,
    spread,
)
from .run_folder import METRICS_FILE
from .seeds import SUMMARY_FILE, seed_runs

RESAMPLES = 2000
_AT_ONCE = 100
HEADLINE = "macro_f1"

Array = NDArray[np.float64]


class ComparisonError(ValueError):
    """Systems that can't be compared."""


@dataclass(frozen=True)
class System:
    """A configuration and what its runs say about the same labelled records; `scores` is (seeds, rows, stances)."""

    name: str
    records: list[Record]
    scores: Array

    @property
    def predicted(self) -> NDArray[np.intp]:
        """The stances said, (seeds, rows), as positions in `STANCES`."""
        return self.scores.argmax(-1)


def read_system(folder: Path, data: Sequence[Record] | None = None) -> System:
    """Read what the runs of a system said of their test split, or ask them about other records.

    Args:
        folder: a run folder, or what `train.py --seeds` made.
        data: labelled records.

    Raises:
        ComparisonError: the folder holds no finished run, or its runs answered different rows.
        FileNotFoundError, ValueError: a model can't be loaded.
    """
    answered = [_ask(run, data) if data is not None else _read_predictions(run) for run in _runs(folder)]
    records = answered[0][0]
    for others, _ in answered:
        _check_same_rows(records, others, folder)
    return System(folder.name, records, np.array([scores for _, scores in answered]))


def _runs(folder: Path) -> list[Path]:
    runs = seed_runs(folder) if (folder / SUMMARY_FILE).is_file() else [folder]
    if missing := [str(run) for run in runs if not (run / METRICS_FILE).is_file()]:
        raise ComparisonError(f"{', '.join(missing)}: expected a finished run, or a folder made by train.py --seeds")
    return runs


def _read_predictions(run: Path) -> tuple[list[Record], list[list[float]]]:
    rows = [dict(row.fields or {}) for row in read_rows(run / "predictions.jsonl")]
    records = [check_record(row | {"stance": row["gold_stance"]}, labelled=True) for row in rows]
    return records, [[row["scores"][stance] for stance in STANCES] for row in rows]


def _ask(run: Path, data: Sequence[Record]) -> tuple[list[Record], list[list[float]]]:
    evaluation = evaluate(StanceClassifier.from_pretrained(run), data)
    scores = [[(prediction.scores or {})[stance] for stance in STANCES] for prediction in evaluation.predictions]
    return evaluation.records, scores


def _check_same_rows(first: Sequence[Record], second: Sequence[Record], folder: Path) -> None:
    if list(first) != list(second):
        raise ComparisonError(
            f"{folder}: measured on other rows than the first ({len(second):,} and {len(first):,}); "
            "measure all of them on one file with --data"
        )


def compare(systems: Sequence[System], seed: int = 0) -> dict[str, Any]:
    """Compare systems pairwise on all rows and, by the headline score, on parts.

    Differences are of means over seeds. Their 95% intervals come from a bootstrap over `clusters` of rows, the p-values
    from approximate randomization, which exchanges the two systems' answers cluster by cluster (Noreen, 1989,
    "Computer-Intensive Methods for Testing Hypotheses"). Both are widened by what other seeds might have given, from
    each system's spread over its seeds and the t-distribution of as many (Reimers and Gurevych, 2017, "Reporting Score
    Distributions Makes a Difference"). That part of the spread over seeds comes from rows as well makes it a little too
    careful; with one seed there is no spread to go by, and the rows alone count. The p-values of a table are corrected
    for their number (Holm, 1979).

    Args:
        systems: at least two, of different names, with the same records.
        seed: of the resampling.

    Returns:
        {"rows", "systems": {name: {"seeds", "scores": {metric: {"mean", "sd", "values"}}}}, "differences": {metric:
        [{"of", "over", "difference", "low", "high", "p", "p_holm"}]}, "by": {"target": {name: {"rows", "systems",
        "differences"}}, …}}. The F1 of the four stances are one table.

    Raises:
        ComparisonError: the systems' names or records don't fit.
    """
    names = [system.name for system in systems]
    if len(names) < 2 or len(set(names)) < len(names):
        raise ComparisonError(f"expected two or more systems, in folders of different names; found {', '.join(names)}")
    records = systems[0].records
    for system in systems[1:]:
        _check_same_rows(records, system.records, Path(system.name))
    everything = np.arange(len(records))
    report: dict[str, Any] = {"rows": len(records)} | _compare_rows(systems, everything, seed)
    by_stance = [f"f1_{stance}" for stance in STANCES]
    for metric, differences in report["differences"].items():
        if metric not in by_stance:
            _correct(differences)
    _correct([difference for metric in by_stance for difference in report["differences"][metric]])
    report["by"] = {}
    for kind, values in rows_by_value(records).items():
        parts = {}
        for value, rows in values.items():
            if len(rows) >= MIN_GROUP:
                part = _compare_rows(systems, rows, seed)
                scores = {name: system["scores"][HEADLINE] for name, system in part["systems"].items()}
                parts[value] = {"rows": len(rows), "systems": scores, "differences": part["differences"][HEADLINE]}
        _correct([difference for part in parts.values() for difference in part["differences"]])
        report["by"][kind] = parts
    return report


def _compare_rows(systems: Sequence[System], rows: NDArray[np.intp], seed: int) -> dict[str, Any]:
    records = [systems[0].records[row] for row in rows]
    gold = np.array([STANCES.index(str(record.stance)) for record in records])
    together = clusters(records)
    runs = {
        system.name: [count_by_cluster(gold, scores[rows], together) for scores in system.scores] for system in systems
    }
    spreads = {name: _spread_over_seeds([metrics_of_counts(run.total()) for run in of]) for name, of in runs.items()}
    pooled = {name: sum(of[1:], of[0]).scaled(1 / len(of)) for name, of in runs.items()}
    random = np.random.default_rng(seed)
    drawn = _draw_rows(runs, random)
    differences: dict[str, list[dict[str, Any]]] = {metric: [] for metric in METRICS}
    for over, of in combinations(runs, 2):
        exchanged = _exchange(pooled[of], pooled[over], random)
        tested = [metrics_of_counts(pooled[name].total()) for name in (of, over)]
        for metric, found in differences.items():
            noise = _seed_noise(spreads[of][metric], random) - _seed_noise(spreads[over][metric], random)
            sample = drawn[of][metric] - drawn[over][metric] + noise
            statistic = abs(tested[0][metric] - tested[1][metric])
            as_large = np.abs(exchanged[metric] + noise) >= statistic - 1e-12
            found.append(
                {
                    "of": of,
                    "over": over,
                    "difference": spreads[of][metric]["mean"] - spreads[over][metric]["mean"],
                    "low": float(np.quantile(sample, 0.025)),
                    "high": float(np.quantile(sample, 0.975)),
                    "p": float((1 + as_large.sum()) / (1 + RESAMPLES)),
                }
            )
    shown = {name: {"seeds": len(runs[name]), "scores": scores} for name, scores in spreads.items()}
    return {"systems": shown, "differences": differences}


def _spread_over_seeds(points: Sequence[Mapping[str, Array]]) -> dict[str, dict[str, Any]]:
    return {metric: spread([float(point[metric][0]) for point in points]) for metric in METRICS}


def _draw_rows(runs: Mapping[str, Sequence[Counts]], random: np.random.Generator) -> dict[str, dict[str, Array]]:
    """Each system's mean over its seeds, (resamples,), on rows drawn anew: the same ones for every system."""
    number = len(next(iter(runs.values()))[0].confusion)
    drawn: dict[str, dict[str, list[Array]]] = {name: {metric: [] for metric in METRICS} for name in runs}
    for times in resamples(number, RESAMPLES, random):
        for name, of in runs.items():
            scores = [metrics_of_counts(run.drawn(times)) for run in of]
            for metric in METRICS:
                drawn[name][metric].append(np.mean([score[metric] for score in scores], axis=0))
    return {name: {metric: np.concatenate(parts) for metric, parts in of.items()} for name, of in drawn.items()}


def _exchange(of: Counts, over: Counts, random: np.random.Generator) -> dict[str, Array]:
    """Differences that are left when the systems' answers change sides by the toss of a coin for each cluster."""
    left: dict[str, list[Array]] = {metric: [] for metric in METRICS}
    for _ in range(RESAMPLES // _AT_ONCE):
        kept = random.integers(2, size=(_AT_ONCE, len(of.confusion)))
        first = metrics_of_counts(of.drawn(kept) + over.drawn(1 - kept))
        second = metrics_of_counts(over.drawn(kept) + of.drawn(1 - kept))
        for metric in METRICS:
            left[metric].append(first[metric] - second[metric])
    return {metric: np.concatenate(parts) for metric, parts in left.items()}


def _seed_noise(scores: Mapping[str, Any], random: np.random.Generator) -> Array:
    """How far the mean over the seeds might lie from that over all seeds, (resamples,); zero for one seed."""
    seeds = len(scores["values"])
    if seeds == 1:
        return np.zeros(RESAMPLES)
    return scores["sd"] / np.sqrt(seeds) * random.standard_t(seeds - 1, RESAMPLES)


def _correct(differences: Sequence[dict[str, Any]]) -> None:
    """Holm's step-down correction over the p-values of one table, added as `p_holm`."""
    largest = 0.0
    for rank, difference in enumerate(sorted(differences, key=lambda difference: difference["p"])):
        largest = max(largest, min(1.0, difference["p"] * (len(differences) - rank)))
        difference["p_holm"] = largest


def differing_rows(systems: Sequence[System]) -> list[dict[str, Any]]:
    """The rows on which the systems, each by its mean scores over seeds, don't say the same.

    Returns:
        The records' own fields with `gold_stance`, and `answers`: for each system its `stance` and how many `seeds`
        say so.
    """
    said = np.array([system.scores.mean(0).argmax(-1) for system in systems])
    rows = []
    for index in np.flatnonzero((said != said[0]).any(0)):
        answers = {
            system.name: {
                "stance": STANCES[said[number, index]],
                "seeds": int((system.predicted[:, index] == said[number, index]).sum()),
            }
            for number, system in enumerate(systems)
        }
        record = systems[0].records[index]
        kept = {key: value for key, value in record.fields.items() if key not in ("stance", "confidence", "scores")}
        rows.append(kept | {"gold_stance": record.stance, "answers": answers})
    return rows
