"""Scores as text tables and Markdown."""

from collections.abc import Mapping
from typing import Any

from ..data import STANCES

METRIC_NAMES = {
    "macro_f1": "macro-F1 (4 stances)",
    "macro_f1_3way": "macro-F1 (3: conditional as none)",
    "accuracy": "accuracy",
    "f_avg": "F_avg (favor, against)",
    "calibration_error": "calibration error",
    "brier": "Brier score",
    **{f"f1_{stance}": f"F1 {stance}" for stance in STANCES},
}


def format_scores(metrics: Mapping[str, Any]) -> str:
    """The scores with their 95% intervals and the confusion matrix, as a plain-text table."""
    lines = [f"{metrics['rows']:,} rows{'':29}95% interval"]
    for metric, score in metrics["scores"].items():
        lines.append(f"{METRIC_NAMES[metric]:<34}{score['value']:>6.3f}   {score['low']:.3f} - {score['high']:.3f}")
    if groups := metrics.get("groups"):
        lines.append(f"{'groups with all rows right':<34}{groups['all_right']:>6.3f}   of {groups['number']:,}")
    lines += _format_abstention(metrics["confidence"])
    lines += ["", "gold \\ predicted  " + "".join(f"{stance:>13}" for stance in STANCES)]
    for stance, counts in zip(STANCES, metrics["confusion"], strict=True):
        lines.append(f"{stance:<18}" + "".join(f"{count:>13,}" for count in counts))
    return "\n".join(lines)


def _format_abstention(confidence: Mapping[str, Any]) -> list[str]:
    """What the model's thresholds, chosen on its validation split, do on these rows."""
    if not confidence["abstain_below"]:
        return []
    lines = ["", f"{'to be right':<14}{'abstain below':>14}{'labelled':>12}{'right here':>12}"]
    for wanted, found in confidence["abstain_below"].items():
        right = "–" if found["precision"] is None else f"{found['precision']:.1%}"
        lines.append(f"{float(wanted):<14.0%}{found['threshold']:>14.4f}{found['coverage']:>12.1%}{right:>12}")
    return lines


def format_baselines(results: Mapping[str, Mapping[str, Any]]) -> str:
    """One line per baseline, from `evaluate_predictions`, with the 95% interval of the headline score."""
    columns = ["accuracy", "macro_f1_3way", "calibration_error"]
    rows = next(iter(results.values()))["rows"]
    header = f"{f'{rows:,} rows':<22}{'macro-F1':>10}{'95% interval':>18}{'accuracy':>12}{'3 stances':>12}{'ECE':>8}"
    lines = [header]
    for name, metrics in results.items():
        scores = metrics["scores"]
        accuracy, three_way, error = (scores[column]["value"] for column in columns)
        headline = scores["macro_f1"]
        interval = f"{headline['low']:.3f} - {headline['high']:.3f}"
        lines.append(
            f"{name:<22}{headline['value']:>10.3f}{interval:>18}{accuracy:>12.3f}{three_way:>12.3f}{error:>8.3f}"
        )
    return "\n".join(lines)


def format_seeds(summary: Mapping[str, Any]) -> str:
    """Mean ± standard deviation over seeds, as a plain-text table; see `train_seeds`."""
    seeds = ", ".join(map(str, summary["seeds"]))
    lines = [f"{f'seeds {seeds}':<34}{'test':>16}{'validation':>16}"]
    for metric in summary["test"]:
        cells = [f"{mean_and_deviation(summary[split][metric]):>16}" for split in ("test", "validation")]
        lines.append(f"{METRIC_NAMES[metric]:<34}{''.join(cells)}")
    minutes = summary["training_minutes"]
    return "\n".join(
        [*lines, "", f"best on validation: {summary['best']}; {minutes['mean']:.1f} minutes of training each"]
    )


