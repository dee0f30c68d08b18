"""From an article to a table: who stands where on what, and the sentence that shows it."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span

from ..data import STANCES
from .inference import Prediction, StanceClassifier
from .lexicon import Actor, Target

_PERSONAL = {"he", "she", "him", "her", "his", "hers", "himself", "herself"}
# Words by which a sentence leans on the one before it: anywhere, or only at its start ("it" further on mostly points
# back inside the sentence, "that" mostly at nothing).
_LEANING = _PERSONAL | {"they", "this", "these", "both"}
_LEANING_FIRST = {"it", "its", "their", "that", "those", "such", "neither"}
# Words that can stand for a target named in the sentence before; so can those at the start of the sentence.
_POINTING = {"it", "this", "these", "both"}


@dataclass(frozen=True)
class Query:
    """One question put to the classifier: the sentence, its context, the actor as the text names it, the target."""

    text: str
    context: str
    mention: str
    actor: str
    target: str


@dataclass
class Position:
    """One row of the table.

    Attributes:
        actor, target: as the lexicon names them.
        stance: the stance with the most weight among the sentences; `none` only where no sentence shows another.
        confidence: the model's probability for that stance in the evidence sentence.
        evidence: the sentence that shows the stance most clearly; `context` is the one before it, if that was needed.
        counts: how many sentences show each stance.
    """

    actor: str
    target: str
    stance: str
    confidence: float
    evidence: str
    context: str
    counts: dict[str, int] = field(default_factory=dict)


def analyze(
    article: str, classifier: StanceClassifier, actors: Sequence[Actor], targets: Sequence[Target]
) -> list[Position]:
    """Find out who stands where in an article.

    Args:
        article: plain text.
        classifier: the model.
        actors, targets: whom and what to look for; only those that the article mentions get a row.

    Returns:
        One Position per actor and target that some sentence brings together, in order of appearance.

    Raises:
        ValueError: the name of an actor or target is too long for the model.
    """
    queries = list(make_queries(article, actors, targets))
    records = [{"text": q.text, "context": q.context, "actor": q.mention, "target": q.target} for q in queries]
    answers: dict[tuple[str, str], list[tuple[Query, Prediction]]] = defaultdict(list)
    for query, prediction in zip(queries, classifier.predict_batch(records), strict=True):
        if prediction.error:
            raise ValueError(f"{query.actor} on {query.target}: {prediction.error}")
        answers[query.actor, query.target].append((query, prediction))
    return [_position(actor, target, found) for (actor, target), found in answers.items()]


def make_queries(article: str, actors: Sequence[Actor], targets: Sequence[Target]) -> Iterator[Query]:
    """Every sentence's questions: each actor it names (or means by "he" or "she") on each target it is about."""
    kinds = {actor.name: actor.kind for actor in actors}
    previous = ""
    last_person: tuple[str, str, str] | None = None  # name, mention, and the sentence with it
    for paragraph in _pipeline(actors).pipe(_paragraphs(article)):
        for span in _sentences(paragraph):
            text = span.text.strip()
            words = {token.lower_ for token in span}
            mentions: dict[str, str] = {}
            for entity in span.ents:
                mentions.setdefault(entity.ent_id_, entity.text)
            first = next((token.lower_ for token in span if token.is_alpha), "")
            context = previous if words & _LEANING or first in _LEANING_FIRST else ""
            if words & _PERSONAL and last_person and not any(kinds[name] == "person" for name in mentions):
                name, mention, context = last_person
                mentions.setdefault(name, mention)
            points = bool(words & _POINTING) or first in _LEANING_FIRST
            about = [target for target in targets if _is_about(target, text, context, points)]
            for name, mention in mentions.items():
                for target in about:
                    yield Query(text, context, mention, name, target.name)
            persons = [entity for entity in span.ents if kinds[entity.ent_id_] == "person"]
            if persons:
                last_person = persons[0].ent_id_, persons[0].text, text
            previous = text


def _sentences(paragraph: Doc) -> Iterator[Span]:
    """spaCy's sentences, but for a quotation mark that it leaves at the end of one though it opens the next."""
    start = 0
    for sentence in paragraph.sents:
        end = sentence.end
        if end < len(paragraph) and paragraph[end - 1].is_quote and paragraph[end - 2].whitespace_:
            end -= 1
        if end > start:
            yield paragraph[start:end]
        start = end


def _paragraphs(article: str) -> list[str]:
    return [line.strip() for line in article.splitlines() if line.strip()]


def _pipeline(actors: Sequence[Actor]) -> Language:
    """Sentence splitting and actor mentions; longer names win over the shorter ones in them."""
    language = spacy.blank("en")
    language.add_pipe("sentencizer")
    ruler: Any = language.add_pipe("entity_ruler")
    ruler.add_patterns(
        [{"label": "ACTOR", "pattern": name, "id": actor.name} for actor in actors for name in actor.names]
    )
    return language


def _is_about(target: Target, text: str, context: str, points: bool) -> bool:
    """Whether text and context mention the target, the text itself at least its core or a word that points there."""
    together = f"{context} {text}"
    core, *others = target.mentions
    named_here = _holds(text, core) or (points and _holds(together, core))
    return named_here and all(_holds(together, phrases) for phrases in others)


def _holds(text: str, phrases: Sequence[str]) -> bool:
    """Whether one of the phrases stands in the text; in any case, unless it is an abbreviation ("us" is not the US)."""
    return any(
        re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", text, re.NOFLAG if phrase.isupper() else re.IGNORECASE)
        for phrase in phrases
    )


def _position(actor: str, target: str, found: Sequence[tuple[Query, Prediction]]) -> Position:
    counts = Counter(str(prediction.stance) for _, prediction in found)
    weights: dict[str, float] = defaultdict(float)
    for _, prediction in found:
        weights[str(prediction.stance)] += float(prediction.confidence or 0)
    taken = {stance: weight for stance, weight in weights.items() if stance != "none"} or weights
    stance = max(taken, key=taken.__getitem__)
    showing = [(query, prediction) for query, prediction in found if prediction.stance == stance]
    query, prediction = max(showing, key=lambda pair: pair[1].confidence or 0)
    ordered = {stance: counts[stance] for stance in STANCES if counts[stance]}
    return Position(actor, target, stance, float(prediction.confidence or 0), query.text, query.context, ordered)
