"""Scores agree with scikit-learn, intervals cover, temperatures calibrate."""

import numpy as np
import pytest
from actorstance.data import STANCES, check_record
from actorstance.models import Prediction
from actorstance.training.calibration import abstention_thresholds, describe_confidence, fit_temperature
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
    scores = [{stance: 0.6 if stance == p else 0.4 / 3 for stance in STANCES} for p in predicted]
    predictions = [Prediction(str(p), 0.6, score) for p, score in zip(predicted, scores, strict=True)]
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
    squares = np.where(gold == predicted, 0.4**2 + 3 * (0.4 / 3) ** 2, 0.6**2 + (1 - 0.4 / 3) ** 2 + 2 * (0.4 / 3) ** 2)
    assert value["brier"] == pytest.approx(squares.mean())
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


def _answers(random, rows, overconfident=0.0):
    """Confidences, and whether the answers are right: as often as the confidence says, or less often."""
    confidence = random.uniform(0.3, 1, rows)
    return confidence, random.random(rows) < confidence - overconfident


@pytest.mark.parametrize("overconfident", [0.0, 0.05])
def test_a_chosen_precision_holds_on_unseen_records(overconfident):
    random = np.random.default_rng(1)
    coverages, failed = [], 0
    for _ in range(200):
        threshold = abstention_thresholds(*_answers(random, 3000, overconfident))["0.8"]
        if threshold is None:  # no promise is no broken promise
            continue
        confidence, right = _answers(random, 20_000, overconfident)
        labelled = confidence >= threshold
        coverages.append(labelled.mean())
        failed += right[labelled].mean() < 0.8
    assert failed <= 10
    assert len(coverages) > 150 and np.mean(coverages) > 0.15


def test_where_no_threshold_is_good_enough_there_is_none():
    random = np.random.default_rng(2)
    assert set(abstention_thresholds(*_answers(random, 1500, overconfident=0.3)).values()) == {None}
    assert set(abstention_thresholds(np.array([0.9, 0.8]), np.array([True, True])).values()) == {None}


def test_confidence_is_described_by_bins_and_by_coverage():
    confidence = np.array([0.95] * 10 + [0.55] * 10)
    right = np.array([True] * 9 + [False] + [True] * 4 + [False] * 6)
    described = describe_confidence(confidence, right, {"0.8": 0.9, "0.9": 0.99, "0.95": None})
    assert [(part["rows"], part["accuracy"]) for part in described["reliability"]] == [(10, 0.4), (10, 0.9)]
    assert all(part["low"] < part["accuracy"] < part["high"] for part in described["reliability"])
    by_coverage = {round(point["coverage"], 2): point["precision"] for point in described["coverage"]}
    assert by_coverage[0.5] == 0.9 and by_coverage[1.0] == 0.65
    assert described["abstain_below"] == {
        "0.8": {"threshold": 0.9, "coverage": 0.5, "precision": 0.9},
        "0.9": {"threshold": 0.99, "coverage": 0.0, "precision": None},
    }
