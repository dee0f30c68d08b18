"""One experiment over several seeds: a run each, and what they say together.

The same config with another seed can differ by more than most ideas are worth, so a claim needs several.
"""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from accelerate import PartialState

from ..data.files import write_atomically
from .config import RunConfig
from .metrics import spread
from .train import train

_log = logging.getLogger(__name__)

SUMMARY_FILE = "summary.json"


def seeds_folder(config: RunConfig) -> Path:
    """Where the runs of all seeds and their summary are."""
    return Path(f"{config.run_dir}-seeds")


def seed_runs(folder: Path) -> list[Path]:
    """The run folders that a folder's summary names, in the order of the seeds."""
    return [folder / name for name in json.loads((folder / SUMMARY_FILE).read_text())["runs"]]


def train_seeds(config: RunConfig, seeds: Sequence[int], *, overwrite: bool = False) -> dict[str, Any]:
    """Make one run per seed in `seeds_folder(config)`, each named NAME-seedN and in the same wandb group.

    Args:
        config: its own seed is ignored.
        seeds: at least one, beside those that the folder's summary names already. Runs that are finished are left as
            they are, unfinished ones are gone on with.
        overwrite: make every run anew, and forget seeds of an earlier call.

    Returns:
        What `summary.json` holds: "seeds" and "runs"; for "test" and "validation" each metric's "mean", "sd" (of a
        sample; None for one seed) and "values" in the order of the seeds; "best", the run with the best validation
        macro-F1; "training_minutes".

    Raises:
        CorpusError, ConfigError, RunFolderError: see `train`; the runs of earlier seeds stay.
    """
    folder = seeds_folder(config)
    summary_file = folder / SUMMARY_FILE
    if summary_file.is_file():
        if not overwrite:
            seeds = [*json.loads(summary_file.read_text())["seeds"], *seeds]
        if PartialState().is_main_process:
            summary_file.unlink()  # nothing that speaks of other runs than those that are there
    seeds = sorted(set(seeds))
    group = config.tracking.group or config.name
    results = {}
    for seed in seeds:
        name = f"{config.name}-seed{seed}"
        tracking = config.tracking.model_copy(update={"group": group})
        run = config.model_copy(update={"name": name, "output_dir": str(folder), "seed": seed, "tracking": tracking})
        _log.warning("seed %d: %s", seed, run.run_dir)
        results[name] = train(run, resume=not overwrite, overwrite=overwrite)
    summary = summarize(results, seeds)
    if PartialState().is_main_process:
        write_atomically(summary_file, json.dumps(summary, indent=2) + "\n")
    return summary


def summarize(results: dict[str, dict[str, Any]], seeds: Sequence[int]) -> dict[str, Any]:
    """Mean and standard deviation of every score; see `train_seeds`.

    Args:
        results: run names and what `train` returned for them, in the order of `seeds`.
        seeds: one per run.
    """
    summary: dict[str, Any] = {"seeds": list(seeds), "runs": list(results)}
    for split in ("test", "validation"):
        scores = [metrics[split]["scores"] for metrics in results.values()]
        summary[split] = {metric: spread([score[metric]["value"] for score in scores]) for metric in scores[0]}
    macro_f1 = summary["validation"]["macro_f1"]["values"]
    summary["best"] = list(results)[int(np.argmax(macro_f1))]
    summary["training_minutes"] = spread([metrics["training_minutes"] for metrics in results.values()])
    return summary
