"""Distillation: a model learns from what trained models say, through the real commands."""

import json

import numpy as np
import pytest
from actorstance.data import STANCES, CorpusError, Record
from actorstance.training.distillation import add_questions, answers, cross_questions, read_teachers
from conftest import read_jsonl, write_jsonl

QUESTION = {"text": "Veloria backs the grain deal.", "actor": "Veloria", "target": "the grain deal"}


def test_a_student_learns_from_its_teachers_what_the_labels_do_not_say(command, tiny_config, trained, splits, tmp_path):
    questions, taught = tmp_path / "questions.jsonl", tmp_path / "taught.csv"
    # Labels that teach nothing: every row says "none".
    blank = [row | {"stance": "none"} for row in read_jsonl(splits["train"])]
    train = write_jsonl(tmp_path / "train.jsonl", blank)
    assert command("cross_questions", train, questions).status == 0
    assert command("predict", trained, questions, taught).status == 0

    overrides = [f"data.train={train}", f"data.teachers=[{taught}]", "training.teacher_share=1"]
    result = command("train", tiny_config, "name=student", f"output_dir={tmp_path}", *overrides)
    assert result.status == 0, result.err
    metrics = json.loads((tmp_path / "student" / "metrics.json").read_text())
    assert metrics["test"]["scores"]["accuracy"]["value"] > 0.8
    assert metrics["rows"]["train"] == len(blank)


def test_a_teacher_must_not_answer_questions_about_test_texts(command, tiny_config, splits, tmp_path):
    held_out = read_jsonl(splits["test"])[0] | {"text": "Veloria backs the grain deal with all of its heart."}
    test = write_jsonl(tmp_path / "test.jsonl", [*read_jsonl(splits["test"]), held_out])
    taught = write_jsonl(tmp_path / "taught.jsonl", [held_out | {"scores": dict.fromkeys(STANCES, 0.25)}])
    result = command("train", tiny_config, "name=leak", f"data.test={test}", f"data.teachers=[{taught}]")
    assert result.status == 1 and "leak between splits: test and train have the same text" in result.err


def test_teachers_are_averaged_and_mistakes_are_named(tmp_path):
    first = write_jsonl(
        tmp_path / "1.jsonl", [QUESTION | {"scores": dict(zip(STANCES, [0.9, 0.1, 0, 0], strict=True))}]
    )
    second = write_jsonl(
        tmp_path / "2.jsonl", [QUESTION | {"scores": dict(zip(STANCES, [0.4, 0.1, 0.5, 0], strict=True))}]
    )
    ((question, scores),) = read_teachers([str(first), str(second)]).items()
    assert question == Record(**QUESTION)
    assert scores.sum() == pytest.approx(1) and scores[0] / scores[1] == pytest.approx(6)

    bad = write_jsonl(tmp_path / "bad.jsonl", [QUESTION, {"text": "no actor"}, QUESTION | {"scores": {"favor": "x"}}])
    with pytest.raises(CorpusError) as caught:
        read_teachers([str(bad)])
    nonsense = [QUESTION | {"scores": dict.fromkeys(STANCES, value)} for value in (0, -1, float("nan"))]
    with pytest.raises(CorpusError) as second:
        read_teachers([str(write_jsonl(tmp_path / "nonsense.jsonl", nonsense))])
    assert len(second.value.problems) == 3
    assert [problem.split(": ")[0] for problem in caught.value.problems] == [f"{bad}:{line}" for line in (1, 2, 3)]


def test_labels_and_teachers_are_mixed():
    taught, extra = Record(**QUESTION), Record("Drennia is silent.", "Drennia", "the naval pact")
    teachers = {taught: np.array([0.2, 0.8, 0, 0]), extra: np.array([0, 0, 0, 1.0])}
    labelled, alone = Record(**QUESTION, stance="favor"), Record("Veloria left.", "Veloria", "it", stance="none")
    rows = add_questions([labelled, alone], teachers)
    assert rows == [labelled, alone, extra]
    expected = [[0.4, 0.6, 0, 0], [0, 0, 0, 1], [0, 0, 0, 1]]
    assert answers(rows, teachers, share=0.75) == pytest.approx(np.array(expected))
    assert answers(rows[:2], {}, share=0.75) == pytest.approx(np.eye(4)[[0, 3]])


def test_crossed_questions_are_those_that_nobody_asked():
    text = "Veloria backs the grain deal; Drennia fears the naval pact."
    asked = [Record(text, "Veloria", "the grain deal"), Record(text, "Drennia", "the naval pact")]
    other = Record("Veloria left.", "Veloria", "the naval pact")
    crossed = cross_questions([*asked, other])
    assert [(record.actor, record.target) for record in crossed] == [
        ("Veloria", "the naval pact"),
        ("Drennia", "the grain deal"),
    ]
    assert all(record.text == text and record.stance is None for record in crossed)
