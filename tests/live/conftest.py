"""A server in the test's own process: real sockets, and what it does can be counted and set off from the test."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import uvicorn

from chatadmin.asgi import application
from chatadmin.lib import threads
from chatadmin.lib.hub import Hub
from chatadmin.lib.leases import leases
from staff.models import Role
from tests.factories import make_account
from tests.server import Server, free_port
from tests.staff_http import StaffBrowser


class Inside:
    """Has what StaffBrowser asks of a server: `url`."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.loop = asyncio.new_event_loop()
        config = uvicorn.Config(
            application, port=self.port, ws="websockets-sansio", lifespan="off", log_level="warning"
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self._run)

    def start(self) -> Inside:
        """Starts it and waits until it serves."""
        self.thread.start()
        deadline = time.monotonic() + 20
        while not self.server.started:
            assert time.monotonic() < deadline and self.thread.is_alive()
            time.sleep(0.01)
        return self

    def stop(self) -> None:
        """Ends it, and with it everything that runs on its loop."""
        self.server.should_exit = True
        self.thread.join(20)
        assert not self.thread.is_alive()
        threads.close()

    def run(self, work: Callable[[], Any]) -> Any:
        """Calls `work` on the server's event loop, and awaits what it gives where that can be awaited."""

        async def called() -> Any:
            result = work()
            return await result if isinstance(result, Coroutine) else result

        return asyncio.run_coroutine_threadsafe(called(), self.loop).result(20)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            runner.run(self.server.serve())
        Hub._hubs.clear()


@pytest.fixture
def dana(server: Server) -> StaffBrowser:
    return StaffBrowser(server, make_account("dana@team.example", Role.ADMIN, name="Dana Whitfield"))


@pytest.fixture
def sam(server: Server) -> StaffBrowser:
    return StaffBrowser(server, make_account("sam@team.example", Role.SUPPORT, name="Sam Ortega"))


@pytest.fixture
def inside(transactional_db: None, own_bus: None) -> Iterator[Inside]:
    server = Inside().start()
    yield server
    server.stop()
    # Whoever was here would be missed during a later test.
    leases.cache_clear()


@pytest.fixture
def dana_inside(inside: Inside) -> StaffBrowser:
    return StaffBrowser(inside, make_account("dana@team.example", Role.ADMIN, name="Dana Whitfield"))  # type: ignore[arg-type]


@pytest.fixture
def sam_inside(inside: Inside) -> StaffBrowser:
    return StaffBrowser(inside, make_account("sam@team.example", Role.SUPPORT, name="Sam Ortega"))  # type: ignore[arg-type]
