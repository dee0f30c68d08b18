"""From article to table."""

import csv
import io
import json

import pytest
from actorstance.models.analysis import make_queries
from actorstance.models.lexicon import LexiconError, Target, load_actors, load_targets
from conftest import ROOT

ARTICLE = """Headline without a full stop

Moscow rejects Ukraine's membership in NATO. Donald Trump met reporters in Warsaw. He ruled out American guarantees.
Nobody mentioned the weather.
"""


def test_queries_know_aliases_pronouns_and_what_a_sentence_is_about():
    queries = list(make_queries(ARTICLE, load_actors(), load_targets()))
    asked = {(query.actor, query.target) for query in queries}
    assert ("Russia", "Ukraine's NATO membership") in asked
    assert ("Trump", "US security guarantees for Ukraine") in asked, "he is Trump, American is the US"
    assert not any(query.actor == "Trump" and "membership" in query.target for query in queries)
    assert not any("weather" in query.text for query in queries)
    (pronoun,) = [q for q in queries if q.actor == "Trump" and q.target == "security guarantees for Ukraine"]
    assert pronoun.text == "He ruled out American guarantees."
    assert pronoun.context == "Donald Trump met reporters in Warsaw." and pronoun.mention == "Donald Trump"


def test_us_is_no_country_and_quotes_hide_no_pronoun():
    article = 'Moscow spoke. They gave us guarantees. Kyiv wants a truce. "That would be good," Moscow said.'
    asked = {(query.text, query.target) for query in make_queries(article, load_actors(), load_targets())}
    assert not any(target == "US security guarantees for Ukraine" for _, target in asked)
    (quoted,) = [q for q in make_queries(article, load_actors(), load_targets()) if q.text.startswith('"That')]
    assert quoted.context == "Kyiv wants a truce." and quoted.target == "a ceasefire"


def test_a_target_by_name_alone_is_found_by_its_content_words():
    assert Target.named("the grain deal").mentions == (("grain", "deal"),)


def test_the_command_prints_and_writes_the_table(command, trained, tmp_path):
    article = tmp_path / "article.txt"
    article.write_text(ARTICLE.replace("NATO.", "NATO <script>alert(1)</script>."))
    for suffix in (".json", ".csv", ".html"):
        result = command("analyze", trained, article, "--output", tmp_path / f"table{suffix}")
        assert result.status == 0 and result.out.startswith("actor") and "pairs of actor and target" in result.out
    rows = json.loads((tmp_path / "table.json").read_text())
    assert {"actor", "target", "stance", "confidence", "evidence", "context", "counts"} == set(rows[0])
    assert all(row["evidence"] in article.read_text() for row in rows)
    assert len({(row["actor"], row["target"]) for row in rows}) == len(rows)
    table = list(csv.DictReader(io.StringIO((tmp_path / "table.csv").read_text())))
    assert [row["actor"] for row in table] == [row["actor"] for row in rows]
    page = (tmp_path / "table.html").read_text()
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_own_actors_and_targets(command, trained, tmp_path):
    (tmp_path / "article.txt").write_text("Drennia rejects the naval pact. Ostmark backs the grain deal.")
    (tmp_path / "actors.yaml").write_text("- Drennia\n- {name: Ostmark, kind: country, aliases: [Ostmarkers]}\n")
    arguments = [trained, tmp_path / "article.txt", "--actors", tmp_path / "actors.yaml"]
    output = ["--output", tmp_path / "out.json", "--overwrite"]
    assert command("analyze", *arguments, "--target", "the naval pact", *output).status == 0
    (row,) = json.loads((tmp_path / "out.json").read_text())
    assert (row["actor"], row["target"], row["stance"]) == ("Drennia", "the naval pact", "against")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "expected a list"),
        ("- {name: A, kind: planet}", "entry 1 .A.: kind: expected one of person, country, organisation"),
        ("- {name: A, alias: [B]}", "unknown key alias"),
        ("- {kind: person}", "entry 1: expected a name"),
        ("- [", "not readable as YAML"),
        ("- {name: A, 1: b}", "unknown key 1"),
        ("- {name: A, aliases: [X]}\n- {name: B, aliases: [X]}", "'X' is also a name of A"),
    ],
)
def test_bad_lexicons_say_where(tmp_path, content, message):
    (tmp_path / "actors.yaml").write_text(content)
    with pytest.raises(LexiconError, match=message):
        load_actors(tmp_path / "actors.yaml")


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "empty; expected an article"), (b"\xff\xfe", "invalid UTF-8 at byte 0")]
)
def test_bad_articles_say_why(command, trained, tmp_path, content, message):
    (tmp_path / "article.txt").write_bytes(content)
    result = command("analyze", trained, tmp_path / "article.txt")
    assert result.status == 1 and message in result.err


@pytest.mark.parametrize("target", ["", "the pact " * 100])
def test_targets_that_cant_be_asked_about_say_why(command, trained, tmp_path, target):
    (tmp_path / "article.txt").write_text("Moscow left the pact.")
    result = command("analyze", trained, tmp_path / "article.txt", "--target", target)
    assert result.status == 1 and ("empty" in result.err or "Shorten them" in result.err)


def test_an_existing_table_is_kept(command, trained, tmp_path):
    (tmp_path / "out.json").write_text("precious")
    article = ROOT / "data" / "examples" / "guarantee-talks.txt"
    result = command("analyze", trained, article, "--output", tmp_path / "out.json")
    assert result.status == 1 and (tmp_path / "out.json").read_text() == "precious"
    assert command("analyze", trained, article, "--output", tmp_path / "out.txt").status == 1
