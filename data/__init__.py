"""Labelled data: reading, checking, splitting and writing records."""

from .files import RecordWriter, Row, read_rows
from .records import STANCES, Record, RecordError, check_record
from .splits import CorpusError, find_leaks, load_split

__all__ = [
    "STANCES",
    "CorpusError",
    "Record",
    "RecordError",
    "RecordWriter",
    "Row",
    "check_record",
    "find_leaks",
    "load_split",
    "read_rows",
]
