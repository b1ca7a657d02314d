"""What stands before several servers: one address, connections in turns to whichever server answers, cut on demand."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence
from typing import Self

from tests.server import free_port

Ends = tuple[asyncio.StreamWriter, asyncio.StreamWriter]


class Proxy:
    """Passes bytes on, in the running event loop. An async context manager; `url` is known before."""

    def __init__(self, ports: Sequence[int]) -> None:
        self.ports = list(ports)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.turn = 0
        self.open: dict[asyncio.Task[None], Ends] = {}

    async def __aenter__(self) -> Self:
        self.listening = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=500)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.listening.close()
        tasks = list(self.open)
        for ends in self.open.values():
            _abort(ends)
        if tasks:
            await asyncio.wait(tasks, timeout=5)

    def cut(self, count: int, rng: random.Random) -> int:
        """Breaks so many connections without a goodbye, any of them. Returns how many there were to break."""
        chosen = rng.sample(list(self.open.values()), min(count, len(self.open)))
        for ends in chosen:
            _abort(ends)
        return len(chosen)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found = await self._reach()
        if found is None:
            writer.transport.abort()
            return
        far_reader, far_writer = found
        task = asyncio.current_task()
        assert task is not None
        ends = self.open[task] = (writer, far_writer)
        pumps = [
            asyncio.create_task(_pump(reader, far_writer)),
            asyncio.create_task(_pump(far_reader, writer)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            del self.open[task]
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for end in ends:
                with contextlib.suppress(OSError):
                    end.close()

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """A connection to the next server that answers; None where none does."""
        for _ in self.ports:
            self.turn += 1
            with contextlib.suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", self.ports[self.turn % len(self.ports)])
        return None


def _abort(ends: Ends) -> None:
    for end in ends:
        end.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(64 * 1024):
            writer.write(data)
            await writer.drain()
