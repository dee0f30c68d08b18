"""Streams of records in and out of JSONL, CSV and Parquet files.

Memory stays flat: rows are read one by one (Parquet by batches) and written as they come. What is written appears
under its name only when it is complete.
"""

import csv
import json
import math
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from .records import MAX_CHARACTERS, STANCES

SUFFIXES = (".jsonl", ".csv", ".parquet")
REQUIRED = ("text", "actor", "target")
_PARQUET_ROWS = 4096
_SCORE_COLUMNS = [f"score_{stance}" for stance in STANCES]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file: its fields, or the reason why it could not be read.

    `line` counts from 1 as an editor shows it (Parquet: the row's number). `original` is what stood there.
    """

    line: int
    fields: dict[str, Any] | None
    error: str | None = None
    original: Any = None


def check_suffix(path: str | Path) -> str:
    """The file's kind, `.jsonl` for standard input and output (`-`).

    Raises:
        ValueError: another suffix.
    """
    if str(path) == "-":
        return ".jsonl"
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"{path}: expected a file name ending in {', '.join(SUFFIXES)}, or - for JSONL on a pipe")
    return suffix


def read_rows(path: str | Path) -> Iterator[Row]:
    """Yield the rows of a file in order; rows that can't be parsed come with `error` instead of `fields`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: another suffix, or a file that has no rows to speak of (no header, a required column is missing,
            not a Parquet file).
    """
    suffix = check_suffix(path)
    if str(path) == "-":
        yield from _read_jsonl(sys.stdin.buffer)
        return
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    if suffix == ".parquet":
        yield from _read_parquet(path)
    elif suffix == ".csv":
        # Bytes that are no UTF-8 become lone surrogates here; check_record reports them for the row they stand in.
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            yield from _read_csv(path, file)
    else:
        with path.open("rb") as file:
            yield from _read_jsonl(file)


def _read_jsonl(file: IO[bytes]) -> Iterator[Row]:
    for line, read in enumerate(file, start=1):
        raw = read.removeprefix(b"\xef\xbb\xbf") if line == 1 else read
        if not raw.strip():
            continue
        try:
            fields = json.loads(raw.decode("utf-8"))
        except UnicodeDecodeError as error:
            reason = f"invalid UTF-8 at byte {error.start} of the line; save the file as UTF-8"
        except (ValueError, RecursionError) as error:
            reason = f"expected one JSON object a line; {error}"
        else:
            if isinstance(fields, dict):
                yield Row(line, fields, original=fields)
                continue
            reason = f"expected a JSON object, found {type(fields).__name__}"
        yield Row(line, None, reason, raw.decode("utf-8", "backslashreplace").rstrip("\r\n"))


def _read_csv(path: Path, file: IO[str]) -> Iterator[Row]:
    # The default, 128 KB, would stop at the first long text; none would let an unclosed quote swallow the whole file.
    csv.field_size_limit(MAX_CHARACTERS)
    raw: list[str] = []
    reader = csv.reader((raw.append(line) or line for line in file), strict=True)  # type: ignore[func-returns-value]
    header = next(reader, None)
    if header is None:
        raise ValueError(f"{path}: empty file; expected a header line with {', '.join(REQUIRED)}")
    _check_columns(path, header)
    while True:
        start = reader.line_num + 1
        raw.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(start, None, f"not readable as CSV: {error}; is a quote left open?", "".join(raw))
            continue
        if not cells:
            continue
        if len(cells) != len(header):
            yield Row(start, None, f"{len(cells)} columns where the header has {len(header)}", cells)
        else:
            fields = dict(zip(header, cells, strict=True))
            yield Row(start, fields, original=fields)


def _read_parquet(path: Path) -> Iterator[Row]:
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path}: not a Parquet file ({error})") from None
    with file:
        _check_columns(path, file.schema_arrow.names)
        line = 0
        for batch in file.iter_batches(batch_size=_PARQUET_ROWS):
            for index in range(batch.num_rows):
                line += 1
                try:
                    (fields,) = batch.slice(index, 1).to_pylist()
                except UnicodeDecodeError:
                    yield Row(line, None, "invalid UTF-8; write the file with strings in UTF-8")
                else:
                    yield Row(line, fields, original=fields)


def _check_columns(path: Path, names: list[str]) -> None:
    if missing := [key for key in REQUIRED if key not in names]:
        raise ValueError(f"{path}: column {', '.join(missing)} is missing; found {', '.join(names) or 'no columns'}")
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"{path}: column {', '.join(twice)} occurs twice")


class RecordWriter:
    """Writes classified records; a context manager.

    The file appears under its name when the `with` block ends without an exception; until then, and after a failure,
    there is at most `NAME.part`, which is removed. JSONL holds `scores` as an object, CSV and Parquet as one column
    `score_<stance>` each; other nested values become JSON text there.

    Args:
        path: `.jsonl`, `.csv`, `.parquet`, or `-` for JSONL on standard output.
        like: the input file, whose columns CSV and Parquet output starts with.
    """

    def __init__(self, path: str | Path, like: str | Path) -> None:
        self.path = path
        self._suffix = check_suffix(path)
        self._stdout = str(path) == "-"
        self._part = Path(f"{path}.part")
        self._schema = None if self._suffix == ".jsonl" else _output_schema(like)
        self._pending: list[dict[str, Any]] = []

    def __enter__(self) -> "RecordWriter":
        if self._stdout:
            # Reconfigured for the whole process: JSON needs UTF-8 whatever the terminal's locale is.
            sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
            self._file: Any = sys.stdout
            return self
        self._part.parent.mkdir(parents=True, exist_ok=True)
        if self._suffix == ".parquet":
            try:
                self._file = pq.ParquetWriter(self._part, self._schema)
            except pa.ArrowException as error:
                self._part.unlink(missing_ok=True)
                raise ValueError(f"{self.path}: a column can't be written as Parquet ({error})") from None
        else:
            # A lone surrogate from a \ud800 escape in the input is written as that same escape again.
            self._file = self._part.open("w", encoding="utf-8", errors="backslashreplace", newline="")
        if self._suffix == ".csv":
            assert self._schema is not None
            self._csv = csv.DictWriter(self._file, self._schema.names)  # RFC 4180: lines end with CR LF
            self._csv.writeheader()
        return self

    def write(self, fields: Mapping[str, Any]) -> None:
        """Append one record."""
        if self._suffix == ".jsonl":
            self._file.write(to_json(fields) + "\n")
        elif self._suffix == ".csv":
            self._csv.writerow({key: _cell(value) for key, value in _flatten(fields).items()})
        else:
            self._pending.append(_flatten(fields))
            if len(self._pending) >= _PARQUET_ROWS:
                self._flush_parquet()

    def _flush_parquet(self) -> None:
        assert self._schema is not None
        columns = []
        for column in self._schema:
            values = [row.get(column.name) for row in self._pending]
            if pa.types.is_string(column.type):
                values = [None if value is None else _cell(value) for value in values]
            columns.append(pa.array(values, column.type))
        self._file.write_table(pa.Table.from_arrays(columns, schema=self._schema))
        self._pending.clear()

    def __exit__(self, failure: object, *_: object) -> None:
        if self._stdout:
            sys.stdout.flush()
            return
        try:
            if self._pending and failure is None:
                self._flush_parquet()
            self._file.close()
            if failure is None:
                os.replace(self._part, self.path)
        finally:
            self._part.unlink(missing_ok=True)


def _flatten(fields: Mapping[str, Any]) -> dict[str, Any]:
    flat = {key: value for key, value in fields.items() if key != "scores"}
    flat |= {f"score_{stance}": score for stance, score in (fields.get("scores") or {}).items()}
    return flat


def _cell(value: Any) -> Any:
    """A CSV cell: text as it is, nested values as JSON."""
    if isinstance(value, str):
        # Lone surrogates can't be stored as UTF-8; rejected records never get here, passed-through fields may.
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict | list | bool):
        return to_json(value)
    return value if value is None else str(value)


def to_json(value: Any) -> str:
    """One line of JSON; what JSON has no form for, such as a date, as text."""
    if isinstance(value, Mapping):  # NaN, as Parquet and pandas have it, is no JSON
        value = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in value.items()}
    return json.dumps(value, ensure_ascii=False, default=str)


def output_names(names: Iterable[str]) -> dict[str, str]:
    """What an input's columns are called in the output, which has its own stance and confidence.

    A label becomes `gold_stance`. Where the input is an earlier output (it has scores), the columns of the earlier
    prediction are missing here: the new one takes their place.
    """
    names = list(names)
    if "scores" in names or _SCORE_COLUMNS[0] in names:
        return {name: name for name in names if name not in {"stance", "confidence", "scores", *_SCORE_COLUMNS}}
    label = "input_stance" if "gold_stance" in names else "gold_stance"
    renamed = {"stance": label, "confidence": "input_confidence"}
    return {name: renamed.get(name, name) for name in names}


def write_atomically(path: Path, text: str) -> None:
    """Write a text file, and its folder if need be; it appears under its name only when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text, encoding="utf-8", errors="backslashreplace")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def count_rows(path: str | Path) -> int | None:
    """About how many rows a file has, for a progress bar; None for standard input."""
    if str(path) == "-":
        return None
    if check_suffix(path) == ".parquet":
        return int(pq.read_metadata(path).num_rows)
    with Path(path).open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def _output_schema(like: str | Path) -> pa.Schema:
    """The input's columns and the prediction's, found by one extra pass over a JSONL input."""
    suffix = check_suffix(like)
    if str(like) == "-":
        raise ValueError("standard input can be read only once: write JSONL, or save the input to a file first")
    if suffix == ".parquet":
        given = {column.name: column.type for column in pq.read_schema(like)}
    elif suffix == ".csv":
        with Path(like).open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            given = dict.fromkeys(next(csv.reader(file), []), pa.string())
    else:
        given = {}
        for row in read_rows(like):
            for key in row.fields or {}:
                given.setdefault(key, pa.string())
    given = {name: given[key] for key, name in output_names(given).items()}
    added = {"stance": pa.string(), "confidence": pa.float64()} | dict.fromkeys(_SCORE_COLUMNS, pa.float64())
    return pa.schema(list((given | added).items()))
