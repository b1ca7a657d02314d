"""Hops: work leaves the event loop for one thread, in order, on a connection that is kept while it is good."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError, connection

from chatadmin.lib import threads
from chatadmin.lib.threads import hop
from staff.models import Widget

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def a_thread_of_its_own() -> Iterator[None]:
    threads.close()
    yield
    threads.close()


def run(*works: Callable[[], Awaitable[Any]]) -> list[Any]:
    """What each gave, asked one after the other."""

    async def ask() -> list[Any]:
        return [await work() for work in works]

    return asyncio.run(ask())


@hop
def opened() -> object:
    Widget.objects.count()
    return connection.connection


@hop
def thread() -> int:
    return threading.get_ident()


def test_a_connection_is_kept():
    first, second, third = run(opened, opened, opened)
    assert first is second is third is not connection.connection


def test_it_is_one_thread_in_the_order_asked():
    done: list[int] = []

    @hop
    def slow(number: int) -> int:
        time.sleep(0.02 if number == 0 else 0)
        done.append(number)
        return threading.get_ident()

    async def ask() -> set[int]:
        return set(await asyncio.gather(*(slow(number) for number in range(5))))

    assert len(asyncio.run(ask())) == 1
    assert done == [0, 1, 2, 3, 4]


def test_what_fails_is_raised_and_the_next_goes_on():
    @hop
    def failing() -> None:
        with connection.cursor() as cursor:
            cursor.execute("select nonsense")

    async def ask() -> object:
        with pytest.raises(DatabaseError):
            await failing()
        return await opened()

    assert asyncio.run(ask()) is not None


def test_what_the_caller_knows_is_known_there_and_does_not_stay():
    known: contextvars.ContextVar[str] = contextvars.ContextVar("known", default="nothing")

    @hop
    def told() -> str:
        before = known.get()
        known.set("from the thread")
        return before

    async def ask() -> list[str]:
        known.set("from the loop")
        return [await told(), await told(), known.get()]

    assert asyncio.run(ask()) == ["from the loop"] * 3


def test_an_old_connection_is_opened_anew(monkeypatch: pytest.MonkeyPatch):
    first = run(opened)[0]
    monkeypatch.setattr(threads, "KEEP_SECONDS", -1)
    assert run(opened)[0] is not first


def test_closing_ends_the_thread_and_its_connection():
    before = run(thread, opened)[0]
    threads.close()
    assert before not in {alive.ident for alive in threading.enumerate()}
    assert run(opened)[0] is not None
    threads.close()
    threads.close()


def test_a_fork_has_a_thread_of_its_own(monkeypatch: pytest.MonkeyPatch):
    run(thread)
    parent = threads._executor()
    monkeypatch.setattr(threads.os, "getpid", lambda: -1)
    child = threads._executor()
    assert child is not parent
    child.shutdown()
    monkeypatch.undo()
    parent.shutdown()


if not settings.IS_SQLITE:  # a server can be restarted, a file can't

    @hop
    def backend() -> int:
        with connection.cursor() as cursor:
            cursor.execute("select pg_backend_pid()")
            return int(cursor.fetchone()[0])

    def cut() -> None:
        """Ends the thread's connection, as a restart does."""
        (held,) = run(backend)
        with connection.cursor() as cursor:
            cursor.execute("select pg_terminate_backend(%s, 5000)", [held])

    def test_after_a_restart_one_may_fail_and_the_next_goes_on():
        cut()

        async def ask() -> object:
            with pytest.raises(DatabaseError):
                await opened()
            return await opened()

        assert asyncio.run(ask()) is not None

    def test_whoever_comes_a_while_after_a_restart_notices_nothing(monkeypatch: pytest.MonkeyPatch):
        cut()
        monkeypatch.setattr(threads, "IDLE_SECONDS", -1)
        assert run(opened)[0] is not None
