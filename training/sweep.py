"""Searching hyperparameters on one machine, by the same file that `wandb sweep` takes."""

import json
import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from transformers import TrainerCallback

from .config import load_config
from .run_folder import CHECKPOINTS
from .train import train

_log = logging.getLogger(__name__)

METRIC = "validation/macro_f1"
_Suggest = Callable[[optuna.Trial], Any]


class SweepError(ValueError):
    """A sweep file that can't be searched; the message names the file and the key."""


@dataclass(frozen=True)
class Sweep:
    """What is searched: the config that is changed, and how each key's next value is drawn."""

    name: str
    config: str
    parameters: dict[str, _Suggest]


def read_sweep(path: Path) -> Sweep:
    """Read a wandb sweep file.

    `name`, the config in `command` and `parameters` count; a parameter has a `value`, a list of `values`, or `min` and
    `max` with the `distribution` uniform, int_uniform or log_uniform_values (without one: by the type of `min`).

    Raises:
        SweepError: no such file, or what it says can't be searched.
    """
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise SweepError(f"{path}: not readable as YAML: {error}") from None
    if not isinstance(content, dict) or not isinstance(content.get("parameters"), dict):
        raise SweepError(f"{path}: expected a wandb sweep with parameters")
    configs = [part for part in content.get("command") or [] if str(part).endswith((".yaml", ".yml"))]
    if len(configs) != 1:
        raise SweepError(f"{path}: command: expected one config (.yaml) in it, found {len(configs)}")
    metric = content.get("metric")
    if metric != {"name": METRIC, "goal": "maximize"}:
        raise SweepError(f"{path}: metric: expected {{name: {METRIC}, goal: maximize}}, found {metric}")
    parameters = {key: _suggestion(f"{path}: {key}", key, given) for key, given in content["parameters"].items()}
    return Sweep(str(content.get("name") or path.stem), str(configs[0]), parameters)


def _suggestion(where: str, key: str, given: Any) -> _Suggest:
    match given:
        case {"value": value, **rest} if not rest:
            return lambda trial: trial.suggest_categorical(key, [value])
        case {"values": [*values], **rest} if values and not rest:
            return lambda trial: trial.suggest_categorical(key, values)
        case {"min": int(low), "max": int(high), **rest} if rest in ({}, {"distribution": "int_uniform"}):
            return lambda trial: trial.suggest_int(key, low, high)
        case {"min": int() | float() as least, "max": int() | float() as most, **rest}:
            distribution = rest.pop("distribution", "uniform")
            if not rest and distribution in ("uniform", "log_uniform_values") and least < most:
                return lambda trial: trial.suggest_float(key, least, most, log=distribution == "log_uniform_values")
    raise SweepError(
        f"{where}: expected a value, values, or min and max with the distribution uniform, int_uniform or "
        f"log_uniform_values; found {given}"
    )


def run_sweep(sweep: Sweep, overrides: Sequence[str], trials: int) -> list[dict[str, Any]]:
    """Search until there are so many trials; called again (one call at a time), it goes on where it was stopped.

    The next values are drawn by the tree-structured Parzen estimator, and trials whose validation macro-F1 falls below
    the median of the others at the same epoch are given up (Akiba et al., 2019, "Optuna"). Each trial is a run of its
    own in `OUTPUT_DIR/NAME-sweep/`, beside the study's file.

    Args:
        sweep: from `read_sweep`.
        overrides: `section.key=value` for all trials.
        trials: how many there shall be in the end, finished or given up.

    Returns:
        The finished trials, best first: "run", "macro_f1" (validation) and "parameters".

    Raises:
        ConfigError, CorpusError: the first trial can't be run.
        SweepError: the folder holds another search.
    """
    if any(override.startswith("name=") for override in overrides):
        raise SweepError("name: the sweep's runs are named after its file's `name`; change it there")
    base = load_config(sweep.config, [*overrides, f"name={sweep.name}"])
    folder = Path(f"{base.run_dir}-sweep")
    folder.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        study_name=sweep.name,
        storage=JournalStorage(JournalFileBackend(str(folder / "study.journal"))),
        direction="maximize",
        pruner=optuna.pruners.MedianPruner(),
        load_if_exists=True,
    )
    # Not the seed alone: a search that goes on would draw the same values again.
    study.sampler = optuna.samplers.TPESampler(seed=base.seed + len(study.trials))
    if study.user_attrs.setdefault("config", base.to_yaml()) != base.to_yaml():
        raise SweepError(
            f"{folder} holds a search with another config or other overrides; go on with those, or remove it"
        )
    study.set_user_attr("config", base.to_yaml())
    _make_stopped_trials_again(study, folder)

    def run(trial: optuna.Trial) -> float:
        values = {key: suggest(trial) for key, suggest in sweep.parameters.items()}
        chosen = [f"{key}={json.dumps(value)}" for key, value in values.items()]
        place = [f"output_dir={folder}", f"name=trial{trial.number}", f"tracking.group={base.name}"]
        config = load_config(sweep.config, [*overrides, *chosen, *place])
        _log.warning("trial %d: %s", trial.number, " ".join(chosen))
        try:
            metrics = train(config, overwrite=True, callbacks=[_Pruning(trial)])
        except optuna.TrialPruned:
            shutil.rmtree(config.run_dir / CHECKPOINTS, ignore_errors=True)
            raise
        return float(metrics["validation"]["scores"]["macro_f1"]["value"])

    done = len(study.get_trials(states=[TrialState.COMPLETE, TrialState.PRUNED]))
    study.optimize(run, n_trials=max(0, trials - done))
    finished = study.get_trials(states=[TrialState.COMPLETE])
    return [
        {"run": str(folder / f"trial{trial.number}"), "macro_f1": trial.value, "parameters": trial.params}
        for trial in sorted(finished, key=lambda trial: -float(trial.value or 0))
    ]


def _make_stopped_trials_again(study: optuna.Study, folder: Path) -> None:
    """Put what was interrupted, or failed and so ended an earlier call, in front of the queue with its values; once."""
    for killed in study.get_trials(states=[TrialState.RUNNING]):
        study.tell(killed.number, state=TrialState.FAIL)
    made_again = {trial.user_attrs.get("instead_of") for trial in study.get_trials()}
    for stopped in study.get_trials(states=[TrialState.FAIL]):
        shutil.rmtree(folder / f"trial{stopped.number}", ignore_errors=True)
        if stopped.number not in made_again and "instead_of" not in stopped.user_attrs:
            study.enqueue_trial(stopped.params, user_attrs={"instead_of": stopped.number})


class _Pruning(TrainerCallback):
    """Tells the study each epoch's score, and stops the trial when the study gives it up."""

    def __init__(self, trial: optuna.Trial) -> None:
        self._trial = trial

    def on_evaluate(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        self._trial.report(given["metrics"]["eval_macro_f1"], round(state.epoch))
        if self._trial.should_prune():
            raise optuna.TrialPruned
