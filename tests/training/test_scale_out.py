"""accelerate launch: two processes train like one, and write and measure once."""

import json
import os
import subprocess
import sys

import pytest
from conftest import ROOT, read_jsonl
from safetensors.torch import load_file


def test_two_processes_train_like_one(command, tiny_config, splits, tmp_path):
    # Without dropout, whose random numbers differ between processes, and without the rounding of bf16.
    arguments = [str(tiny_config), f"output_dir={tmp_path}", "training.precision=fp32", "model.dropout=0"]
    assert command("train", *arguments, "name=one").status == 0
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", "configs/accelerate/cpu.yaml"]
    done = subprocess.run(
        [*launch, "scripts/train.py", *arguments, "name=two"],
        cwd=ROOT,
        env=os.environ | {"MASTER_ADDR": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    refused = subprocess.run(
        [*launch, "scripts/train.py", *arguments, "name=odd", "training.batch_size=15"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode != 0 and "expected a multiple of 2; found 15" in refused.stderr
    assert not (tmp_path / "odd").exists()
    assert done.stdout.count("Test scores of") == 1
    rows = {name: read_jsonl(tmp_path / name / "predictions.jsonl") for name in ("one", "two")}
    assert [row["text"] for row in rows["two"]] == [row["text"] for row in read_jsonl(splits["test"])]
    one, two = (json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("one", "two"))
    assert (one["processes"], two["processes"]) == (1, 2)
    assert two["test"]["rows"] == one["test"]["rows"] == len(rows["two"])
    for split in ("test", "validation"):
        for metric, score in one[split]["scores"].items():
            assert two[split]["scores"][metric]["value"] == pytest.approx(score["value"], abs=0.02), metric
    logs = [json.loads((tmp_path / name / "log.json").read_text()) for name in ("one", "two")]
    for value in ("grad_norm", "eval_macro_f1"):
        first, second = ([line[value] for line in log if value in line] for log in logs)
        assert second == pytest.approx(first, rel=5e-2), value
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == sorted(
        path.name for path in (tmp_path / "two").iterdir()
    )
    assert (
        load_file(tmp_path / "two" / "model.safetensors").keys()
        == load_file(tmp_path / "one" / "model.safetensors").keys()
    )
