"""A run's report: one page to look at, its figures as PNG, its scores as Markdown."""

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape

from ..data import STANCES
from ..data.files import write_atomically
from . import plots
from .config import RunConfig
from .evaluate import Evaluation
from .formats import METRIC_NAMES, scores_as_markdown

# The most confident mistakes are where labels, or readers, are wrong.
MISTAKES = 30
# Rarer targets and actors stand in metrics.json only.
SHOWN_GROUPS = 20


def write_report(
    folder: Path, config: RunConfig, metrics: Mapping[str, Any], test: Evaluation, log: Sequence[Mapping[str, float]]
) -> None:
    """Write `index.html`, which needs no other file, the figures as PNG, and `scores.md`.

    Args:
        folder: made if it does not exist.
        config: of the run.
        metrics: what `metrics.json` holds.
        test: the test rows and the answers.
        log: the Trainer's log lines.
    """
    folder.mkdir(exist_ok=True)
    scores = metrics["test"]
    figures = {
        "learning-curve": plots.learning_curve(log),
        "confusion": plots.confusion(scores["confusion"]),
        "reliability": plots.reliability(scores["confidence"]),
        "risk-coverage": plots.risk_coverage(scores["confidence"]),
    }
    images = {}
    for name, figure in figures.items():
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=150)
        (folder / f"{name}.png").write_bytes(buffer.getvalue())
        images[figure.axes[0].get_title()] = base64.b64encode(buffer.getvalue()).decode()
    environment = Environment(
        loader=PackageLoader("actorstance.training", "."), autoescape=select_autoescape(), trim_blocks=True
    )
    page = environment.get_template("report.html").render(
        config=config,
        metrics=metrics,
        names=METRIC_NAMES,
        images=images,
        groups=_groups(scores),
        mistakes=_mistakes(test),
    )
    write_atomically(folder / "index.html", page)
    write_atomically(folder / "scores.md", scores_as_markdown(scores))


def _groups(scores: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """What has a line with an interval in the page: stances by F1, the others by macro-F1, the largest first."""
    groups = {
        "stance": [
            {"name": stance, "rows": sum(counts)} | scores["scores"][f"f1_{stance}"]
            for stance, counts in zip(STANCES, scores["confusion"], strict=True)
        ]
    }
    for kind, parts in scores["by"].items():
        largest = sorted(parts.items(), key=lambda part: -part[1]["rows"])[:SHOWN_GROUPS]
        groups[kind] = [{"name": name, "rows": part["rows"]} | part["scores"]["macro_f1"] for name, part in largest]
    return groups


def _mistakes(test: Evaluation) -> list[dict[str, Any]]:
    columns, _ = test.table()
    wrong = [dict(zip(columns, row, strict=True)) for row in test.errors()]
    return sorted(wrong, key=lambda answer: -answer["confidence"])[:MISTAKES]
