"""Loading labelled splits, finding leaks, and splitting."""

import hashlib

import pytest
from actorstance.data import CorpusError, Record, find_leaks, load_split, read_rows
from actorstance.data.splitting import assign_splits, near_copies
from actorstance.data.statistics import check_corpus, describe_agreement, describe_corpus
from conftest import ROOT, write_jsonl

GOOD = {"text": "Kyiv wants it.", "actor": "Kyiv", "target": "a treaty", "stance": "favor"}
SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}


def test_all_mistakes_are_reported_by_file_and_line(tmp_path):
    rows = [GOOD, {**GOOD, "stance": "pro"}, {**GOOD, "actor": " "}, {**GOOD, "stance": "against"}]
    path = write_jsonl(tmp_path / "train.jsonl", rows)
    with pytest.raises(CorpusError) as caught:
        load_split(path)
    second, third, fourth = caught.value.problems
    assert second.startswith(f"{path}:2: stance: expected one of favor") and "found 'pro' (str)" in second
    assert third == f"{path}:3: actor is empty: expected a non-empty string"
    assert fourth.startswith(f"{path}:4: labelled against, but {path}:1 labels the same text, actor and target favor")


def test_an_empty_file_is_no_corpus(tmp_path):
    with pytest.raises(CorpusError, match="no records"):
        load_split(write_jsonl(tmp_path / "train.jsonl", []))


def test_the_same_text_with_another_context_is_another_question(tmp_path):
    rows = [{**GOOD, "context": "First."}, {**GOOD, "context": "Second.", "stance": "none"}]
    assert len(load_split(write_jsonl(tmp_path / "train.jsonl", rows))) == 2


def _record(text, **fields):
    return Record(text, "A", "T", "", "favor", fields)


def test_leaks_are_found_through_case_accents_and_punctuation_and_by_group():
    splits = {
        "train": [_record("Türkiye backs it."), _record("One way to say it", group="g1")],
        "test": [_record("turkiye backs IT!"), _record("Put quite differently", group="g1"), _record("Another")],
    }
    leaks = find_leaks(splits)
    assert len(leaks) == 2
    assert all(leak.startswith("test and train have the same") for leak in leaks)


def test_a_full_sentence_leaks_whatever_its_context_and_a_short_one_only_with_it():
    long, short = "The parliament rejected the naval base by a wide margin.", "She refused."
    splits = {
        "train": [Record(long, "A", "T", "One."), Record(short, "A", "T", "One.")],
        "test": [Record(long, "A", "T"), Record(short, "A", "T", "Two.")],
    }
    (leak,) = find_leaks(splits)
    assert long in leak


def test_groups_may_be_numbers_and_missing():
    nan = float("nan")
    splits = {
        "train": [_record("One way to say it", group=0), _record("Unrelated", group=nan)],
        "test": [_record("Put quite differently", group=0), _record("Also unrelated", group=nan)],
    }
    (leak,) = find_leaks(splits)
    assert "group: 'One way" in leak


def test_paraphrases_are_found_among_few_and_unrelated_passages():
    numbers = [str(7919 * n % 99991) for n in range(60)]
    copies = [f"{day} Hungary vetoed the accession of Sweden." for day in ("On Monday", "Today", "Again", "At last")]
    found = {(a, b) for a, b, _ in near_copies([f"Resolution {n}/{n[::-1]}" for n in numbers] + copies)}
    assert {(60, 61), (60, 62), (61, 63)} <= found
    assert list(near_copies(["…", "!!"])) == []


def test_paraphrases_and_groups_stay_in_one_split():
    records = [
        _record(f"The parliament of district {word} rejected the naval base by {count} votes to {count // 2}.")
        for count, word in enumerate(["Ambra", "Belmont", "Corvo", "Dunmore", "Estwick", "Farrow", "Galt"] * 12, 20)
    ]
    copies = [_record(record.text.replace("rejected", "has rejected")) for record in records]
    grouped = [
        _record(f"{word} {word}", group=f"g{index // 2}") for index, word in enumerate(map(str, range(100, 160)))
    ]
    chosen = assign_splits([*records, *copies, *grouped], SHARES)
    assert chosen[: len(records)] == chosen[len(records) : 2 * len(records)]
    groups = chosen[-60:]
    assert groups[::2] == groups[1::2]
    assert set(groups) == set(SHARES)


def test_the_split_of_a_record_does_not_change_when_others_are_added():
    records = [_record(hashlib.sha256(bytes([n])).hexdigest()) for n in range(150)]
    assert assign_splits(records, SHARES)[:40] == assign_splits(records[:40], SHARES)


