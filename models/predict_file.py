"""Batch inference from file to file, with a flat memory and no record lost."""

import sys
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..data import RecordWriter, Row, read_rows
from ..data.files import check_suffix, count_rows, output_names, to_json
from .inference import Prediction, StanceClassifier


@dataclass(frozen=True)
class Summary:
    """How many records were classified, how many of these without a stance, how many rejected, and where those are."""

    classified: int
    abstained: int
    rejected: int
    rejects: Path | None


def predict_file(
    classifier: StanceClassifier,
    source: str,
    destination: str,
    *,
    abstain_below: float = 0.0,
    overwrite: bool = False,
    quiet: bool = False,
) -> Summary:
    """Classify every record of a file.

    Args:
        classifier: the model.
        source: `.jsonl`, `.csv`, `.parquet`, or `-` for JSONL on standard input.
        destination: likewise. It appears when it is complete, and only if a record could be classified. Records that
            can't be used go to `<destination>.rejects.jsonl` (standard error if the destination is standard output)
            with `line`, `error` and `record`.
        abstain_below: records with a lower confidence are written without a stance (None, an empty cell in CSV), their
            confidence and scores as they are; `StanceClassifier.threshold` says which to choose.
        overwrite: replace files of an earlier call.
        quiet: no progress bar.

    Raises:
        FileExistsError: the destination exists and `overwrite` is not set.
        FileNotFoundError, ValueError: see `actorstance.data.read_rows`.
    """
    check_destination(source, destination, overwrite=overwrite)
    show = not quiet and sys.stderr.isatty()
    classified = abstained = 0
    with (
        _Rejects(destination) as rejects,
        suppress(_NothingUsable),
        RecordWriter(destination, like=source) as writer,
    ):
        for row, prediction in tqdm(
            _classify(classifier, read_rows(source)),
            total=count_rows(source) if show else None,  # reads the whole file
            desc="classifying",
            unit="record",
            disable=not show,
        ):
            if prediction.error:
                rejects.write(row, prediction.error)
            else:
                fields = output_fields(row.fields or {}, prediction)
                if fields["confidence"] < abstain_below:
                    fields["stance"] = None
                    abstained += 1
                writer.write(fields)
                classified += 1
        if not classified:
            raise _NothingUsable
    return Summary(classified, abstained, rejects.count, rejects.path)


def check_destination(source: str, destination: str, *, overwrite: bool) -> None:
    """Check the files' names; see `predict_file` for errors. Cheap, so that it can be done before a model is loaded."""
    check_suffix(source)
    check_suffix(destination)
    if source != "-" and not Path(source).is_file():
        raise FileNotFoundError(f"{source}: no such file")
    if destination == "-":
        return
    for path in (Path(destination), _rejects_path(destination)):
        if path.exists():
            if source != "-" and path.samefile(source):
                raise FileExistsError(f"{path} is the input and would be written to; choose another output")
            if not overwrite:
                raise FileExistsError(f"{path} already exists; choose another output, or --overwrite")


def output_fields(fields: Mapping[str, Any], prediction: Prediction) -> dict[str, Any]:
    """The input record plus the prediction; see `actorstance.data.files.output_names` for fields of the same name."""
    kept = {name: fields[key] for key, name in output_names(fields).items()}
    return kept | {key: prediction[key] for key in ("stance", "confidence", "scores")}


class _NothingUsable(Exception):
    """Leaves the writer without a file."""


def _rejects_path(destination: str) -> Path:
    return Path(f"{destination}.rejects.jsonl")


class _Rejects:
    """The rejects file: made at the first reject, complete when the `with` block ends without an exception."""

    def __init__(self, destination: str) -> None:
        self.path = None if destination == "-" else _rejects_path(destination)
        self.count = 0
        self._file: Any = sys.stderr

    def __enter__(self) -> "_Rejects":
        return self

    def write(self, row: Row, error: str) -> None:
        if self.path and not self.count:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._part = Path(f"{self.path}.part")
            self._file = self._part.open("w", encoding="utf-8", errors="backslashreplace")
        self.count += 1
        reject = {"line": row.line, "error": error, "record": row.original}
        self._file.write(to_json(reject) + "\n")

    def __exit__(self, failure: object, *_: object) -> None:
        if not self.path:
            return
        if self.count:
            self._file.close()
            if failure is None:
                self._part.replace(self.path)
            self._part.unlink(missing_ok=True)
        elif failure is None:
            self.path.unlink(missing_ok=True)  # of an earlier call that this one replaces


def _classify(classifier: StanceClassifier, rows: Iterator[Row]) -> Iterator[tuple[Row, Prediction]]:
    waiting: deque[Row] = deque()

    def records() -> Iterator[Any]:
        for row in rows:
            waiting.append(row)
            yield row.fields

    for prediction in classifier.predict_batch(records()):
        row = waiting.popleft()
        yield row, Prediction(error=row.error) if row.error else prediction
