"""Tracking: an offline wandb run read back from its own file, and everything that must not stop a training."""

import json
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from actorstance.training.config import load_config
from actorstance.training.tracking import Tracker
from wandb.proto import wandb_internal_pb2

BLOCK = 32768


def read_offline_run(folder: Path) -> list[wandb_internal_pb2.Record]:
    """Every record of the one .wandb file below a folder.

    The file is a LevelDB log (https://github.com/google/leveldb/blob/main/doc/log_format.md) after seven bytes of
    wandb's own: blocks of 32 KB, in them chunks of checksum (4 bytes), length (2), type (1: whole, 2: first, 3: middle,
    4: last) and data. wandb ships no public reader.
    """
    (path,) = folder.glob("wandb/offline-run-*/run-*.wandb")
    data, position, pending, records = path.read_bytes(), 7, b"", []
    assert data.startswith(b":W&B")
    while position + 7 <= len(data):
        if BLOCK - position % BLOCK < 7:
            position += BLOCK - position % BLOCK
            continue
        length, kind = struct.unpack("<HB", data[position + 4 : position + 7])
        pending += data[position + 7 : position + 7 + length]
        position += 7 + length
        if kind in (1, 4):
            records.append(wandb_internal_pb2.Record.FromString(pending))
            pending = b""
    return records


def _key(item):
    return item.key or "/".join(item.nested_key)


def test_an_offline_run_holds_config_losses_metrics_confusion_and_predictions(command, tiny_config, tmp_path):
    tracking = ["tracking.mode=offline", "tracking.group=g7", "tracking.tags=[a, b]"]
    assert command("train", tiny_config, *tracking, f"output_dir={tmp_path}").status == 0
    folder = tmp_path / "tiny"
    records = read_offline_run(folder)
    (run,) = [record.run for record in records if record.HasField("run")]
    assert run.display_name == "tiny" and run.project == "actorstance" and run.run_group == "g7"
    assert list(run.tags) == ["a", "b"]
    config = {item.key: json.loads(item.value_json) for item in run.config.update}
    assert config["training"]["epochs"] == 10 and config["facts"]["rows"]["train"] > 0

    history = [
        {
            item.nested_key[0] if item.nested_key else item.key: json.loads(item.value_json)
            for item in record.history.item
        }
        for record in records
        if record.HasField("history")
    ]
    assert sum("train/loss" in row for row in history) >= 3
    validation = [(row["_step"], row["validation/macro_f1"]) for row in history if "validation/macro_f1" in row]
    log = json.loads((folder / "log.json").read_text())
    assert validation == [(line["step"], line["eval_macro_f1"]) for line in log if "eval_macro_f1" in line]

    summary = {}
    for record in records:
        if record.HasField("summary"):
            for item in record.summary.update:
                summary[_key(item)] = json.loads(item.value_json)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert summary["test/macro_f1"] == metrics["test"]["scores"]["macro_f1"]["value"]

    (media,) = folder.glob("wandb/offline-run-*/files/media/table/test/predictions*.table.json")
    table = json.loads(media.read_text())
    assert table["columns"][:4] == ["text", "context", "actor", "target"]
    assert len(table["data"]) == metrics["test"]["rows"]
    assert list(folder.glob("wandb/offline-run-*/files/media/table/test/confusion*.table.json"))
    (media,) = folder.glob("wandb/offline-run-*/files/media/table/test/errors*.table.json")
    wrong = round(metrics["test"]["rows"] * (1 - metrics["test"]["scores"]["accuracy"]["value"]))
    assert len(json.loads(media.read_text())["data"]) == wrong
    assert list(folder.glob("wandb/offline-run-*/files/media/images/test/reliability*.png"))

    assert run.job_type == "train"
    artifacts = {record.artifact.name: record.artifact for record in records if record.HasField("artifact")}
    artifacts = {name: artifact for name, artifact in artifacts.items() if artifact.type != "run_table"}
    assert {name: artifact.type for name, artifact in artifacts.items()} == {"corpus": "dataset", "tiny": "model"}
    files = {name: {entry.path for entry in artifact.manifest.contents} for name, artifact in artifacts.items()}
    assert files["corpus"] == {"train.jsonl", "validation.jsonl", "test.jsonl"}
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= files["tiny"]
    facts = {name: json.loads(artifact.metadata) for name, artifact in artifacts.items()}
    assert facts["corpus"]["corpus"] == facts["tiny"]["corpus"] == metrics["corpus"] == config["facts"]["corpus"]
    assert facts["tiny"]["macro_f1"] == metrics["test"]["scores"]["macro_f1"]["value"]