def mean_and_deviation(spread: Mapping[str, Any]) -> str:
    """Such as "0.702 ± 0.010"; the mean alone where there is one value."""
    return f"{spread['mean']:.3f}" + ("" if spread["sd"] is None else f" ± {spread['sd']:.3f}")


def format_comparison(report: Mapping[str, Any]) -> str:
    """What `compare` found, as Markdown."""
    names = list(report["systems"])
    seeds = ", ".join(f"{name} {system['seeds']}" for name, system in report["systems"].items())
    lines = [f"{report['rows']:,} rows; seeds: {seeds}; mean ± standard deviation over seeds", ""]
    if single := [name for name, system in report["systems"].items() if system["seeds"] == 1]:
        lines += [
            f"One seed says little about a configuration: what another would give of {', '.join(single)} is not in",
            "the intervals and p-values.",
            "",
        ]
    lines += _header("", *names)
    for metric, label in METRIC_NAMES.items():
        cells = [mean_and_deviation(report["systems"][name]["scores"][metric]) for name in names]
        lines.append(_row(label, *cells))
    columns = ["difference", "95% interval", "p", "p (Holm)"]
    for metric in ("macro_f1", "macro_f1_3way", *(f"f1_{stance}" for stance in STANCES)):
        lines += ["", *_header(METRIC_NAMES[metric], *columns)]
        for found in report["differences"][metric]:
            lines.append(_row(f"{found['of']} over {found['over']}", *_difference(found)))
    for kind, parts in report["by"].items():
        lines += ["", f"By {kind}, macro-F1:", "", *_header(kind, "rows", *names, "", *columns)]
        for value, part in parts.items():
            means = [f"{part['systems'][name]['mean']:.3f}" for name in names]
            for number, found in enumerate(part["differences"]):
                start = [value, str(part["rows"]), *means] if number == 0 else ["", "", *[""] * len(names)]
                lines.append(_row(*start, f"{found['of']} over {found['over']}", *_difference(found)))
    return "\n".join(lines)


def _difference(found: Mapping[str, Any]) -> list[str]:
    interval = f"{found['low']:+.3f} to {found['high']:+.3f}"
    return [f"{found['difference']:+.3f}", interval, f"{found['p']:.3f}", f"{found['p_holm']:.3f}"]


def _header(*cells: str) -> list[str]:
    return [_row(*cells), "|---" * len(cells) + "|"]


def _row(*cells: str) -> str:
    escaped = [cell.replace("|", "\\|") for cell in cells]
    return f"| {' | '.join(escaped)} |"


def scores_as_markdown(metrics: Mapping[str, Any]) -> str:
    """The scores and those by target, actor and phenomenon, as Markdown."""
    lines = ["# Test scores", "", "```text", format_scores(metrics), "```", ""]
    for name, groups in metrics["by"].items():
        lines += [f"## By {name}", "", _row(name, "rows", "macro-F1", "95% interval"), "|---|---:|---:|---|"]
        for value, group in groups.items():
            score = group["scores"]["macro_f1"]
            interval = f"{score['low']:.3f} – {score['high']:.3f}"
            lines.append(_row(value, str(group["rows"]), f"{score['value']:.3f}", interval))
        lines.append("")
    return "\n".join(lines)


def format_phenomena(metrics: Mapping[str, Any]) -> str:
    """Scores by phenomenon, with the share of groups (minimal pairs) that are all right; empty where none is named."""
    lines = []
    for value, part in metrics["by"].get("phenomenon", {}).items():
        groups = part.get("groups")
        score = part["scores"]["macro_f1"]["value"]
        accuracy = part["scores"]["accuracy"]["value"]
        pairs = f"{groups['all_right']:>16.3f}" if groups else f"{'–':>16}"
        lines.append(f"{value:<24}{part['rows']:>6,}{score:>12.3f}{accuracy:>12.3f}{pairs}")
    header = f"{'phenomenon':<24}{'rows':>6}{'macro-F1':>12}{'accuracy':>12}{'groups right':>16}"
    return "\n".join([header, *lines]) if lines else ""
