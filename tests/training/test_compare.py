"""compare.py: differences between real runs, and statistics that are right on made-up ones."""

import json

import numpy as np
import pytest
from actorstance.data import STANCES, Record
from actorstance.training.comparison import System, compare, differing_rows
from actorstance.training.formats import format_comparison
from conftest import make_records, read_jsonl, write_jsonl
from scipy.stats import permutation_test


@pytest.fixture(scope="module")
def weak(tiny_config):
    """The tiny model after one epoch, from three seeds."""
    from actorstance.training.config import load_config
    from actorstance.training.seeds import seeds_folder, train_seeds

    config = load_config(tiny_config, ["name=weak", "training.epochs=1"])
    train_seeds(config, [1, 2, 3])
    return seeds_folder(config)


def test_a_trained_model_beats_one_of_an_epoch(command, trained, weak, tmp_path):
    output = tmp_path / "comparison"
    result = command("compare", weak, trained, "--output", output)
    assert result.status == 0, result.err
    report = json.loads((output / "comparison.json").read_text())
    (difference,) = report["differences"]["macro_f1"]
    means = {name: system["scores"]["macro_f1"]["mean"] for name, system in report["systems"].items()}
    assert difference["of"] == trained.name and difference["over"] == weak.name
    assert difference["difference"] == pytest.approx(means[trained.name] - means[weak.name])
    assert 0 < difference["low"] < difference["difference"] < difference["high"]
    assert difference["p"] == difference["p_holm"] < 0.05
    metrics = json.loads((trained / "metrics.json").read_text())
    assert means[trained.name] == pytest.approx(metrics["test"]["scores"]["macro_f1"]["value"])
    assert f"| {trained.name} over {weak.name} |" in (output / "comparison.md").read_text()
    assert set(report["by"]) == {"target", "actor"}
    rows = read_jsonl(output / "differing-rows.jsonl")
    assert 0 < len(rows) < report["rows"]
    assert all(row["answers"][trained.name]["stance"] != row["answers"][weak.name]["stance"] for row in rows)
    assert all(row["answers"][trained.name]["seeds"] == 1 for row in rows)

    again = command("compare", weak, trained, "--output", output)
    assert again.status == 1 and "already exists" in again.err


def test_other_data_and_other_rows(command, trained, weak, tiny_config, tmp_path):
    data = write_jsonl(tmp_path / "data.jsonl", make_records()[::5])
    result = command("compare", weak, trained, "--data", data)
    assert result.status == 0 and result.out.startswith("72 rows; seeds: weak-seeds 3, shared 1")

    test = write_jsonl(tmp_path / "test.jsonl", [{**row, "text": row["text"] + " So?"} for row in make_records()[::7]])
    other = ["name=other", "training.epochs=1", f"data.test={test}", f"output_dir={tmp_path}"]
    assert command("train", tiny_config, *other).status == 0
    result = command("compare", weak, tmp_path / "other")
    assert result.status == 1 and "measure all of them on one file with --data" in result.err
    result = command("compare", weak, tmp_path)
    assert result.status == 1 and "expected a finished run" in result.err
    result = command("compare", weak)
    assert result.status == 1 and "two or more systems" in result.err


def _system(name, records, accuracy, seeds, random, sd=0.0):
    """Runs that are right on a share of the rows, which differs from seed to seed by `sd`."""
    gold = np.array([STANCES.index(record.stance) for record in records])
    scores = []
    for _ in range(seeds):
        right = random.random(len(gold)) < accuracy + sd * random.standard_normal()
        said = np.where(right, gold, (gold + random.integers(1, 4, len(gold))) % 4)
        scores.append(np.full((len(gold), 4), 0.1) + 0.6 * np.eye(4)[said])
    return System(name, records, np.array(scores))


@pytest.fixture(scope="module")
def records():
    return [Record(f"Text {index}.", "a", "b", stance=STANCES[index % 4]) for index in range(400)]


def test_the_p_value_is_that_of_a_permutation_test(records):
    random = np.random.default_rng(1)
    first, second = _system("first", records, 0.70, 1, random), _system("second", records, 0.76, 1, random)
    found = compare([first, second])["differences"]["accuracy"][0]
    gold = np.array([STANCES.index(record.stance) for record in records])
    right = [(system.predicted[0] == gold).astype(float) for system in (second, first)]
    expected = permutation_test(
        right, lambda a, b, axis: a.mean(axis) - b.mean(axis), permutation_type="samples", vectorized=True, rng=1
    )
    assert found["difference"] == pytest.approx(expected.statistic)
    assert found["p"] == pytest.approx(expected.pvalue, abs=0.02)


def test_equal_systems_are_seldom_told_apart(records):
    """Rows differ in difficulty, and seeds in luck, as they do in reality."""
    random = np.random.default_rng(2)
    some = records[:120]
    gold = np.array([STANCES.index(record.stance) for record in some])
    found = 0
    for _ in range(150):
        difficulty, pair = random.beta(1, 0.6, len(gold)), []
        for name in ("first", "second"):
            luck = 0.05 * random.standard_normal((3, 1))
            right = random.random((3, len(gold))) < difficulty + luck
            said = np.where(right, gold, (gold + 1) % 4)
            pair.append(System(name, some, 0.1 + 0.6 * np.eye(4)[said]))
        found += compare(pair)["differences"]["accuracy"][0]["p"] < 0.05
    assert found <= 13  # 7.5 are expected at most; more than 13 of 150 would be too many with 97% certainty


def test_seeds_that_differ_widen_the_interval_and_the_p_value(records):
    def compared(sd):
        pair = [
            _system(name, records, accuracy, 3, np.random.default_rng(seed), sd)
            for name, accuracy, seed in (("first", 0.65, 3), ("second", 0.85, 4))
        ]
        return compare(pair)["differences"]["macro_f1"][0]

    steady, shaky = compared(0), compared(0.1)
    assert shaky["high"] - shaky["low"] > 1.5 * (steady["high"] - steady["low"])
    assert steady["p"] < 0.05 < shaky["p"]


def test_one_seed_is_said_to_be_one(records):
    random = np.random.default_rng(6)
    report = compare([_system("first", records, 0.7, 1, random), _system("second", records, 0.7, 3, random)])
    assert "what another would give of first is not in" in format_comparison(report)


def test_holm_corrects_over_the_pairs_and_rows_that_differ_are_found(records):
    random = np.random.default_rng(5)
    systems = [_system(name, records, accuracy, 1, random) for name, accuracy in (("a", 0.6), ("b", 0.7), ("c", 0.9))]
    found = sorted(compare(systems)["differences"]["macro_f1"], key=lambda difference: difference["p"])
    assert [(f["of"], f["over"]) for f in compare(systems)["differences"]["macro_f1"]] == [
        ("b", "a"),
        ("c", "a"),
        ("c", "b"),
    ]
    expected = np.maximum.accumulate([found[rank]["p"] * (3 - rank) for rank in range(3)])
    assert [f["p_holm"] for f in found] == pytest.approx(np.minimum(expected, 1))
    stances = [f for stance in STANCES for f in compare(systems)["differences"][f"f1_{stance}"]]
    smallest = min(stances, key=lambda f: f["p"])
    assert smallest["p_holm"] == pytest.approx(min(1, 12 * smallest["p"]))
    same = differing_rows([systems[0], System("again", records, systems[0].scores)])
    assert same == []
