"""Training through the real command: what it leaves behind, determinism, kill and resume, bad input."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from actorstance.data import STANCES
from actorstance.training import fit
from actorstance.training.config import load_config
from actorstance.training.fit import build_model, training_arguments
from conftest import ROOT, make_records, read_jsonl, write_jsonl
from safetensors.torch import load_file
from transformers import AutoModel


def _validation_curve(folder):
    log = json.loads((folder / "log.json").read_text())
    return [(line["epoch"], line["eval_macro_f1"], line["eval_loss"]) for line in log if "eval_loss" in line]


def test_a_run_folder_holds_what_is_promised(trained, tiny_config, splits):
    assert sorted(path.name for path in trained.iterdir()) == [
        "config.json",
        "config.yaml",
        "log.json",
        "metrics.json",
        "model.safetensors",
        "predictions.jsonl",
        "report",
        "state.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    assert load_config(trained / "config.yaml") == load_config(tiny_config, ["name=shared"])
    config = json.loads((trained / "config.json").read_text())
    assert config["id2label"] == {str(i): stance for i, stance in enumerate(STANCES)}
    assert config["label2id"] == {stance: i for i, stance in enumerate(STANCES)}
    gold = read_jsonl(splits["test"])
    rows = read_jsonl(trained / "predictions.jsonl")
    assert [row["text"] for row in rows] == [row["text"] for row in gold]
    assert [row["gold_stance"] for row in rows] == [row["stance"] for row in gold]
    metrics = json.loads((trained / "metrics.json").read_text())
    assert metrics["test"]["rows"] == len(gold)
    right = sum(row["stance"] == row["gold_stance"] for row in rows)
    assert metrics["test"]["scores"]["accuracy"]["value"] == pytest.approx(right / len(rows))
    assert metrics["test"]["scores"]["macro_f1"]["value"] > 0.9, "it learned nothing"
    for name in ("confusion.png", "learning-curve.png", "reliability.png", "risk-coverage.png"):
        assert (trained / "report" / name).read_bytes().startswith(b"\x89PNG")
    assert "macro-F1 (4 stances)" in (trained / "report" / "scores.md").read_text()


def test_every_parameter_moves(trained, tiny_encoder):
    before = AutoModel.from_pretrained(tiny_encoder).state_dict()
    after = load_file(trained / "model.safetensors")
    encoder = {name.removeprefix("encoder."): value for name, value in after.items() if name.startswith("encoder.")}
    assert set(encoder) == {name for name in before if not name.startswith("pooler.")}
    assert [name for name, value in encoder.items() if torch.equal(value, before[name])] == []


@pytest.mark.parametrize(("chosen", "expected"), [("0.0", {0.0}), ("0.3", {0.3}), ("null", {0.1})])
def test_dropout_inside_the_encoder_is_the_configs(tiny_config, chosen, expected):
    model, _ = build_model(load_config(tiny_config, [f"model.encoder_dropout={chosen}"]))
    assert {module.p for module in model.encoder.modules() if isinstance(module, torch.nn.Dropout)} == expected
    assert model.dropout.p == 0.1, "the pooled vector has its own"


def test_two_runs_of_one_config_give_the_same_scores(command, tiny_config, trained, tmp_path):
    result = command("train", tiny_config, "name=shared", f"output_dir={tmp_path}")
    assert result.status == 0
    assert "macro-F1 (4 stances)" in result.out and f"is in {tmp_path / 'shared'}" in result.out
    first, second = (json.loads((path / "metrics.json").read_text()) for path in (trained, tmp_path / "shared"))
    assert first["test"] == second["test"] and first["validation"] == second["validation"]
    assert first["temperature"] == second["temperature"]
    assert (trained / "predictions.jsonl").read_bytes() == (tmp_path / "shared" / "predictions.jsonl").read_bytes()


def test_a_killed_and_resumed_run_ends_like_an_uninterrupted_one(tiny_config, trained, tmp_path):
    arguments = [sys.executable, ROOT / "scripts" / "train.py", tiny_config, "name=shared", f"output_dir={tmp_path}"]
    folder = tmp_path / "shared"
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 120
    while not list((folder / "checkpoints").glob("checkpoint-*/trainer_state.json")) and time.monotonic() < deadline:
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (folder / "metrics.json").exists()
    (folder / "checkpoints" / "checkpoint-9999").mkdir()  # as if killed while saving: it must be passed over

    done = subprocess.run([*arguments, "--resume"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    whole, resumed = (json.loads((path / "metrics.json").read_text()) for path in (trained, folder))
    assert resumed["test"] == whole["test"] and resumed["validation"] == whole["validation"]
    assert _validation_curve(folder) == _validation_curve(trained)


def test_a_run_whose_patience_was_spent_is_not_trained_on(command, tiny_config, tmp_path, monkeypatch):
    """Stopped between the last checkpoint of an early stop and the saving of the model."""
    overrides = ["training.early_stopping_patience=1", "training.learning_rate=1e-6"]
    assert command("train", tiny_config, *overrides, f"output_dir={tmp_path / 'whole'}").status == 0
    curve = _validation_curve(tmp_path / "whole" / "tiny")
    assert len(curve) < 5, "early stopping did not stop"

    def fail(*_):
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(fit, "write_atomically", fail)
        result = command("train", tiny_config, *overrides, f"output_dir={tmp_path}")
        assert result.status == 1 and "no space left on device" in result.err
    assert command("train", tiny_config, *overrides, f"output_dir={tmp_path}", "--resume").status == 0
    assert _validation_curve(tmp_path / "tiny") == curve
    whole, resumed = (
        json.loads((path / "tiny" / "metrics.json").read_text()) for path in (tmp_path / "whole", tmp_path)
    )
    assert resumed["test"] == whole["test"]


def test_an_existing_run_is_kept_unless_told_otherwise(command, tiny_config, tmp_path, caplog):
    overrides = [f"output_dir={tmp_path}", "training.epochs=1"]
    assert command("train", tiny_config, *overrides).status == 0
    before = (tmp_path / "tiny" / "metrics.json").stat().st_mtime_ns
    result = command("train", tiny_config, *overrides)
    assert result.status == 1 and "already exists" in result.err and "--resume" in result.err
    result = command("train", tiny_config, *overrides, "--resume")
    assert result.status == 0 and "finished run" in caplog.text and "macro-F1" in result.out
    result = command("train", tiny_config, *overrides, "seed=9", "--resume")
    assert result.status == 1 and "another config" in result.err
    assert (tmp_path / "tiny" / "metrics.json").stat().st_mtime_ns == before
    assert command("train", tiny_config, *overrides, "seed=9", "--overwrite").status == 0
    assert load_config(tmp_path / "tiny" / "config.yaml").seed == 9
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.yaml").write_text("precious")
    result = command("train", tiny_config, *overrides, "name=other", "--overwrite")
    assert result.status == 1 and (tmp_path / "other" / "config.yaml").read_text() == "precious"


@pytest.mark.parametrize(
    ("split", "rows", "message"),
    [
        ("train", [], "no records"),
        ("train", [{"text": "x", "target": "y", "stance": "favor"}], ":1: actor is missing"),
        ("train", [{"text": "x", "actor": "a", "target": "y", "stance": 1}], ":1: stance: expected one of favor"),
        ("test", [{"text": "x", "actor": "a " * 200, "target": "y", "stance": "none"}], "leave room for the"),
        ("test", make_records()[1:2], "leak between splits: test and train have the same text"),
        (
            "validation",
            [{"text": "x", "actor": "a " * 200, "target": "y", "stance": "none"}],
            "leave room for the text",
        ),
    ],
)
def test_bad_labelled_data_says_where_and_trains_nothing(command, tiny_config, tmp_path, split, rows, message):
    path = write_jsonl(tmp_path / f"{split}.jsonl", rows)
    result = command("train", tiny_config, f"data.{split}={path}", f"output_dir={tmp_path / 'runs'}")
    assert result.status == 1 and message in result.err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("override", "message"), [("model.encoder=no/such", "no/such"), ("model.max_tokens=129", "at most 128 for")]
)
def test_a_model_that_cant_be_built_replaces_nothing(command, tiny_config, tmp_path, override, message):
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "state.json").write_text("{}")
    result = command("train", tiny_config, f"output_dir={tmp_path}", override, "--overwrite")
    assert result.status == 1 and message in result.err
    assert (tmp_path / "tiny" / "state.json").read_text() == "{}"


def test_help_answers_at_once():
    """Heavy imports wait: the script must not need torch to explain itself."""
    code = f"import runpy, sys; sys.argv = ['x', '--help']; sys.modules['torch'] = None; runpy.run_path({str(ROOT)!r}"
    for name in (
        "train",
        "predict",
        "evaluate",
        "analyze",
        "check_data",
        "split_data",
        "baselines",
        "audit_labels",
        "save_encoder",
        "cross_questions",
        "compare",
        "sweep",
        "leaderboard",
    ):
        script = f"{code} + '/scripts/{name}.py', run_name='__main__')"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        assert done.returncode == 0 and "python scripts/" in done.stdout, done.stderr


def test_config_switches_reach_the_model_and_the_trainer(tiny_config):
    config = load_config(
        tiny_config,
        ["model.pooling=cls", "model.mark_actor=false", "training.scheduler=constant", "training.precision=bf16"],
    )
    model, _ = build_model(config)
    assert model.config.pooling == "cls" and model.config.mark_actor is False
    arguments = training_arguments(config)
    assert arguments.bf16 and arguments.lr_scheduler_type == "constant_with_warmup"
    assert arguments.train_sampling_strategy == "group_by_length"


def test_class_weights_label_smoothing_and_bf16_train(command, tiny_config, tmp_path):
    switches = ["training.class_weights=balanced", "training.label_smoothing=0.1", "training.precision=bf16"]
    result = command(
        "train", tiny_config, *switches, "training.epochs=2", "model.pooling=cls", f"output_dir={tmp_path}"
    )
    assert result.status == 0
    assert json.loads((tmp_path / "tiny" / "metrics.json").read_text())["test"]["rows"] > 0
