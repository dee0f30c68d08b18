"""One experiment, from config to results."""

import hashlib
import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import gather_object
from transformers import TrainerCallback

from ..data import STANCES, CorpusError, Record, find_leaks, load_split
from ..data.files import write_atomically
from ..models import StanceClassifier
from .config import RunConfig
from .distillation import Scores, add_questions, read_teachers
from .evaluate import evaluate
from .fit import fit, prepare
from .generalisation import hold_out, sample_passages
from .report import write_report
from .run_folder import (
    CHECKPOINTS,
    LOG_FILE,
    METRICS_FILE,
    check_folder,
    is_finished,
    make_folder,
    model_files,
    read_metrics,
    wandb_id,
)
from .tracking import Tracker

_log = logging.getLogger(__name__)


def train(
    config: RunConfig, *, resume: bool = False, overwrite: bool = False, callbacks: Sequence[TrainerCallback] = ()
) -> dict[str, Any]:
    """Train, calibrate, evaluate and track one model; everything lands in `config.run_dir`.

    Under `accelerate launch` every process trains on its part of each batch; the first one alone writes and evaluates.

    Args:
        config: from `load_config`.
        resume: go on with an unfinished run of the same config from its last checkpoint; a finished one is left as it
            is.
        overwrite: remove an existing run folder first.
        callbacks: more for the Trainer to call, such as a search that gives up hopeless runs.

    Returns:
        What `metrics.json` holds: "test" and "validation" as `evaluate_predictions` gives them, and how the model was
        made.

    Raises:
        CorpusError: the labelled data has mistakes or leaks between splits.
        RunFolderError: the folder exists (neither `resume` nor `overwrite`), or holds a run of another config.
    """
    folder = config.run_dir
    process = PartialState(cpu=not torch.accelerator.is_available())
    splits, teachers = load_splits(config)
    facts = {
        "corpus": fingerprint(splits, teachers),
        "test_split": fingerprint({"test": splits["test"]}),
        "rows": {name: len(records) for name, records in splits.items()},
    }
    finished = False
    if process.is_main_process:
        check_folder(config, facts, resume=resume, overwrite=overwrite)
        finished = resume and is_finished(config)
    (finished,) = gather_object([finished])[:1]
    if finished:
        _log.warning("%s is a finished run of this config: nothing to do", folder)
        shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
        return read_metrics(folder)

    materials = prepare(config, splits, teachers)  # the last thing that can be wrong: then a folder is made or replaced
    if process.is_main_process:
        make_folder(config, facts, overwrite=overwrite)
    process.wait_for_everyone()
    tracker = Tracker(config, folder, facts, wandb_id(folder), enabled=process.is_main_process)
    if config.tracking.artifacts:
        corpus = {name: Path(getattr(config.data, name)) for name in ("train", "validation", "test")}
        corpus |= {f"teacher{number}": Path(path) for number, path in enumerate(config.data.teachers, 1)}
        tracker.artifact("corpus", "dataset", corpus, {"corpus": facts["corpus"]}, used=True)
    try:
        classifier, minutes = fit(config, materials, tracker, callbacks)
        if process.is_main_process:
            _measure(config, classifier, splits, facts | {"training_minutes": round(minutes, 2)}, tracker)
    except BaseException:
        tracker.finish(exit_code=1)
        raise
    tracker.finish()
    process.wait_for_everyone()
    return read_metrics(folder)


def _measure(
    config: RunConfig,
    classifier: StanceClassifier,
    splits: Mapping[str, Sequence[Record]],
    facts: Mapping[str, Any],
    tracker: Tracker,
) -> None:
    """Evaluate the model and write what the run is about; `metrics.json` comes last and makes it finished."""
    folder = config.run_dir
    results = {name: evaluate(classifier, splits[name]) for name in ("test", "validation")}
    metrics = {name: result.metrics for name, result in results.items()} | {
        "temperature": classifier.config.calibration_temperature,
        "parameters": classifier.model.num_parameters(),
        "processes": PartialState().num_processes,
        **facts,
    }
    results["test"].write_predictions(folder / "predictions.jsonl")
    log = json.loads((folder / LOG_FILE).read_text())
    write_report(folder / "report", config, metrics, results["test"], log)
    for name, result in results.items():
        scores = result.metrics["scores"]
        tracker.summarize({f"{name}/{metric}": score["value"] for metric, score in scores.items()})
    tracker.confusion("test/confusion", *results["test"].indices(), STANCES)
    columns, rows = results["test"].table()
    tracker.table("test/predictions", columns, rows)
    tracker.table("test/errors", columns, results["test"].errors())
    tracker.images({f"test/{path.stem}": path for path in sorted((folder / "report").glob("*.png"))})
    if config.tracking.artifacts:
        scores = {name: score["value"] for name, score in metrics["test"]["scores"].items()}
        tracker.artifact(config.name, "model", model_files(folder), {"corpus": facts["corpus"]} | scores, used=False)
    write_atomically(folder / METRICS_FILE, json.dumps(metrics, indent=2) + "\n")
    shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)


def load_splits(config: RunConfig) -> tuple[dict[str, list[Record]], dict[Record, Scores]]:
    """Read the three splits and what teachers say, and check that no text stands in two splits.

    Returns:
        The splits, with the questions that only teachers answer at the end of train; and `read_teachers`' answers.

    Raises:
        CorpusError: every mistake in any of the files, or every leak between them.
        ValueError: see `hold_out`.
    """
    splits: dict[str, list[Record]] = {}
    problems: list[str] = []
    teachers: dict[Record, Scores] = {}
    for name in ("train", "validation", "test"):
        try:
            splits[name] = load_split(getattr(config.data, name))
        except CorpusError as error:
            problems += error.problems
        except ValueError as error:
            problems.append(str(error))
    try:
        teachers = read_teachers(config.data.teachers)
    except CorpusError as error:
        problems += error.problems
    if not problems:
        if config.data.held_out_actors or config.data.held_out_targets:
            splits = hold_out(splits, config.data.held_out_actors, config.data.held_out_targets)
        splits["train"] = add_questions(sample_passages(splits["train"], config.data.train_share), teachers)
        problems = [f"leak between splits: {leak}" for leak in find_leaks(splits)]
    if problems:
        raise CorpusError(problems)
    return splits, teachers


def fingerprint(splits: Mapping[str, Sequence[Record]], teachers: Mapping[Record, Scores] | None = None) -> str:
    """A short hash of labelled records, and of what teachers say."""
    digest = hashlib.sha256()
    for name, records in splits.items():
        for record in records:
            fields = [name, record.context, record.text, record.actor, record.target, record.stance]
            digest.update(json.dumps(fields).encode())
    for question, scores in (teachers or {}).items():
        digest.update(json.dumps([question.context, question.text, question.actor, question.target]).encode())
        digest.update(scores.tobytes())
    return digest.hexdigest()[:16]