def _track_something(config, tmp_path, monkeypatch, **environment: str) -> None:
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    (tmp_path / "run").mkdir()
    tracker = Tracker(config, tmp_path / "run", {}, "abc")
    tracker.log({"train/loss": 1.0}, step=1)
    tracker.table("t", ["a"], [[1]])
    tracker.finish()


@pytest.fixture
def config(tiny_config):
    return load_config(tiny_config, ["tracking.mode=offline", "tracking.timeout=20"])


def test_logged_in_without_network_goes_offline(tiny_config, tmp_path, monkeypatch):
    config = load_config(tiny_config, ["tracking.mode=auto", "tracking.timeout=30"])
    key = "0" * 40
    address = "http://127.0.0.1:9"  # nobody listens there
    _track_something(config, tmp_path, monkeypatch, WANDB_API_KEY=key, WANDB_BASE_URL=address)
    assert read_offline_run(tmp_path / "run")


def test_not_logged_in_goes_offline(tiny_config, tmp_path, monkeypatch):
    config = load_config(tiny_config, ["tracking.mode=auto", "tracking.timeout=30"])
    _track_something(config, tmp_path, monkeypatch, HOME=str(tmp_path), NETRC=str(tmp_path / "netrc"))
    assert any(record.HasField("history") for record in read_offline_run(tmp_path / "run"))


def test_a_tracking_process_that_dies_is_only_a_warning(config, tmp_path, caplog):
    (tmp_path / "run").mkdir()
    tracker = Tracker(config, tmp_path / "run", {}, "abc")
    tracker._process.kill()
    tracker._process.join()
    for step in range(10_000):
        tracker.log({"train/loss": 1.0}, step)
    tracker.finish()
    assert "The run goes on without tracking" in caplog.text


def test_a_tracking_process_that_hangs_is_waited_for_no_longer_than_said(tiny_config, tmp_path, caplog):
    config = load_config(tiny_config, ["tracking.mode=offline", "tracking.timeout=5"])
    (tmp_path / "run").mkdir()
    tracker = Tracker(config, tmp_path / "run", {}, "abc")
    if tracker._process is None:
        pytest.skip("this machine is too busy to start wandb within 5 seconds")
    os.kill(tracker._process.pid, signal.SIGSTOP)
    for step in range(10_000):
        tracker.log({"train/loss": 1.0}, step)
    tracker.finish()
    assert "no answer to finish within 5 seconds" in caplog.text


def test_the_tracking_process_ends_with_a_killed_training(tiny_config, tmp_path):
    """Else a killed run would look alive, and its process stay for good."""
    (tmp_path / "run").mkdir()
    script = tmp_path / "track.py"
    script.write_text(
        f"""
import os, pathlib, signal
from actorstance.training.config import load_config
from actorstance.training.tracking import Tracker
if __name__ == "__main__":
    config = load_config({str(tiny_config)!r}, ["tracking.mode=offline"])
    tracker = Tracker(config, pathlib.Path({str(tmp_path / "run")!r}), {{}}, "abc")
    print(tracker._process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    )
    killed = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    left = Path(f"/proc/{int(killed.stdout)}")
    for _ in range(300):
        if not left.exists() or "zombie" in (left / "status").read_text():
            return
        time.sleep(0.1)
    pytest.fail("the tracking process is still there")


@pytest.fixture
def full_disk(tmp_path):
    """A file system of 64 KB; making one needs the right to mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("not allowed to mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_in_wandbs_folder_is_not_waited_for(config, full_disk):
    tracker = Tracker(config, full_disk, {}, "abc")
    for step in range(2000):
        tracker.log({f"train/{name}": 1.0 * step for name in "abcdefgh"}, step)
    tracker.finish()  # returning at all is what is tested
