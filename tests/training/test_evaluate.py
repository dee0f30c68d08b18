"""evaluate.py and baselines.py."""

import json

import pytest
from actorstance.training.baselines import BASELINES
from conftest import make_records, read_jsonl, write_jsonl


def test_evaluate_gives_the_scores_of_the_run(command, trained, splits, tmp_path):
    result = command("evaluate", trained, splits["test"], "--output", tmp_path / "scores.json")
    assert result.status == 0 and "macro-F1 (4 stances)" in result.out
    written = json.loads((tmp_path / "scores.json").read_text())
    assert written == json.loads((trained / "metrics.json").read_text())["test"]
    for metric in ("accuracy", "macro_f1", "macro_f1_3way", "f_avg", "calibration_error", "f1_conditional"):
        assert set(written["scores"][metric]) == {"value", "low", "high"}
    assert command("evaluate", trained, splits["test"], "--output", tmp_path / "scores.json").status == 1


def test_what_cant_be_read_is_named_and_counts_in_no_score(command, trained, tmp_path):
    records = make_records()[:20]
    records[4] = {**records[4], "target": "the pact " * 100}
    result = command("evaluate", trained, write_jsonl(tmp_path / "a.jsonl", records))
    assert result.status == 0 and "19 rows" in result.out and "counted in no score" in result.err


@pytest.mark.parametrize(
    ("rows", "message"),
    [([], "no records"), ([{"text": "x", "actor": "a", "target": "t"}], ":1: stance is missing")],
)
def test_unlabelled_data_is_refused(command, trained, tmp_path, rows, message):
    result = command("evaluate", trained, write_jsonl(tmp_path / "a.jsonl", rows))
    assert result.status == 1 and message in result.err


def test_a_missing_run_is_named(command, splits, tmp_path):
    result = command("evaluate", tmp_path / "nowhere", splits["test"])
    assert result.status == 1 and "neither a run folder here nor a model" in result.err


def test_phenomena_and_minimal_pairs_have_scores_of_their_own(command, trained, tmp_path):
    records = make_records()[:24]
    right = [row["stance"] for row in map(json.loads, _predict(command, trained, records, tmp_path))]
    wrong = {"favor": "against", "against": "favor", "conditional": "none", "none": "favor"}
    labelled = [
        {
            **record,
            "stance": wrong[stance] if index in (0, 2, 3) else stance,
            "group": f"pair-{index // 2}",
            "phenomenon": "negation" if index < 12 else "irony",
        }
        for index, (record, stance) in enumerate(zip(records, right, strict=True))
    ]
    halves = [write_jsonl(tmp_path / "a.jsonl", labelled[:12]), write_jsonl(tmp_path / "b.jsonl", labelled[12:])]
    result = command("evaluate", trained, *halves, "--output", tmp_path / "scores.json")
    assert result.status == 0 and "groups right" in result.out
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["groups"] == {"number": 12, "all_right": pytest.approx(10 / 12)}
    by = scores["by"]["phenomenon"]
    assert by["negation"]["groups"] == {"number": 6, "all_right": pytest.approx(4 / 6)}
    assert by["irony"]["groups"]["all_right"] == 1


def _predict(command, trained, records, tmp_path):
    unlabelled = [{key: record[key] for key in ("text", "actor", "target")} for record in records]
    source, output = write_jsonl(tmp_path / "in.jsonl", unlabelled), tmp_path / "out.jsonl"
    assert command("predict", trained, source, output).status == 0
    return output.read_text().splitlines()


def test_baselines_learn_what_they_can(command, tiny_config, trained, tmp_path):
    output = tmp_path / "baselines"
    result = command("baselines", tiny_config, "--output", output)
    assert result.status == 0, result.err
    score = {}
    for name in BASELINES:
        folder = output / name.replace(" ", "-")
        assert len(read_jsonl(folder / "predictions.jsonl")) == len(read_jsonl(trained / "predictions.jsonl"))
        score[name] = json.loads((folder / "metrics.json").read_text())["test"]["scores"]["macro_f1"]["value"]
        (line,) = (line for line in result.out.splitlines() if line[:22].strip() == name)
        assert f"{score[name]:.3f}" in line
    assert score["majority"] < 0.2 and score["tfidf-logreg"] > 0.8
    assert score["actor alone"] < score["text alone"]
    assert score["majority"] <= score["majority per actor"] < 0.5
    assert score["embeddings-logreg"] > score["actor alone"]
    assert command("compare", output / "tfidf-logreg", trained).status == 0

    again = command("baselines", tiny_config, "--output", output)
    assert again.status == 1 and "already exists" in again.err
    unknown = command("baselines", tiny_config, "--only", "oracle")
    assert unknown.status == 1 and "no baseline oracle; there are: majority," in unknown.err


def test_a_majority_per_actor_falls_back_on_everybodys(command, tiny_config, tmp_path):
    row = {"text": "Said so.", "target": "it"}
    train = [row | {"actor": "Ada", "stance": "none"}] * 3 + [row | {"actor": "Bo", "stance": "favor", "text": "No."}]
    test = [row | {"actor": actor, "stance": "none"} for actor in ("ada", "Bo", "Cy")]
    paths = [write_jsonl(tmp_path / f"{name}.jsonl", rows) for name, rows in (("train", train), ("test", test))]
    overrides = [f"data.train={paths[0]}", "--data", paths[1], "--only", "majority per actor"]
    assert command("baselines", tiny_config, *overrides, "--output", tmp_path / "out").status == 0
    predictions = read_jsonl(tmp_path / "out" / "majority-per-actor" / "predictions.jsonl")
    assert [row["stance"] for row in predictions] == ["none", "favor", "none"]
    assert predictions[2]["scores"]["favor"] == 0.25
