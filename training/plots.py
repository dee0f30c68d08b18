"""A run's figures. No pyplot: it would look for a screen."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from ..data import STANCES


def learning_curve(log: Sequence[Mapping[str, float]]) -> Figure:
    """Losses and validation macro-F1 by epoch, from the Trainer's log lines."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for key, label in [("loss", "training loss"), ("eval_loss", "validation loss")]:
        points = [(line["epoch"], line[key]) for line in log if key in line]
        axes.plot(*zip(*points, strict=True), label=label)
    f1_axes = axes.twinx()
    points = [(line["epoch"], line["eval_macro_f1"]) for line in log if "eval_macro_f1" in line]
    f1_axes.plot(*zip(*points, strict=True), color="tab:green", marker="o", label="validation macro-F1")
    axes.set(xlabel="epoch", ylabel="cross-entropy", title="Learning curve")
    f1_axes.set(ylabel="macro-F1", ylim=(0, 1))
    figure.legend(loc="outside lower center", ncols=3, fontsize=8)
    return figure


def confusion(counts: Sequence[Sequence[int]]) -> Figure:
    """Gold stances (rows) by predicted ones; the shade is the share of the gold stance."""
    figure = Figure(figsize=(5, 4.4), layout="constrained")
    axes = figure.subplots()
    shares = [[count / max(1, sum(row)) for count in row] for row in counts]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for i, row in enumerate(counts):
        for j, count in enumerate(row):
            color = "white" if shares[i][j] > 0.5 else "black"
            axes.text(j, i, f"{count}\n{shares[i][j]:.0%}", ha="center", va="center", color=color)
    axes.set_xticks(range(len(STANCES)), STANCES)
    axes.set_yticks(range(len(STANCES)), STANCES)
    axes.set(xlabel="predicted", ylabel="gold", title="Confusion (% of the gold stance)")
    return figure


def reliability(confidence: Mapping[str, Any]) -> Figure:
    """How often answers are right by how confident they are, from `describe_confidence`; on the line, they mean it."""
    figure = Figure(figsize=(5, 4.4), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="gray", linestyle="--", linewidth=1)
    for part in confidence["reliability"]:
        x, y = part["confidence"], part["accuracy"]
        axes.plot([x, x], [part["low"], part["high"]], color="tab:blue", linewidth=1.5)
        axes.plot(x, y, "o", color="tab:blue")
        axes.annotate(f"{part['rows']}", (x, y), xytext=(6, -4), textcoords="offset points", fontsize=8)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="mean confidence", ylabel="share right", title="Reliability (rows, 95%)")
    return figure


def risk_coverage(confidence: Mapping[str, Any]) -> Figure:
    """Errors among the most confident answers, by how many are kept; from `describe_confidence`."""
    figure = Figure(figsize=(5, 4.4), layout="constrained")
    axes = figure.subplots()
    points = confidence["coverage"]
    axes.plot([point["coverage"] for point in points], [1 - point["precision"] for point in points], marker=".")
    for wanted, found in confidence["abstain_below"].items():
        if found["precision"] is not None:
            place = (found["coverage"], 1 - found["precision"])
            axes.plot(*place, "o", color="tab:orange")
            axes.annotate(
                f"{float(wanted):.0%}", place, xytext=(-6, 6), textcoords="offset points", ha="right", fontsize=8
            )
    axes.set(xlim=(0, 1), ylim=(0, None), xlabel="share of the rows labelled", ylabel="share of those wrong")
    axes.set_title("Risk by coverage (dots: labels to be right so often)")
    return figure