def test_near_copies_finds_the_edited_sentence_only():
    texts = [
        "Hungary vetoed the accession of Sweden in a late session on Tuesday.",
        "In a late session on Tuesday Hungary vetoed Sweden's accession.",
        "Norway has opened its ports to the fleet.",
    ]
    assert [(a, b) for a, b, _ in near_copies(texts)] == [(0, 1)]


def test_near_copies_do_not_depend_on_what_else_is_there():
    pair = ["Chad suspends defence pact with France; Paris takes note", "Chad tears up defence accord with France"]
    alone = list(near_copies(pair))
    assert alone
    others = [f"Chad suspends pact number {hashlib.sha256(bytes([n])).hexdigest()}" for n in range(100)]
    assert [found for found in near_copies(pair + others) if found[1] == 1] == alone


def test_the_shipped_corpus_keeps_its_promises():
    splits = {name: load_split(ROOT / "data" / "corpus" / f"{name}.jsonl") for name in SHARES}
    assert check_corpus(splits) == []
    facts = describe_corpus(splits)
    assert facts["all"]["texts"] >= 6000 and facts["all"]["rows"] >= 15000
    assert facts["all"]["distinct_4grams"] >= 0.85
    decided = {row.fields["id"]: row.fields["decided"] for row in read_rows(ROOT / "data" / "adjudicated.jsonl")}
    corpus = {record.fields["id"]: record.stance for records in splits.values() for record in records}
    assert {key: corpus[key] for key in decided} == decided
    everything = [record for records in splits.values() for record in records]
    agreement = describe_agreement(everything, ROOT / "data" / "adjudicated.jsonl")
    assert agreement["kappa"] > 0.9 and agreement["rows"] >= 3000
    assert all(record.fields["annotators"] == 2 for name in ("validation", "test") for record in splits[name])
    for name in SHARES:
        assert min(facts[name]["stances"].values()) >= 0.12


def test_challenge_sets_are_minimal_pairs_of_their_own():
    files = sorted((ROOT / "data" / "challenge").glob("*.jsonl"))
    assert len(files) >= 12
    corpus = [record for name in SHARES for record in load_split(ROOT / "data" / "corpus" / f"{name}.jsonl")]
    challenge = []
    for file in files:
        records = load_split(file)
        assert len(records) >= 60 and {record.fields["phenomenon"] for record in records} == {file.stem}
        pairs: dict[str, list[str]] = {}
        for record in records:
            pairs.setdefault(record.group, []).append(record.stance)
        assert all(len(pair) == len(set(pair)) == 2 for pair in pairs.values())
        challenge += records
    assert check_corpus({"corpus": corpus, "challenge": challenge}) == []


def test_check_data_command_finds_a_leak(command, tmp_path):
    train = write_jsonl(tmp_path / "train.jsonl", [GOOD, {**GOOD, "text": "Oslo declined."}])
    test = write_jsonl(tmp_path / "test.jsonl", [GOOD])
    result = command("check_data", train, test)
    assert result.status == 1 and f"{test} and {train} have the same text: 'Kyiv wants it.'" in result.err
    assert command("check_data", train).status == 0
    (tmp_path / "b").mkdir()
    copy = write_jsonl(tmp_path / "b" / "train.jsonl", [GOOD])
    assert command("check_data", train, copy).status == 1, "files of one name are still two"
    lost = write_jsonl(tmp_path / "lost.jsonl", [{"id": "x", "first": "favor", "second": "none", "decided": "none"}])
    result = command("check_data", train, "--adjudicated", lost)
    assert result.status == 1 and f"{lost}:1: no record 'x'" in result.err
    assert command("check_data", train, "--adjudicated", tmp_path / "nowhere.jsonl").status == 1


def test_split_data_command(command, tmp_path):
    words = [hashlib.sha256(bytes([number])).hexdigest() for number in range(200)]
    rows = [{**GOOD, "text": f"Text {word}", "page": number} for number, word in enumerate(words)]
    source = write_jsonl(tmp_path / "all.jsonl", rows)
    assert command("split_data", source, "--output", tmp_path / "out").status == 0
    splits = {name: load_split(tmp_path / "out" / f"{name}.jsonl") for name in SHARES}
    assert sorted(r.fields["page"] for records in splits.values() for r in records) == list(range(200))
    assert command("split_data", source, "--output", tmp_path / "out").status == 1
    conflict = write_jsonl(tmp_path / "more.jsonl", [{**rows[0], "stance": "none"}])
    result = command("split_data", source, conflict, "--output", tmp_path / "other")
    assert result.status == 1 and f"{conflict}:1: labelled none, but {source}:1" in result.err
    assert not (tmp_path / "other").exists()
    assert command("split_data", source, "--output", source).status == 1
