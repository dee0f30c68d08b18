"""leaderboard.py: a table that only run folders can fill."""

import json

import pytest
from conftest import make_records, write_jsonl


@pytest.fixture(scope="module")
def configs(tiny_config):
    for name, epochs in (("quick", 1), ("longer", 6)):
        (tiny_config.parent / f"{name}.yaml").write_text(
            f"extends: tiny.yaml\nname: {name}\ntraining: {{epochs: {epochs}}}\n"
        )
    return tiny_config.parent


def test_rows_come_from_runs_and_the_best_comes_first(command, configs, tmp_path):
    for name in ("quick", "longer"):
        trained = command("train", configs / f"{name}.yaml", f"output_dir={tmp_path}", "--seeds", "1,2")
        assert trained.status == 0, trained.err
    pairs = [row | {"group": f"pair{index // 2}"} for index, row in enumerate(make_records()[:40])]
    challenge, output = write_jsonl(tmp_path / "challenge.jsonl", pairs), tmp_path / "LEADERBOARD.md"
    options = ["--configs", configs, "--challenge", challenge, "--output", output]
    result = command("leaderboard", tmp_path / "quick-seeds", tmp_path / "longer-seeds", *options)
    assert result.status == 0, result.err
    rows = [line for line in output.read_text().splitlines() if line.startswith("| [")]
    assert [row.split("]")[0] for row in rows] == ["| [longer", "| [quick"]
    summary = json.loads((tmp_path / "longer-seeds" / "summary.json").read_text())
    f1 = summary["test"]["macro_f1"]
    assert f"| 2 | {f1['mean']:.3f} ± {f1['sd']:.3f} |" in rows[0] and "longer.yaml --seeds 1,2`" in rows[0]

    # A config that has changed since, and a run that is no group of seeds.
    (configs / "quick.yaml").write_text("extends: tiny.yaml\nname: quick\ntraining: {epochs: 2}\n")
    result = command("leaderboard", tmp_path / "quick-seeds", *options)
    assert result.status == 1 and "its training section is not what" in result.err
    result = command("leaderboard", tmp_path / "quick-seeds" / "quick-seed1", *options)
    assert result.status == 1 and "expected a folder made by train.py --seeds" in result.err
