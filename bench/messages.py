"""Message search: every class of term, in this process and through the server."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from bench import direct, terms
from bench.classes import TITLES
from bench.direct import Case
from bench.figures import share
from bench.places import Effort
from bench.served import Browser
from bench.terms import Term

PARAMETERS = {"in": "messages"}


def query(typed: str, **more: str) -> str:
    """The list's parameters for these words in messages."""
    return urlencode({"q": typed, **PARAMETERS, **more})


def cases(kept: dict[str, Any], effort: Effort) -> list[Case]:
    """A case for each term, in the group of its class."""
    return [
        Case(query(term.query), (name,))
        for name in TITLES
        for term in terms.of_class(kept, name, effort.terms)
    ]


def through(kept: dict[str, Any], effort: Effort, browser: Browser) -> dict[str, Any]:
    """Of each class the times of the whole answer."""
    return direct.repeat(cases(kept, effort), 1, browser.timed)


def measure(kept: dict[str, Any], effort: Effort) -> dict[str, Any]:
    """Of each class its measured share, the times, and the terms that found what they shouldn't."""
    measured = direct.repeat(cases(kept, effort), effort.repeats, direct.timed)
    result: dict[str, Any] = {}
    for name, times in measured.items():
        asked = terms.of_class(kept, name, effort.terms)
        result[name] = {
            "terms": [term.query for term in asked],
            "share": shares(asked, kept["total"]),
            "messages": [term.messages for term in asked],
            **looked_at(asked),
            **times,
        }
    return result


def shares(asked: list[Term], total: int) -> str:
    """`0.007–0.014 %` of all messages hold them; one number where they are alike."""
    counts = sorted(term.messages for term in asked)
    low, high = share(counts[0], total), share(counts[-1], total)
    return low if low == high else f"{low.removesuffix(' %')}–{high}"


def looked_at(asked: list[Term]) -> dict[str, list[str]]:
    """Terms that are `wrong`: they found nobody though messages hold them, or somebody though none does. And those
    that met the time budget: their page is `partial`."""
    wrong, partial = [], []
    for term in asked:
        found = direct.search(query(term.query)).found
        if found.go_on:
            partial.append(term.query)
        elif bool(found.rows) != bool(term.messages):
            wrong.append(term.query)
    return {"wrong": wrong, "partial": partial}
