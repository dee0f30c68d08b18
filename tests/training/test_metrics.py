"""Scores agree with scikit-learn, intervals cover, temperatures calibrate."""

import numpy as np
import pytest
from actorstance.data import STANCES, check_record
from actorstance.models import Prediction
from actorstance.training.calibration import fit_temperature
from actorstance.training.metrics import evaluate_predictions, macro_f1
from conftest import make_records
from scipy.special import softmax
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score


def _random_case(seed, rows=200):
    random = np.random.default_rng(seed)
    gold = random.choice(STANCES, rows)
    predicted = np.where(random.random(rows) < 0.6, gold, random.choice(STANCES, rows))
    records = [
        check_record({**make_records()[i], "text": f"t{i // 2}", "stance": g, "phenomenon": f"p{i % 3}"}, labelled=True)
        for i, g in enumerate(gold)
    ]
    predictions = [Prediction(str(p), 0.6, {}) for p in predicted]
    return gold, predicted, evaluate_predictions(records, predictions)


def test_scores_agree_with_scikit_learn():
    gold, predicted, report = _random_case(0)
    value = {metric: score["value"] for metric, score in report["scores"].items()}
    assert value["macro_f1"] == pytest.approx(f1_score(gold, predicted, average="macro"))
    assert value["accuracy"] == pytest.approx(accuracy_score(gold, predicted))
    three = [["none" if s == "conditional" else s for s in stances] for stances in (gold, predicted)]
    assert value["macro_f1_3way"] == pytest.approx(f1_score(*three, average="macro"))
    by_class = f1_score(gold, predicted, average=None, labels=STANCES)
    assert [value[f"f1_{stance}"] for stance in STANCES] == pytest.approx(by_class)
    assert value["f_avg"] == pytest.approx(by_class[:2].mean())
    assert value["calibration_error"] == pytest.approx(abs(value["accuracy"] - 0.6))
    assert report["confusion"] == confusion_matrix(gold, predicted, labels=STANCES).tolist()
    assert set(report["by"]["phenomenon"]) == {"p0", "p1", "p2"}
    assert sum(group["rows"] for group in report["by"]["phenomenon"].values()) == 200


def test_intervals_hold_their_point_and_the_truth_mostly():
    """Labels are right 60% of the time plus a quarter of the rest: 70% accuracy in the long run."""
    covered = 0
    for seed in range(20):
        score = _random_case(seed)[2]["scores"]["accuracy"]
        assert score["low"] <= score["value"] <= score["high"]
        covered += score["low"] <= 0.7 <= score["high"]
    assert covered >= 16


def test_absent_stances_do_not_count():
    assert macro_f1(np.array([0, 0, 1]), np.array([0, 0, 1])) == 1


def test_the_temperature_undoes_overconfidence():
    random = np.random.default_rng(0)
    logits = random.normal(size=(5000, 4)) * 2
    labels = np.array([random.choice(4, p=row) for row in softmax(logits, axis=1)])
    assert fit_temperature(logits * 3, labels) == pytest.approx(3, rel=0.1)
