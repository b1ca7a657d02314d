"""Makes what is measured, and measures it: databases, processes, one after another."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import psycopg
import redis
from psycopg import sql

from bench.places import ROOT, TITLES, Place, folder, place, scales_up_to, server_url
from bench.progress import say
from chatadmin.serve import keep_secret

SECTIONS = ("messages", "filters", "list", "baselines", "growth", "costs", "live", "export", "erasure")
# They make their own data, in a scratch database.
APART = ("live", "export", "erasure")
REDIS_URL = "redis://127.0.0.1:6379/15"
# What each section measures at the scale itself, apart from the sizes below it.
WORKS = {
    "messages": ["search"],
    "filters": ["filters"],
    "list": ["people"],
    "baselines": ["admin", "ilike"],
    "growth": ["search"],
    "costs": ["room"],
}
THROUGH_SERVER = {"messages", "list"}


class Failed(Exception):
    """Something can't be measured; says why in a line."""


def no_postgresql() -> str:
    """Why PostgreSQL can't be measured, or ""."""
    try:
        psycopg.connect(server_url(), connect_timeout=5).close()
    except psycopg.Error as error:
        return str(error).strip().splitlines()[0]
    return ""


def child(where: Place, effort: str, *works: str) -> dict[str, Any]:
    """Does these works on that place, in a process of their own. Raises Failed."""
    environment = _environment(where)
    if "load" in works:
        environment["DATABASE_URL"] += _loading_options(where)
    with tempfile.NamedTemporaryFile("r", suffix=".json") as out:
        words = [where.engine, where.scale, effort, out.name, *works]
        done = subprocess.run([sys.executable, "-m", "bench.child", *words], cwd=ROOT, env=environment)
        if done.returncode != 0:
            raise Failed(f"{where.title}: {', '.join(works)} failed")
        return dict(json.load(out))


def _environment(where: Place) -> dict[str, str]:
    """The settings of a process that works on that place."""
    known = {name: value for name, value in os.environ.items() if name not in ("DEMO", "REDIS_URL", "HOST")}
    known |= {"DATABASE_URL": where.url, "CHATADMIN_VAR": str(folder()), "LIMITS": "bench"}
    if where.engine == "postgresql" and _redis_url():
        known["REDIS_URL"] = _redis_url()
    return known


def live(engine: str, scale: str) -> tuple[dict[str, Any], str]:
    """The live scenes, on a scratch database: what was measured, and what is wrong with it, or "". Raises Failed."""
    found, status = _apart(engine, scale, "bench.live", "the live part")
    return found, f"{TITLES[engine]}: messages were lost or miscounted" if status else ""


def export(engine: str, scale: str) -> dict[str, Any]:
    """Exports of one person, on a scratch database. Raises Failed."""
    return _apart(engine, scale, "bench.export", "the export")[0]


def erasure(engine: str, scale: str) -> tuple[dict[str, Any], str]:
    """Erasures beside visitors, on a scratch database: what was measured, and what is wrong with it, or "". Raises
    Failed."""
    found, status = _apart(engine, scale, "bench.erasure", "the erasure")
    return found, f"{TITLES[engine]}: something was left of the erased, or lost" if status else ""


def _apart(engine: str, scale: str, module: str, title: str) -> tuple[dict[str, Any], int]:
    """What a program that fills a scratch database measured there, and its exit status. Raises Failed."""
    scratch = place(engine, "scratch")
    if engine == "postgresql" and not _redis_url():
        raise Failed(f"No Redis answers, and {title} needs one beside PostgreSQL. Set BENCH_REDIS_URL.")
    _drop(scratch)
    _create(scratch)
    say(f"{TITLES[engine]}: {title}")
    try:
        with tempfile.NamedTemporaryFile("r", suffix=".json") as out:
            words = [sys.executable, "-m", module, scale, out.name]
            done = subprocess.run(words, cwd=ROOT, env=_environment(scratch))
            text = out.read()
    finally:
        _drop(scratch)
    if not text:
        raise Failed(f"{TITLES[engine]}: {title} failed")
    return dict(json.loads(text)), done.returncode


