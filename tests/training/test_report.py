"""The report of a run: one page that needs nothing else, and shows text as text."""

import json
import re
from html.parser import HTMLParser

from actorstance.training.config import load_config
from actorstance.training.evaluate import Evaluation
from actorstance.training.report import write_report
from conftest import read_jsonl


class _Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.sources = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.sources += [value for name, value in attributes if name in ("src", "href")]


def test_the_page_holds_everything_and_loads_nothing(trained):
    text = (trained / "report" / "index.html").read_text()
    page = _Page()
    page.feed(text)
    assert page.tags.count("img") == 4 and all(source.startswith("data:image/png;base64,") for source in page.sources)
    assert "script" not in page.tags and "link" not in page.tags
    metrics = json.loads((trained / "metrics.json").read_text())
    for metric in ("macro_f1", "brier"):
        assert f"<b>{metrics['test']['scores'][metric]['value']:.3f}</b>" in text
    for actor, part in metrics["test"]["by"]["actor"].items():
        assert re.search(rf"<td>{actor}</td><td class=\"number\">{part['rows']}</td>", text)


def test_mistakes_are_shown_with_the_most_confident_first_and_as_text(trained, classifier, tiny_config, tmp_path):
    from actorstance.data import check_record

    metrics = json.loads((trained / "metrics.json").read_text())
    rows = [row | {"stance": row["gold_stance"]} for row in read_jsonl(trained / "predictions.jsonl")]
    rows[0] |= {"text": "<script>alert(1)</script> Veloria backs the naval pact.", "stance": "against"}
    rows[1] |= {
        "text": "Drennia backs the grain deal.",
        "actor": "Drennia",
        "target": "the grain deal",
        "stance": "none",
    }
    records = [check_record(row, labelled=True) for row in rows]
    predictions = list(classifier.predict_batch(rows))
    test = Evaluation(records, predictions, metrics["test"], [])
    write_report(
        tmp_path / "report", load_config(tiny_config), metrics, test, json.loads((trained / "log.json").read_text())
    )
    text = (tmp_path / "report" / "index.html").read_text()
    assert "<script>alert" not in text and "&lt;script&gt;alert(1)&lt;/script&gt; Veloria" in text
    shown = [
        float(value)
        for value in re.findall(r'<td class="number">(0\.\d\d|1\.00)</td></tr>', text.split("confident mistakes")[1])
    ]
    assert len(shown) >= 2 and shown == sorted(shown, reverse=True)
