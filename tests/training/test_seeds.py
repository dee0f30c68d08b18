"""train.py --seeds: a run per seed, a summary of all, and nothing done twice."""

import json
import statistics

import pytest


def test_seeds_make_a_run_each_and_a_summary(command, tiny_config, tmp_path):
    arguments = [tiny_config, f"output_dir={tmp_path}", "name=tiny", "training.epochs=2", "tracking.mode=offline"]
    first = command("train", *arguments, "--seeds", "1,2")
    assert first.status == 0, first.err
    folder = tmp_path / "tiny-seeds"
    runs = [folder / f"tiny-seed{seed}" for seed in (1, 2)]
    values = [json.loads((run / "metrics.json").read_text())["test"]["scores"]["macro_f1"]["value"] for run in runs]
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["seeds"] == [1, 2] and summary["test"]["macro_f1"]["values"] == values
    assert summary["test"]["macro_f1"]["mean"] == pytest.approx(statistics.mean(values))
    assert summary["test"]["macro_f1"]["sd"] == pytest.approx(statistics.stdev(values))
    validation = summary["validation"]["macro_f1"]["values"]
    assert summary["best"] == runs[validation.index(max(validation))].name
    assert f"{statistics.mean(values):.3f} ± {statistics.stdev(values):.3f}" in first.out
    assert all("group: tiny" in (run / "config.yaml").read_text() for run in runs)

    # A third seed: the finished ones stay as they are.
    before = [(run / "metrics.json").stat().st_mtime_ns for run in runs]
    second = command("train", *arguments, "--seeds", "3")
    assert second.status == 0 and json.loads((folder / "summary.json").read_text())["seeds"] == [1, 2, 3]
    assert [(run / "metrics.json").stat().st_mtime_ns for run in runs] == before


@pytest.mark.parametrize("seeds", ["", "1,x", "-1", "1,,2"])
def test_bad_seeds_are_named(command, tiny_config, seeds):
    result = command("train", tiny_config, f"--seeds={seeds}")
    assert result.status == 2 and "--seeds" in result.err
