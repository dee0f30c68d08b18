"""predict.py: from file to file, no record lost."""

import csv
import json
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import ROOT, make_records, read_jsonl, write_jsonl


@pytest.fixture(scope="module")
def records():
    return [{**record, "id": f"r{index}", "page": index} for index, record in enumerate(make_records()[::9])]


def test_jsonl(command, trained, classifier, records, tmp_path):
    source = write_jsonl(tmp_path / "in.jsonl", records)
    result = command("predict", trained, source, tmp_path / "out.jsonl")
    assert result.status == 0 and f"{len(records)} records classified, 0 rejected" in result.err
    rows = read_jsonl(tmp_path / "out.jsonl")
    for given, row, prediction in zip(records, rows, classifier.predict_batch(records), strict=True):
        assert row["id"] == given["id"] and row["page"] == given["page"]
        assert row["stance"] == prediction.stance and row["gold_stance"] == given["stance"]
        assert row["scores"] == pytest.approx(prediction.scores, abs=1e-5)
        assert row["confidence"] == row["scores"][row["stance"]]
    assert not (tmp_path / "out.jsonl.rejects.jsonl").exists()


def _write_table(path, rows):
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
        return
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.parametrize("source_suffix", [".jsonl", ".csv", ".parquet"])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_tables(command, trained, records, tmp_path, source_suffix, suffix):
    source = tmp_path / f"in{source_suffix}"
    if source_suffix == ".jsonl":
        write_jsonl(source, records)
    else:
        _write_table(source, records)
    path = tmp_path / f"out{suffix}"
    assert command("predict", trained, source, path, "--quiet").status == 0
    rows = list(csv.DictReader(path.open())) if suffix == ".csv" else pq.read_table(path).to_pylist()
    assert [row["id"] for row in rows] == [record["id"] for record in records]
    assert all(float(row[f"score_{row['stance']}"]) == float(row["confidence"]) for row in rows)
    assert [row["gold_stance"] for row in rows] == [record["stance"] for record in records]


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_doubtful_records_get_no_stance(command, trained, records, tmp_path, suffix):
    source, path = write_jsonl(tmp_path / "in.jsonl", records), tmp_path / f"out{suffix}"
    certain = tmp_path / "all.jsonl"
    assert command("predict", trained, source, certain).status == 0
    confidences = [row["confidence"] for row in read_jsonl(certain)]
    threshold = sorted(confidences)[len(confidences) // 2]
    result = command("predict", trained, source, path, "--abstain-below", threshold)
    below = sum(confidence < threshold for confidence in confidences)
    assert result.status == 0 and f"{len(records)} records classified ({below} without a stance)" in result.err
    readers = {".jsonl": read_jsonl, ".csv": lambda path: list(csv.DictReader(path.open()))}
    rows = readers.get(suffix, lambda path: pq.read_table(path).to_pylist())(path)
    for row, before in zip(rows, read_jsonl(certain), strict=True):
        assert float(row["confidence"]) == before["confidence"]
        assert (row["stance"] or None) == (before["stance"] if before["confidence"] >= threshold else None)
    refused = command("predict", trained, source, path, "--overwrite", "--abstain-below", "90")
    assert refused.status == 2 and "expected a confidence from 0 to 1, found 90" in refused.err


def test_doubt_can_be_said_by_the_precision_of_what_is_left(command, trained, records, tmp_path):
    source, path = write_jsonl(tmp_path / "in.jsonl", records), tmp_path / "out.jsonl"
    config = json.loads((trained / "config.json").read_text())
    chosen = {wanted: limit for wanted, limit in config["abstain_below"].items() if limit is not None}
    result = command("predict", trained, source, path, "--precision", "0.8")
    if "0.8" in chosen:
        assert result.status == 0
        assert all((row["stance"] is None) == (row["confidence"] < chosen["0.8"]) for row in read_jsonl(path))
    result = command("predict", trained, source, path, "--overwrite", "--precision", "0.87")
    assert (
        result.status == 1 and "no threshold for labels that are right 0.87 of the time; this model has" in result.err
    )


def test_what_cant_be_used_goes_to_the_rejects_file(command, trained, records, tmp_path):
    lines = [json.dumps(record).encode() for record in records[:4]]
    lines[1:1] = [b'{"text": "x", "target": "y"}', b"\xff\xfe", b"{broken"]
    (tmp_path / "in.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    result = command("predict", trained, tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    assert result.status == 0 and "4 records classified, 3 rejected" in result.err
    assert [row["id"] for row in read_jsonl(tmp_path / "out.jsonl")] == ["r0", "r1", "r2", "r3"]
    rejects = read_jsonl(tmp_path / "out.jsonl.rejects.jsonl")
    assert [reject["line"] for reject in rejects] == [2, 3, 4]
    assert rejects[0]["error"].startswith("actor is missing") and rejects[0]["record"] == {"text": "x", "target": "y"}
    assert "invalid UTF-8" in rejects[1]["error"] and rejects[2]["record"] == "{broken"


def test_a_rejects_file_is_kept_unless_told_otherwise_and_may_not_be_the_input(command, trained, records, tmp_path):
    out, rejects = tmp_path / "out.jsonl", tmp_path / "out.jsonl.rejects.jsonl"
    source = write_jsonl(tmp_path / "in.jsonl", [records[0], {"text": "x"}])
    assert command("predict", trained, source, out).status == 0
    out.unlink()
    result = command("predict", trained, source, out)
    assert result.status == 1 and f"{rejects} already exists" in result.err
    write_jsonl(rejects, records[1:3])
    result = command("predict", trained, rejects, out, "--overwrite")
    assert result.status == 1 and "is the input" in result.err and len(read_jsonl(rejects)) == 2
    write_jsonl(source, records[:2])
    assert command("predict", trained, source, out, "--overwrite").status == 0
    assert not rejects.exists(), "it belonged to the output that was replaced"


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_rejects_of_tables(command, trained, records, tmp_path, suffix):
    source = tmp_path / f"in{suffix}"
    rows = [{key: record[key] for key in ("text", "actor", "target")} for record in records[:3]]
    rows[1]["actor"] = ""
    _write_table(source, rows)
    assert command("predict", trained, source, tmp_path / "out.jsonl").status == 0
    (reject,) = read_jsonl(tmp_path / "out.jsonl.rejects.jsonl")
    assert reject["line"] == (3 if suffix == ".csv" else 2) and reject["record"] == rows[1]


def test_an_earlier_output_can_be_classified_again(command, trained, records, tmp_path):
    source = write_jsonl(tmp_path / "in.jsonl", records[:3])
    assert command("predict", trained, source, tmp_path / "one.csv").status == 0
    assert command("predict", trained, tmp_path / "one.csv", tmp_path / "two.csv").status == 0
    assert (tmp_path / "one.csv").read_text() == (tmp_path / "two.csv").read_text()


def test_a_text_of_100_kilobytes_and_an_empty_one(command, trained, records, tmp_path):
    rows = [{**records[0], "text": "Drennia rejects it. " * 5000}, {**records[0], "text": ""}]
    source = write_jsonl(tmp_path / "in.jsonl", rows)
    result = command("predict", trained, source, tmp_path / "out.jsonl")
    assert result.status == 0 and "1 records classified, 1 rejected" in result.err


def test_a_model_that_cant_be_loaded_leaves_nothing(command, records, tmp_path):
    source = write_jsonl(tmp_path / "in.jsonl", records[:2])
    (tmp_path / "model").mkdir()
    result = command("predict", tmp_path / "model", source, tmp_path / "out.jsonl")
    assert result.status == 1 and "no config.json in it" in result.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "model"]


def test_nothing_usable_is_status_2_and_no_output(command, trained, tmp_path):
    source = write_jsonl(tmp_path / "in.jsonl", [{"text": "x"}])
    result = command("predict", trained, source, tmp_path / "out.jsonl")
    assert result.status == 2 and "0 records classified, 1 rejected" in result.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl.rejects.jsonl"]


def test_an_existing_output_is_kept_unless_told_otherwise(command, trained, records, tmp_path):
    source = write_jsonl(tmp_path / "in.jsonl", records[:2])
    (tmp_path / "out.jsonl").write_text("precious")
    result = command("predict", trained, source, tmp_path / "out.jsonl")
    assert result.status == 1 and "already exists" in result.err
    assert (tmp_path / "out.jsonl").read_text() == "precious"
    assert command("predict", trained, source, tmp_path / "out.jsonl", "--overwrite").status == 0
    assert len(read_jsonl(tmp_path / "out.jsonl")) == 2
    result = command("predict", trained, source, source, "--overwrite")
    assert result.status == 1 and "is the input" in result.err


@pytest.mark.parametrize(
    ("source", "message"),
    [("missing.jsonl", "no such file"), ("a.xlsx", "expected a file name ending in"), ("a.csv", "column actor")],
)
def test_unusable_files_say_why_and_leave_nothing(command, trained, tmp_path, source, message):
    (tmp_path / "a.csv").write_text("text\nx\n")
    result = command("predict", trained, tmp_path / source, tmp_path / "out.jsonl")
    assert result.status == 1 and message in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_pipe(trained, records):
    """Through a real process: standard output must hold nothing but records."""
    lines = "".join(json.dumps(record) + "\n" for record in [*records[:3], {"text": "no actor"}])
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "predict.py", trained, "-", "-"],
        input=lines.encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["r0", "r1", "r2"]
    assert b"actor is missing" in done.stderr and b"3 records classified, 1 rejected" in done.stderr
