"""Is B better than A, on what, and how sure are we? Systems are compared on the same rows, over their seeds.

A system is a configuration with one run per seed. Two things make scores uncertain: the rows are a sample, and so are
the seeds; intervals and p-values cover both (with one seed, the rows alone).
"""

import json
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
from .metrics import MIN_GROUP, Counts, count_by_passage, metrics_of_counts, rows_by_value, spread
from .run_folder import METRICS_FILE
from .seeds import SUMMARY_FILE

RESAMPLES = 2000
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
    if (folder / SUMMARY_FILE).is_file():
        runs = [folder / name for name in json.loads((folder / SUMMARY_FILE).read_text())["runs"]]
    else:
        runs = [folder]
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

    Differences are of means over seeds. Their 95% intervals come from a bootstrap that draws passages (rows of one
    sentence are not independent) and seeds; the p-values from approximate randomization, which exchanges the two
    systems' answers passage by passage, widened by the seeds' own spread (Noreen, 1989, "Computer-Intensive Methods
    for Testing Hypotheses"; Reimers and Gurevych, 2017, "Reporting Score Distributions Makes a Difference"), and are
    corrected for the number of comparisons in a table (Holm, 1979).

    Args:
        systems: at least two, of different names, with the same records.
        seed: of the resampling.

    Returns:
        {"rows", "systems": {name: {"seeds", "scores": {metric: {"mean", "sd", "values"}}}}, "differences": {metric:
        [{"of", "over", "difference", "low", "high", "p", "p_holm"}]}, "by": {"target": {name: {"rows", "systems",
        "differences"}}, …}}.

    Raises:
        ComparisonError: the systems' names or records don't fit.
    """
    names = [system.name for system in systems]
    if len(names) < 2 or len(set(names)) < len(names):
        raise ComparisonError(f"expected two or more systems of different names; found {', '.join(names)}")
    records = systems[0].records
    for system in systems[1:]:
        _check_same_rows(records, system.records, Path(system.name))
    everything = np.arange(len(records))
    report: dict[str, Any] = {"rows": len(records)} | _compare_rows(systems, everything, seed)
    for differences in report["differences"].values():
        _correct(differences)
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
    records = systems[0].records
    gold = np.array([STANCES.index(str(records[row].stance)) for row in rows])
    passages = np.array([records[row].passage for row in rows])
    random = np.random.default_rng(seed)
    counts, drawn, spreads = {}, {}, {}
    number = len(np.unique(passages))
    times = random.multinomial(number, np.full(number, 1 / number), size=RESAMPLES)
    for system in systems:
        runs = [count_by_passage(gold, scores[rows], passages) for scores in system.scores]
        points = [metrics_of_counts(run.total()) for run in runs]
        spreads[system.name] = {metric: spread([float(point[metric][0]) for point in points]) for metric in points[0]}
        resampled = [metrics_of_counts(run.drawn(times)) for run in runs]
        drawn[system.name] = {
            metric: _draw_seeds(np.array([sample[metric] for sample in resampled]), random) for metric in points[0]
        }
        counts[system.name] = sum(runs[1:], runs[0]).scaled(1 / len(runs))
    differences: dict[str, list[dict[str, Any]]] = {metric: [] for metric in spreads[systems[0].name]}
    for over, of in combinations(counts, 2):
        exchanged = _exchange(counts[of], counts[over], random)
        for metric, found in differences.items():
            difference = spreads[of][metric]["mean"] - spreads[over][metric]["mean"]
            sample = drawn[of][metric] - drawn[over][metric]
            noise = _seed_noise(spreads[of][metric], random) - _seed_noise(spreads[over][metric], random)
            as_large = np.abs(exchanged[metric] + noise) >= abs(difference) - 1e-12
            found.append(
                {
                    "of": of,
                    "over": over,
                    "difference": difference,
                    "low": float(np.nanquantile(sample, 0.025)),
                    "high": float(np.nanquantile(sample, 0.975)),
                    "p": float((1 + as_large.sum()) / (1 + RESAMPLES)),
                }
            )
    shown = {name: {"seeds": len(scores[HEADLINE]["values"]), "scores": scores} for name, scores in spreads.items()}
    return {"systems": shown, "differences": differences}


def _draw_seeds(samples: Array, random: np.random.Generator) -> Array:
    """Means over seeds drawn with replacement, (resamples,), from (seeds, resamples).

    Of few seeds such means vary too little, by the factor that a sample's variance is corrected by.
    """
    seeds, resamples = samples.shape
    mean = samples.mean(0)
    if seeds == 1:
        return mean
    chosen = random.integers(seeds, size=(seeds, resamples))
    return mean + np.sqrt(seeds / (seeds - 1)) * (np.take_along_axis(samples, chosen, 0).mean(0) - mean)


def _seed_noise(scores: Mapping[str, Any], random: np.random.Generator) -> Array:
    """How far the mean over seeds might lie from where infinitely many would have it, (resamples,)."""
    values = np.array(scores["values"])[:, None].repeat(RESAMPLES, 1)
    return _draw_seeds(values - values.mean(0), random)


def _exchange(of: Counts, over: Counts, random: np.random.Generator) -> dict[str, Array]:
    """Differences that are left when the systems' answers change sides by the toss of a coin for each passage."""
    kept = random.integers(2, size=(RESAMPLES, len(of.confusion)))
    left = metrics_of_counts(of.drawn(kept) + over.drawn(1 - kept))
    right = metrics_of_counts(over.drawn(kept) + of.drawn(1 - kept))
    return {metric: left[metric] - right[metric] for metric in left}


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
