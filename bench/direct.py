"""Searches in this process, through the list's own entry point, timed from outside."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.http import QueryDict

from bench.figures import summary
from bench.places import RUNS
from search.filters import UserFilters
from search.queries import Found, find
from users.queries import living


@dataclass(frozen=True)
class Case:
    """One address of the list, without `/users/?`; `groups`: what its times count for."""

    query: str
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Taken:
    """What one search took, in milliseconds: its statements in the database, and all of it."""

    database: float
    whole: float
    found: Found


class Stopwatch:
    """Adds up what statements take, for `connection.execute_wrapper`."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, execute: Callable[..., Any], *details: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(*details)
        finally:
            self.seconds += time.perf_counter() - began


def search(query: str) -> Taken:
    """The page of the list that this address asks for.

    SQLite finds rows while they are fetched, after its statement has been given: only `whole` tells there.
    """
    watch = Stopwatch()
    began = time.perf_counter()
    with connection.execute_wrapper(watch):
        found = find(UserFilters(QueryDict(query), queryset=living()))
    whole = time.perf_counter() - began
    database = watch.seconds if connection.vendor == "postgresql" else whole
    return Taken(1000 * database, 1000 * whole, found)


def repeat(
    cases: Sequence[Case], repeats: int, ask: Callable[[str], dict[str, float]]
) -> dict[str, dict[str, Any]]:
    """Asks every case `repeats` times in each run, in an order of its own. Of each group and kind of time a summary.

    All cases are asked once before the first run: what is measured is warm.
    """
    for case in cases:
        ask(case.query)
    runs: dict[str, dict[str, list[list[float]]]] = {}
    for run in range(RUNS):
        order = list(cases) * repeats
        random.Random(run).shuffle(order)
        for case in order:
            taken = ask(case.query)
            for group in case.groups:
                for kind, value in taken.items():
                    lists = runs.setdefault(group, {}).setdefault(kind, [[] for _ in range(RUNS)])
                    lists[run].append(value)
    return {group: {kind: summary(lists) for kind, lists in kinds.items()} for group, kinds in runs.items()}


def cut_short(cases: Sequence[Case]) -> dict[str, int]:
    """How many pages were `asked`, and how many of them are `partial`: they met the time budget."""
    partial = [case for case in cases if search(case.query).found.go_on]
    return {"asked": len(cases), "partial": len(partial)}


def timed(query: str) -> dict[str, float]:
    """What `search` takes, as `repeat` wants it."""
    taken = search(query)
    return {"database": taken.database, "whole": taken.whole}
