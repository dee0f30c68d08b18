"""One experiment, from config to results."""

import hashlib
import json
import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ..data import STANCES, CorpusError, Record, find_leaks, load_split
from ..data.files import write_atomically
from .config import RunConfig
from .evaluate import evaluate
from .fit import fit, prepare
from .report import write_report
from .run_folder import CHECKPOINTS, LOG_FILE, METRICS_FILE, check_folder, is_finished, make_folder, wandb_id
from .tracking import Tracker

_log = logging.getLogger(__name__)


def train(config: RunConfig, *, resume: bool = False, overwrite: bool = False) -> dict[str, Any]:
    """Train, calibrate, evaluate and track one model; everything lands in `config.run_dir`.

    Args:
        config: from `load_config`.
        resume: go on with an unfinished run of the same config from its last checkpoint; a finished one is left as it
            is.
        overwrite: remove an existing run folder first.

    Returns:
        What `metrics.json` holds: "test" and "validation" as `evaluate_predictions` gives them, and how the model was
        made.

    Raises:
        CorpusError: the labelled data has mistakes or leaks between splits.
        RunFolderError: the folder exists (neither `resume` nor `overwrite`), or holds a run of another config.
    """
    folder = config.run_dir
    splits = load_splits(config)
    facts = {"corpus": fingerprint(splits), "rows": {name: len(records) for name, records in splits.items()}}
    check_folder(config, facts, resume=resume, overwrite=overwrite)
    if resume and is_finished(config):
        _log.warning("%s is a finished run of this config: nothing to do", folder)
        shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
        return dict(json.loads((folder / METRICS_FILE).read_text()))

    materials = prepare(config, splits)  # the last thing that can be wrong: only then a folder is made or replaced
    make_folder(config, facts, overwrite=overwrite)
    tracker = Tracker(config, folder, facts, run_id=wandb_id(folder))
    try:
        started = time.perf_counter()
        classifier = fit(config, materials, tracker)
        minutes = (time.perf_counter() - started) / 60
        results = {
            "test": evaluate(classifier, splits["test"]),
            "validation": evaluate(classifier, splits["validation"]),
        }
        metrics = {name: result.metrics for name, result in results.items()} | {
            "temperature": classifier.config.calibration_temperature,
            "training_minutes": round(minutes, 2),
            "parameters": classifier.model.num_parameters(),
            **facts,
        }
        results["test"].write_predictions(folder / "predictions.jsonl")
        write_report(folder / "report", results["test"].metrics, json.loads((folder / LOG_FILE).read_text()))
        for name, result in results.items():
            scores = result.metrics["scores"]
            tracker.summarize({f"{name}/{metric}": score["value"] for metric, score in scores.items()})
        tracker.confusion("test/confusion", *results["test"].indices(), STANCES)
        tracker.table("test/predictions", *results["test"].table())
        write_atomically(folder / METRICS_FILE, json.dumps(metrics, indent=2) + "\n")
        shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
    except BaseException:
        tracker.finish(exit_code=1)
        raise
    tracker.finish()
    return metrics


def load_splits(config: RunConfig) -> dict[str, list[Record]]:
    """Read the three splits and check that no text stands in two of them.

    Raises:
        CorpusError: every mistake in any of the files, or every leak between them.
    """
    splits: dict[str, list[Record]] = {}
    problems: list[str] = []
    for name, path in config.data.model_dump().items():
        try:
            splits[name] = load_split(path)
        except CorpusError as error:
            problems += error.problems
        except ValueError as error:
            problems.append(str(error))
    if not problems:
        problems = [f"leak between splits: {leak}" for leak in find_leaks(splits)]
    if problems:
        raise CorpusError(problems)
    return splits


def fingerprint(splits: Mapping[str, Sequence[Record]]) -> str:
    """A short hash of everything a run learns from or is measured on."""
    digest = hashlib.sha256()
    for name, records in splits.items():
        for record in records:
            fields = [name, record.context, record.text, record.actor, record.target, record.stance]
            digest.update(json.dumps(fields).encode())
    return digest.hexdigest()[:16]
