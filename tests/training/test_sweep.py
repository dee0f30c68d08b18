"""sweep.py: a resumable search by the file that wandb's agents take."""

import json

import pytest
from actorstance.training import sweep as sweeping
from actorstance.training.sweep import SweepError, read_sweep
from conftest import ROOT
from ruamel.yaml import YAML
from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args

PARAMETERS = {"training.learning_rate": {"min": 1e-3, "max": 1e-2, "distribution": "log_uniform_values"}}


def _write_sweep(path, config, **changes):
    content = {
        "name": "search",
        "command": ["python", "${program}", str(config), "${args_no_hyphens}"],
        "metric": {"name": "validation/macro_f1", "goal": "maximize"},
        "parameters": PARAMETERS | {"training.batch_size": {"values": [16, 32]}},
    }
    with path.open("w") as file:
        YAML(typ="safe", pure=True).dump(content | changes, file)
    return path


def test_a_search_goes_on_where_it_was_stopped(command, tiny_config, tmp_path, monkeypatch):
    path = _write_sweep(tmp_path / "search.yaml", tiny_config)
    arguments = [path, f"output_dir={tmp_path}", "training.epochs=1"]
    real, calls = sweeping.train, []

    def stopped_at_the_second(config, **options):
        calls.append(config)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(config, **options)

    monkeypatch.setattr(sweeping, "train", stopped_at_the_second)
    assert command("sweep", *arguments, "--trials", 3).status == 130
    result = command("sweep", *arguments, "--trials", 3)
    assert result.status == 0, result.err
    # The trial that was stopped is made again with its values, and no trial twice.
    assert len(calls) == 4 and calls[2].training == calls[1].training
    assert len({call.training.learning_rate for call in calls}) == 3
    assert not (tmp_path / "search-sweep" / "trial1").exists()
    runs = [path for path in (tmp_path / "search-sweep").iterdir() if (path / "metrics.json").exists()]
    assert len(runs) == 3
    scores = [
        json.loads((run / "metrics.json").read_text())["validation"]["scores"]["macro_f1"]["value"] for run in runs
    ]
    first = result.out.split("validation macro-F1")[1].splitlines()[1]
    assert first.startswith(f"{max(scores):.3f}") and "training.learning_rate=" in first
    assert command("sweep", *arguments, "--trials", 3).status == 0 and len(calls) == 4
    other = command("sweep", *arguments, "training.weight_decay=0", "--trials", 4)
    assert other.status == 1 and "holds a search with another config" in other.err


def test_hopeless_trials_are_given_up(command, tiny_config, tmp_path, monkeypatch):
    class Impatient:
        def prune(self, study, trial):
            return trial.number > 0

    monkeypatch.setattr(sweeping.optuna.pruners, "MedianPruner", Impatient)
    path = _write_sweep(tmp_path / "search.yaml", tiny_config)
    result = command("sweep", path, f"output_dir={tmp_path}", "training.epochs=2", "--trials", 2)
    assert result.status == 0 and "trial0:" in result.out and "trial1:" not in result.out
    given_up = tmp_path / "search-sweep" / "trial1"
    assert not (given_up / "metrics.json").exists() and not (given_up / "checkpoints").exists()


@pytest.mark.parametrize("path", sorted((ROOT / "configs" / "sweeps").glob("*.yaml")), ids=lambda path: path.name)
def test_shipped_sweeps_run_here_and_by_wandbs_agents(command, monkeypatch, path):
    monkeypatch.chdir(ROOT)
    sweep = read_sweep(path)
    content = YAML(typ="safe", pure=True).load(path.read_text())
    # As the agent puts its command together.
    monkeypatch.setenv("WANDB_RUN_ID", "a1b2c3")
    values = {key: given.get("min", given.get("values", [None])[0]) for key, given in content["parameters"].items()}
    expanded = create_sweep_command_args({"args": {key: {"value": value} for key, value in values.items()}})
    parts = []
    for part in create_sweep_command(content["command"]):
        parts += expanded.get(part[2:-1], []) if part.startswith("${") and part.endswith("}") else [part]
    result = command("train", *parts[parts.index("python") + 1 :], "--dry-run")
    assert result.status == 0, result.err
    assert f"name: {sweep.name}-a1b2c3" in result.out
    assert set(sweep.parameters) == set(values)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metric": {"name": "test/macro_f1", "goal": "maximize"}}, "metric: expected {name: validation/macro_f1"),
        ({"command": ["python"]}, "command: expected one config"),
        ({"parameters": {"seed": {"min": 1}}}, "seed: expected a value, values, or min and max"),
        ({"parameters": {"seed": {"min": 1, "max": 2, "distribution": "beta"}}}, "log_uniform_values; found {"),
    ],
)
def test_what_cant_be_searched_is_named(command, tiny_config, tmp_path, changes, message):
    path = _write_sweep(tmp_path / "search.yaml", tiny_config, **changes)
    result = command("sweep", path, "--trials", 1)
    assert result.status == 1 and message in result.err
    with pytest.raises(SweepError, match="not readable as YAML"):
        read_sweep(tmp_path / "nowhere.yaml")