def make_ready(where: Place, effort: str, *, adopt: bool) -> dict[str, Any]:
    """The data of that place, loaded where they aren't there; what they are. Raises Failed."""
    if where.engine == "postgresql":
        _create(where)
    described: dict[str, Any] = child(where, effort, "dataset")["dataset"]
    state = described["state"]
    if state == "foreign" and adopt:
        refused = child(where, effort, "adopt")["adopt"]
        if refused:
            raise Failed(f"{where.name} can't be taken as it is: {refused}.")
    elif state == "foreign":
        raise Failed(
            f"{where.name} holds data that this benchmark didn't load: drop it, name others with BENCH_NAME, or take"
            " it as it is with --adopt."
        )
    if state == "stale":
        _drop(where)
        _create(where)
    if state in ("stale", "empty"):
        say(f"{where.title}: loading {where.size.people:,} people and {where.size.messages:,} messages")
        child(where, effort, "load")
    if state != "ready":
        described = child(where, effort, "dataset")["dataset"]
    say(f"{where.title}: {described['people']:,} people, {described['messages']:,} messages are there")
    return described


def measure(engine: str, scale: str, sections: list[str], *, adopt: bool) -> dict[str, Any]:
    """All that the sections ask of one database system. Raises Failed."""
    top = place(engine, scale)
    scales = scales_up_to(scale) if "growth" in sections else [scale]
    if "costs" in sections and "small" not in scales:
        scales.insert(0, "small")
    result: dict[str, Any] = {
        "datasets": {name: make_ready(place(engine, name), scale, adopt=adopt) for name in scales}
    }
    works = list(dict.fromkeys(work for section in sections for work in WORKS[section]))
    if engine == "sqlite" and "ilike" in works:
        works.remove("ilike")  # it has no index for letters in messages
    if THROUGH_SERVER.intersection(sections):
        result |= child(top, scale, "http")
    result |= child(top, scale, *works)
    if "growth" in sections:
        result["growth"] = {scale: result["search"]}
        for name in scales_up_to(scale)[:-1]:
            result["growth"][name] = child(place(engine, name), scale, "search")["search"]
    if "costs" in sections:
        with _copy(engine) as scratch:
            result |= child(scratch, scale, "inserts")
    return result


def prepare() -> None:
    """Makes the folder and its secret."""
    keep_secret(folder())


def _redis_url() -> str:
    url = os.environ.get("BENCH_REDIS_URL") or os.environ.get("TEST_REDIS_URL") or REDIS_URL
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=2) as client:
            client.ping()
    except (redis.RedisError, ValueError):
        return ""
    return url


def _loading_options(where: Place) -> str:
    """A load may lose its last seconds in a power cut, and its foreign keys are right by construction."""
    if where.engine == "sqlite":
        return ""
    with psycopg.connect(server_url()) as connection:
        may = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    options = "-c%20synchronous_commit%3Doff"
    if may and may[0]:
        options += "%20-c%20session_replication_role%3Dreplica"
    return f"{'&' if '?' in where.url else '?'}options={options}"


def _execute(statement: sql.Composed) -> None:
    with psycopg.connect(server_url(), autocommit=True) as connection:
        connection.execute(statement)


def _create(where: Place) -> None:
    with contextlib.suppress(psycopg.errors.DuplicateDatabase):
        if where.engine == "postgresql":
            _execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(
                    sql.Identifier(where.name)
                )
            )


def _drop(where: Place) -> None:
    if where.engine == "postgresql":
        _execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(where.name)))
        return
    for ending in ("", "-wal", "-shm", ".serving"):
        (folder() / f"{where.name}{ending}").unlink(missing_ok=True)


@contextlib.contextmanager
def _copy(engine: str) -> Iterator[Place]:
    """A copy of the small data to write into; gone afterwards."""
    source, scratch = place(engine, "small"), place(engine, "scratch")
    _drop(scratch)
    try:
        if engine == "postgresql":
            names = [sql.Identifier(name) for name in (scratch.name, source.name)]
            _execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
        else:
            with (
                contextlib.closing(sqlite3.connect(folder() / source.name)) as original,
                contextlib.closing(sqlite3.connect(folder() / scratch.name)) as copied,
            ):
                original.backup(copied)
        yield scratch
    finally:
        _drop(scratch)
