"""A run's folder: made once, resumed only by the same config, written so that a kill leaves nothing half-done."""

import json
import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .config import RunConfig

# Written last, so that a folder with it is a finished run.
METRICS_FILE = "metrics.json"
CHECKPOINTS = "checkpoints"
LOG_FILE = "log.json"
_STATE_FILE = "state.json"


class RunFolderError(ValueError):
    """The run's folder is not in the state that the command needs."""


def check_folder(config: RunConfig, facts: Mapping[str, Any], *, resume: bool, overwrite: bool) -> None:
    """Check that the run may use its folder; changes nothing.

    Raises:
        RunFolderError: see `train`.
    """
    folder = config.run_dir
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not resume and not overwrite:
        raise RunFolderError(
            f"{folder} already exists. Go on with that run: --resume. Replace it: --overwrite. "
            "Keep it and make another: name=OTHER"
        )
    if not (folder / _STATE_FILE).is_file():
        raise RunFolderError(f"{folder} is no run folder (it has no {_STATE_FILE}); choose another name")
    if resume:
        if (folder / "config.yaml").read_text(encoding="utf-8") != config.to_yaml():
            raise RunFolderError(
                f"{folder} is a run of another config (compare {folder}/config.yaml with --dry-run); resume it with "
                "that one, or choose another name"
            )
        known = json.loads((folder / _STATE_FILE).read_text())
        if known["facts"] != facts:
            raise RunFolderError(
                f"the labelled data has changed since {folder} was started; choose another name, or --overwrite"
            )


def is_finished(config: RunConfig) -> bool:
    """Whether the run is complete."""
    return (config.run_dir / METRICS_FILE).exists()


def model_files(folder: Path) -> dict[str, Path]:
    """The model's weights, configuration and tokenizer, by name: what `StanceClassifier.from_pretrained` needs."""
    names = ("config", "model", "tokenizer", "tokenizer_config")
    found = {name: path for name in names for path in folder.glob(f"{name}.*") if path.suffix != ".yaml"}
    return dict(sorted(found.items()))


def read_metrics(folder: Path) -> dict[str, Any]:
    """What `metrics.json` holds."""
    return dict(json.loads((folder / METRICS_FILE).read_text()))


def make_folder(config: RunConfig, facts: Mapping[str, Any], *, overwrite: bool) -> None:
    """Make the run folder with its `config.yaml`, unless it is there to be resumed."""
    folder = config.run_dir
    if overwrite:
        shutil.rmtree(folder, ignore_errors=True)
    if (folder / _STATE_FILE).is_file():
        return
    new = folder.with_name(f".{folder.name}.part")  # no run's name starts with a dot
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    (new / "config.yaml").write_text(config.to_yaml(), encoding="utf-8")
    # The agent of a wandb sweep knows its runs by the id that it hands down.
    given = os.environ.get("WANDB_RUN_ID") if os.environ.get("WANDB_SWEEP_ID") else None
    state = {"facts": dict(facts), "wandb_id": given or uuid.uuid4().hex[:8]}
    (new / _STATE_FILE).write_text(json.dumps(state, indent=2) + "\n")
    new.replace(folder)  # both files or none


def wandb_id(folder: Path) -> str:
    """The id under which the run is tracked; a resumed run keeps it."""
    return str(json.loads((folder / _STATE_FILE).read_text())["wandb_id"])


def last_checkpoint(folder: Path) -> Path | None:
    """The newest complete checkpoint. A kill can leave a partial one, without the state that is written last."""
    complete = []
    for path in (folder / CHECKPOINTS).glob("checkpoint-*"):
        try:
            json.loads((path / "trainer_state.json").read_text())
            complete.append(path)
        except (OSError, ValueError):
            shutil.rmtree(path, ignore_errors=True)
    return max(complete, key=lambda path: int(path.name.split("-")[1]), default=None)
