"""Reading and writing records: every format, every kind of damage."""

import json
import struct

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from actorstance.data import RecordError, RecordWriter, check_record, read_rows
from actorstance.data.files import output_names

GOOD = {"text": "Kyiv wants it.", "actor": "Kyiv", "target": "a treaty"}
PREDICTION = {
    "stance": "favor",
    "confidence": 0.9,
    "scores": {"favor": 0.9, "against": 0.05, "conditional": 0.03, "none": 0.02},
}


def test_jsonl_reports_each_bad_line_and_goes_on(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        b"\xef\xbb\xbf" + json.dumps(GOOD).encode() + b"\n\n{not json}\n[1]\n\xff\xfe\n" + json.dumps(GOOD).encode()
    )
    rows = list(read_rows(path))
    assert [row.line for row in rows] == [1, 3, 4, 5, 6]
    assert rows[0].fields == rows[4].fields == GOOD
    assert "JSON" in rows[1].error and "found list" in rows[2].error and "invalid UTF-8" in rows[3].error
    assert rows[1].original == "{not json}"


def test_csv_reports_bad_lines_by_the_line_they_start_on(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'text,actor,target\n"two\nlines",A,T\nshort,A\nplain,A,T\nbad \xff bytes,A,T\n')
    rows = list(read_rows(path))
    assert [row.line for row in rows] == [2, 4, 5, 6]
    assert rows[0].fields["text"] == "two\nlines"
    assert "2 columns where the header has 3" in rows[1].error
    with pytest.raises(RecordError, match="invalid UTF-8"):
        check_record(rows[3].fields)


def test_an_unclosed_quote_is_reported_and_hides_no_more_than_it_must(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('text,actor,target\ngood,A,T\nx,A,"T\nswallowed,A,T\n')
    rows = list(read_rows(path))
    assert rows[0].fields["text"] == "good" and len(rows) == 2
    assert rows[1].line == 3 and "quote left open" in rows[1].error and "swallowed" in rows[1].original
    path.write_text('text,actor,target\nx,A,"T\n' + "later,A,T\n" * 200_000)
    rows = list(read_rows(path))
    assert rows[0].error and rows[-1].fields["text"] == "later", "the reader finds its way back"


def test_one_broken_string_in_parquet_costs_one_row(tmp_path):
    texts = pa.StringArray.from_buffers(3, pa.py_buffer(struct.pack("<4i", 0, 1, 2, 3)), pa.py_buffer(b"a\xffc"))
    others = pa.array(["x"] * 3)
    pq.write_table(pa.table({"text": texts, "actor": others, "target": others}), tmp_path / "a.parquet")
    rows = list(read_rows(tmp_path / "a.parquet"))
    assert [row.line for row in rows] == [1, 2, 3]
    assert rows[0].fields["text"] == "a" and "invalid UTF-8" in rows[1].error and rows[2].fields["text"] == "c"


def test_csv_reads_long_fields_and_the_word_none(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,actor,target,stance\n" + "x" * 200_000 + ",A,T,none\n")
    (row,) = read_rows(path)
    assert len(row.fields["text"]) == 200_000
    assert check_record(row.fields, labelled=True).stance == "none"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "text,actor\nx,y\n", "column target is missing"),
        ("a.csv", "", "empty file"),
        ("a.csv", "text,actor,target,text\n", "text occurs twice"),
        ("a.parquet", "no parquet", "not a Parquet file"),
        ("a.xlsx", "", "expected a file name ending in .jsonl, .csv, .parquet"),
    ],
)
def test_files_that_hold_no_records_say_why(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        list(read_rows(path))


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        list(read_rows(tmp_path / "a.jsonl"))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({**GOOD, "actor": ""}, "actor is empty"),
        ({"text": "x", "target": "y"}, "actor is missing"),
        ({**GOOD, "text": 7}, r"text: expected a string, found 7 \(int\)"),
        ({**GOOD, "text": float("nan")}, "text is missing"),
        ({**GOOD, "text": "\ud800"}, "invalid UTF-8"),
        ({**GOOD, "text": "x" * 1_000_001}, "1,000,001 characters long"),
        ({**GOOD, "context": ["a"]}, "context: expected a string"),
        (["text"], "expected an object"),
    ],
)
def test_unusable_records_say_why(fields, message):
    with pytest.raises(RecordError, match=message):
        check_record(fields)


