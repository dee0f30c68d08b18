"""A document's positions as a table: on the screen, as JSON, CSV or HTML."""

import csv
import html
import io
import json
import textwrap
from collections.abc import Sequence
from dataclasses import asdict

from ..data import STANCES
from .analysis import Position

SUFFIXES = (".json", ".csv", ".html")

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 16px/1.45 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; vertical-align: top; padding: .4rem .7rem; border-bottom: 1px solid #ccc }}
.favor {{ background: #cfe3f5 }} .against {{ background: #f9d3b4 }} .conditional {{ background: #efe3f3 }}
</style></head><body><h1>{title}</h1>
<table><thead><tr><th>Actor</th><th>Target</th><th>Stance</th><th>Confidence</th><th>Evidence</th></tr></thead><tbody>
{rows}
</tbody></table></body></html>
"""


def as_text(positions: Sequence[Position], width: int = 140) -> str:
    """The positions that somebody takes, one row each; those without a position are counted at the end."""
    taken = [position for position in positions if position.stance != "none"]
    actor_width = max([len(p.actor) for p in taken] + [5])
    target_width = max([len(p.target) for p in taken] + [6])
    indent = actor_width + target_width + 26
    lines = [f"{'actor':<{actor_width}}  {'target':<{target_width}}  {'stance':<11}  conf  evidence"]
    for p in taken:
        shown = textwrap.wrap(_evidence(p), max(30, width - indent))
        row = f"{p.actor:<{actor_width}}  {p.target:<{target_width}}  {p.stance:<11}  {p.confidence:.2f}  {shown[0]}"
        lines += [row, *(" " * (indent - 3) + line for line in shown[1:])]
    lines.append(f"{len(taken)} positions; {len(positions) - len(taken)} pairs of actor and target without one")
    return "\n".join(lines)


def as_file(positions: Sequence[Position], suffix: str, title: str) -> str:
    """All rows, also those without a position, as the content of a `.json`, `.csv` or `.html` file."""
    if suffix == ".json":
        return json.dumps([asdict(position) for position in positions], ensure_ascii=False, indent=2) + "\n"
    if suffix == ".csv":
        return _as_csv(positions)
    rows = "\n".join(
        f'<tr class="{p.stance}"><td>{html.escape(p.actor)}</td><td>{html.escape(p.target)}</td><td>{p.stance}</td>'
        f"<td>{p.confidence:.2f}</td><td>{html.escape(_evidence(p))}</td></tr>"
        for p in positions
    )
    return _PAGE.format(title=html.escape(title), rows=rows)


def _as_csv(positions: Sequence[Position]) -> str:
    buffer = io.StringIO()
    counts = [f"sentences_{stance}" for stance in STANCES]
    columns = ["actor", "target", "stance", "confidence", "evidence", "context", *counts]
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    for position in positions:
        row = asdict(position)
        given = row.pop("counts")
        writer.writerow(row | {f"sentences_{stance}": given.get(stance, 0) for stance in STANCES})
    return buffer.getvalue()


def _evidence(position: Position) -> str:
    return f"({position.context}) {position.evidence}" if position.context else position.evidence
