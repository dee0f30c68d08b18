"""The table of configurations in LEADERBOARD.md, made from run folders."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..data import Record
from ..models import StanceClassifier
from .config import load_config
from .evaluate import evaluate
from .formats import mean_and_deviation
from .metrics import spread
from .run_folder import read_metrics
from .seeds import SUMMARY_FILE, seed_runs
from .train import fingerprint, load_splits

_HEAD = """# Leaderboard

Mean ± standard deviation over seeds; macro-F1 over four stances, and over three (conditional counts as none). The
challenge sets are minimal pairs; "pairs" is the share with both rows right. Made by `scripts/leaderboard.py` from run
folders; nothing here is typed by hand. To enter, add a config and run its command.

| configuration | seeds | test, 4 | test, 3 | challenge, 4 | challenge, 3 | pairs | minutes | made by |
|---|---:|---:|---:|---:|---:|---:|---:|---|
"""


class LeaderboardError(ValueError):
    """Runs that don't belong into one table."""


def make_leaderboard(folders: Sequence[Path], configs: Path, challenge: Sequence[Record]) -> str:
    """The content of LEADERBOARD.md, the best on the test split first.

    Args:
        folders: made by `train.py --seeds`, named after their configs.
        configs: the folder of the configs; a row stands for what its config says today.
        challenge: labelled minimal pairs, on which every run is measured.

    Raises:
        LeaderboardError: a folder without a summary, runs whose config or test split has changed, or challenge rows
            that are no pairs.
        ConfigError: there is no such config.
    """
    if not any(record.group for record in challenge):
        raise LeaderboardError("the challenge rows have no group, by which the two rows of a minimal pair are found")
    rows = []
    for folder in folders:
        if not (folder / SUMMARY_FILE).is_file():
            raise LeaderboardError(f"{folder}: expected a folder made by train.py --seeds (with {SUMMARY_FILE})")
        summary = json.loads((folder / SUMMARY_FILE).read_text())
        runs = seed_runs(folder)
        config = configs / f"{folder.name.removesuffix('-seeds')}.yaml"
        _check_runs(runs, config)
        measured = [evaluate(StanceClassifier.from_pretrained(run), challenge).metrics for run in runs]
        rows.append(_row(config, summary, measured))
    rows.sort(key=lambda row: -row[0])
    return _HEAD + "".join(f"{row[1]}\n" for row in rows)


def _check_runs(runs: Sequence[Path], config: Path) -> None:
    """A run counts if its config is still what the file says, and its test split still what it was measured on."""
    said = load_config(config)
    splits, _ = load_splits(said)
    test_split = fingerprint({"test": splits["test"]})
    for run in runs:
        made = load_config(run / "config.yaml")
        differing = [part for part in ("data", "model", "training") if getattr(made, part) != getattr(said, part)]
        if differing:
            sections = " and ".join(differing)
            raise LeaderboardError(f"{run}: its {sections} section is not what {config} says; train it anew")
        if read_metrics(run)["test_split"] != test_split:
            raise LeaderboardError(f"{run}: the test split has changed since; train it anew, with --overwrite")


def _row(config: Path, summary: dict[str, Any], challenge: Sequence[dict[str, Any]]) -> tuple[float, str]:
    test = summary["test"]
    pairs = spread([metrics["groups"]["all_right"] for metrics in challenge])
    cells = [
        f"[{config.stem}]({config})",
        str(len(summary["seeds"])),
        *(mean_and_deviation(test[metric]) for metric in ("macro_f1", "macro_f1_3way")),
        *(
            mean_and_deviation(spread([metrics["scores"][metric]["value"] for metrics in challenge]))
            for metric in ("macro_f1", "macro_f1_3way")
        ),
        mean_and_deviation(pairs),
        f"{summary['training_minutes']['mean']:.1f}",
        f"`python scripts/train.py {config} --seeds {','.join(map(str, summary['seeds']))}`",
    ]
    return test["macro_f1"]["mean"], f"| {' | '.join(cells)} |"