@pytest.mark.parametrize("stance", [1, "FAVOR", "pro", True, None])
def test_only_the_four_stances_are_labels(stance):
    with pytest.raises(RecordError, match="expected one of favor, against, conditional, none"):
        check_record({**GOOD, "stance": stance}, labelled=True)


def test_the_same_records_come_back_from_every_format(tmp_path):
    source = tmp_path / "in.jsonl"
    given = [{**GOOD, "id": "ä1", "tags": ["a", "b"]}, {**GOOD, "id": "2", "page": 7}]
    source.write_text("".join(json.dumps(record) + "\n" for record in given))
    for suffix in (".jsonl", ".csv", ".parquet"):
        path = tmp_path / f"out{suffix}"
        with RecordWriter(path, like=source) as writer:
            for record in given:
                writer.write({**record, **PREDICTION})
        rows = [row.fields for row in read_rows(path)]
        assert [row["id"] for row in rows] == ["ä1", "2"]
        assert all(row["stance"] == "favor" for row in rows)
        if suffix == ".jsonl":
            assert rows[0] == {**given[0], **PREDICTION}
        else:
            assert [float(row["score_against"]) for row in rows] == [0.05, 0.05]
            assert json.loads(rows[0]["tags"]) == ["a", "b"] and rows[1]["page"] == "7"


def test_line_breaks_of_all_kinds_survive_csv(tmp_path):
    source = tmp_path / "in.jsonl"
    texts = ["a\rb", "a\nb", "a\r\nb", 'say "a", b']
    source.write_text("".join(json.dumps({**GOOD, "text": text}) + "\n" for text in texts))
    with RecordWriter(tmp_path / "out.csv", like=source) as writer:
        for row in read_rows(source):
            writer.write({**row.fields, **PREDICTION})
    assert [row.fields["text"] for row in read_rows(tmp_path / "out.csv")] == texts


def test_fields_named_like_the_predictions_are_kept():
    assert output_names(["text", "stance", "confidence"]) == {
        "text": "text",
        "stance": "gold_stance",
        "confidence": "input_confidence",
    }
    assert output_names(["stance", "gold_stance"])["stance"] == "input_stance"
    earlier_output = ["text", "gold_stance", "stance", "confidence", "scores"]
    assert output_names(earlier_output) == {"text": "text", "gold_stance": "gold_stance"}


def test_parquet_columns_keep_their_types(tmp_path):
    source = tmp_path / "in.parquet"
    pq.write_table(pa.table({**{key: [value] for key, value in GOOD.items()}, "page": [7], "tags": [["a"]]}), source)
    with RecordWriter(tmp_path / "out.parquet", like=source) as writer:
        for row in read_rows(source):
            writer.write({**row.fields, **PREDICTION})
    (row,) = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert row["page"] == 7 and row["tags"] == ["a"] and row["score_favor"] == 0.9


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_a_failure_leaves_no_file(tmp_path, suffix):
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps(GOOD) + "\n")

    def write_and_fail():
        with RecordWriter(tmp_path / f"out{suffix}", like=source) as writer:
            writer.write({**GOOD, **PREDICTION})
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        write_and_fail()
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_lone_surrogates_in_other_fields_survive(tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps({**GOOD, "note": "\ud800"}) + "\n")
    with RecordWriter(tmp_path / "out.jsonl", like=source) as writer:
        for row in read_rows(source):
            writer.write({**row.fields, **PREDICTION})
    (row,) = read_rows(tmp_path / "out.jsonl")
    assert row.fields["note"] == "\ud800"
