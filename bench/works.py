"""The pieces of work by name: each takes a place and an effort, and gives what is written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.db import connection

from bench import clock, cores, costs, filtered, loading, marks, messages, stock_admin, trigram
from bench.marks import Mark
from bench.places import Effort, Place
from bench.progress import say
from bench.served import served

Work = Callable[[Place, Effort], Any]


def load(place: Place, effort: Effort) -> None:
    """Fills an empty database."""
    loading.load(place.size)


def adopt(place: Place, effort: Effort) -> str:
    """Takes what is there; why it can't, or ""."""
    try:
        marks.adopt(place.size)
    except marks.NotOurs as error:
        return str(error)
    return ""


def dataset(place: Place, effort: Effort) -> dict[str, Any]:
    """Brings what is there up to date and describes it; only its `state` where that isn't "ready"."""
    state = marks.state(place.size)
    if state != "ready":
        return {"state": state}
    mark = loading.ready()
    described = {name: value for name, value in asdict(mark).items() if name != "terms"}
    described |= {"state": state, "words": mark.terms["words"]}
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_database_size(current_database()), current_setting('server_version')")
            described["bytes"], described["server"] = cursor.fetchone()
        else:
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
            described["bytes"] = cursor.fetchone()[0]
    return described


def search(place: Place, effort: Effort) -> dict[str, Any]:
    """Message search in this process."""
    mark = _begin()
    return messages.measure(mark.terms, effort)


def filters(place: Place, effort: Effort) -> dict[str, Any]:
    """Message search with filters."""
    mark = _begin()
    return filtered.measure(mark.terms, effort, mark.moment)


def people(place: Place, effort: Effort) -> dict[str, Any]:
    """The list."""
    mark = _begin()
    return {
        "first": filtered.measure_list(effort, mark.moment),
        "far": filtered.measure_far(effort, mark.people),
    }


def http(place: Place, effort: Effort) -> dict[str, Any]:
    """Message search and the list through the server: it on one core, this process and PostgreSQL on the other."""
    mark = _ready()
    pair = cores.cores()
    with served(mark.moment.isoformat(), pair[0] if pair else None) as browser:
        if pair:
            cores.pin(pair[1])
        browser.get("")
        pinned = _pin_postgresql()
        found = messages.through(mark.terms, effort, browser)
        say("  message search done, now the list")
        return {
            "messages": found,
            "list": filtered.through(effort, browser),
            "asked": browser.asked,
            "partial": browser.partial,
            "pinned": bool(pair),
            "postgresql_pinned": pinned,
        }


def admin(place: Place, effort: Effort) -> list[dict[str, Any]]:
    """Django's admin."""
    return stock_admin.measure(_begin().terms, effort)


def ilike(place: Place, effort: Effort) -> dict[str, Any]:
    """A trigram index, on PostgreSQL."""
    return trigram.measure(_begin().terms, effort)


def room(place: Place, effort: Effort) -> dict[str, float]:
    """What the index takes on disk."""
    return costs.room(_ready().rows)


def inserts(place: Place, effort: Effort) -> dict[str, Any]:
    """What the index costs those who write."""
    _begin()
    return costs.inserts()


def _ready() -> Mark:
    mark = marks.read()
    assert mark is not None
    clock.put_back(mark.moment)
    return mark


def _begin() -> Mark:
    """For work in this process: it is the server's."""
    mark = _ready()
    pair = cores.cores()
    if pair:
        cores.pin(pair[0])
        _pin_postgresql()
    return mark


def _pin_postgresql() -> bool:
    """Whether all of PostgreSQL's processes for this database now share the load's core."""
    pair = cores.cores()
    if pair is None or connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
        )
        processes = [process for (process,) in cursor.fetchall()]
    return cores.pin_postgresql(processes, pair[1]) == len(processes)


WORKS: dict[str, Work] = {
    work.__name__: work
    for work in (load, adopt, dataset, search, filters, people, http, admin, ilike, room, inserts)
}
