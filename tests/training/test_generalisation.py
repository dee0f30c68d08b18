"""Held-out actors, targets and families, and a learning curve, through the real command."""

import json

import pytest
from actorstance.data import Record
from actorstance.training.generalisation import hold_out, sample_passages
from conftest import ROOT, make_records, read_jsonl


def test_training_never_asks_about_held_out_actors_and_targets(command, tiny_config, splits, tmp_path):
    held = ['data.held_out_actors=["Minister Dale"]', "data.held_out_targets=[Grain]"]
    result = command("train", tiny_config, "name=held", f"output_dir={tmp_path}", "training.epochs=1", *held)
    assert result.status == 0, result.err
    rows = read_jsonl(tmp_path / "held" / "predictions.jsonl")

    def held_out(row):
        return row["actor"] == "Minister Dale" or "grain" in row["target"]

    expected = [row for row in make_records() if held_out(row)]
    assert sorted(row["text"] for row in rows) == sorted(row["text"] for row in expected)
    counts = json.loads((tmp_path / "held" / "metrics.json").read_text())["rows"]
    for name in ("train", "validation"):
        assert counts[name] == sum(not held_out(row) for row in read_jsonl(splits[name]))


def test_words_are_held_out_by_their_beginnings_and_their_texts_leave_training():
    both = "Ankara backs it, Oslo doesn't."
    train = [
        Record(both, "Ankara", "it", stance="favor"),
        Record(both, "Oslo", "it", stance="against"),
        Record("The Turkish government is for it.", "the Turkish government", "it", stance="favor"),
        Record("Oslo waits.", "Oslo", "it", stance="none"),
    ]
    splits = hold_out({"train": train, "validation": [train[3]], "test": [train[3]]}, ["turk", "Ankara"], [])
    assert splits["test"] == [train[0], train[2]] and splits["train"] == [train[3]]
    with pytest.raises(ValueError, match="in no row of the corpus: slo"):
        hold_out({"train": train, "validation": [train[3]], "test": [train[3]]}, ["slo"], [])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.held_out_actors=[Atlantis]", "in no row of the corpus: Atlantis"),
        ("data.held_out_targets=[the,a,Veloria]", "leaves no rows in train and validation"),
        (f"data.teachers=[{ROOT}/README.md] data.train_share=0.5", "teachers can't be combined with train_share"),
        ("data.train_share=0", "data.train_share"),
    ],
)
def test_what_cant_be_held_out_is_named(command, tiny_config, tmp_path, override, message):
    result = command("train", tiny_config, *override.split(), f"output_dir={tmp_path / 'runs'}")
    assert result.status == 1 and message in result.err and not (tmp_path / "runs").exists()


def test_a_smaller_share_is_part_of_a_larger_one_and_texts_stay_whole():
    records = [Record(f"Text {number}.", actor, "it", stance="none") for number in range(500) for actor in "ab"]
    small, large = (sample_passages(records, share) for share in (0.1, 0.4))
    assert set(small) < set(large) and 60 < len(small) < 140 and 320 < len(large) < 480
    assert {record.text for record in small if record.actor == "a"} == {record.text for record in small}
    assert sample_passages(records, 1.0) == records
