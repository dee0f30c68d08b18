"""audit_labels.py: wrong labels rise to the top, and decisions reach the corpus."""

import json

import pytest
from conftest import read_jsonl, write_jsonl


@pytest.fixture
def mislabelled(splits, tmp_path):
    """The training split with ids, ten rows of it labelled wrong."""
    rows = [{"id": f"r{index}", **row} for index, row in enumerate(read_jsonl(splits["train"]))]
    wrong = set(range(3, len(rows), len(rows) // 10))
    other = {"favor": "against", "against": "favor", "conditional": "none", "none": "conditional"}
    for index in wrong:
        rows[index]["stance"] = other[rows[index]["stance"]]
    return write_jsonl(tmp_path / "train.jsonl", rows), {f"r{index}" for index in wrong}


def test_wrong_labels_rank_first_and_decisions_are_kept(command, tiny_config, mislabelled, tmp_path):
    corpus, wrong = mislabelled
    suspects, decisions = tmp_path / "suspects.jsonl", tmp_path / "decided.jsonl"
    settings = [f"data.train={corpus}", "training.epochs=12"]

    def rank(output, runs, *options):
        overrides = [*settings, f"output_dir={tmp_path / runs}"]
        return command("audit_labels", "rank", tiny_config, *overrides, "--folds", 4, "--output", output, *options)

    result = rank(suspects, "runs")
    assert result.status == 0, result.err
    ranked = read_jsonl(suspects)
    assert len(ranked) == len(read_jsonl(corpus))
    assert len(wrong & {row["id"] for row in ranked[:20]}) >= 8
    assert ranked[0]["flagged"] and ranked[0]["quality"] < ranked[-1]["quality"]

    first, second = ranked[:2]
    first |= {"decided": first["suggested"], "reason": "a slip"}
    second |= {"decided": second["stance"], "reason": "right as it is"}
    record = ["audit_labels", "record", write_jsonl(suspects, ranked), "--corpus", corpus, "--decisions", decisions]
    result = command(*record)
    assert result.status == 0 and "1 labels changed, 1 kept" in result.out
    labels = {row["id"]: row["stance"] for row in read_jsonl(corpus)}
    assert labels[first["id"]] == first["suggested"] and labels[second["id"]] == second["stance"]
    assert [row["reason"] for row in read_jsonl(decisions)] == ["a slip", "right as it is"]
    assert read_jsonl(decisions)[0]["first"] == first["stance"]

    shorter = tmp_path / "shorter.jsonl"
    result = rank(shorter, "runs-again", "--decisions", decisions)
    assert result.status == 0
    assert {row["id"] for row in ranked} - {row["id"] for row in read_jsonl(shorter)} == {first["id"], second["id"]}


@pytest.mark.parametrize(
    "mistake", [{"decided": "for", "reason": "x"}, {"decided": "favor"}, {"decided": "favor", "reason": "x", "id": "?"}]
)
def test_a_wrong_decision_changes_nothing(command, splits, tmp_path, mistake):
    rows = [{"id": f"r{index}", **row} for index, row in enumerate(read_jsonl(splits["test"]))]
    corpus = write_jsonl(tmp_path / "corpus.jsonl", rows)
    before = corpus.read_text()
    good = {**rows[0], "decided": "none", "reason": "x"}
    suspects = write_jsonl(tmp_path / "suspects.jsonl", [good, {**rows[1], **mistake}])
    decisions = tmp_path / "decided.jsonl"
    result = command("audit_labels", "record", suspects, "--corpus", corpus, "--decisions", decisions)
    assert result.status == 1 and "suspects.jsonl:2" in result.err and json.loads(before.splitlines()[0])
    assert corpus.read_text() == before and not decisions.exists()
