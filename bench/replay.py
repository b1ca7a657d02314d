"""Plays conversations through the public socket and the staff reply, then proves that every message is there once.

    python bench/replay.py FILE [--demo var/demo.json] [--visitors 50] [--limit N] [--speed X]

FILE has one JSON object a line (`.gz` too): `{"id": …, "messages": [{"from": "visitor" | "staff", "text": …}]}`;
`user` and `customer` are visitors, `assistant` and `agent` staff. Each conversation is a new visitor; its lines are
sent in order, each once the one before is acknowledged, many conversations at a time. The server runs with
LIMITS=bench. Exit status 1 where a message is lost, doubled, out of order or changed.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import sys
import time
import uuid
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.staff_client import ReplyFailed, SignInFailed, StaffClient  # noqa: E402
from widget.client import Place, Refused, Visitor  # noqa: E402

SIDES = {
    **dict.fromkeys(("visitor", "user", "customer"), "visitor"),
    **dict.fromkeys(("staff", "assistant", "agent"), "staff"),
}
DELIVERY_SECONDS = 10.0
# A server that restarts is waited for; one that is gone isn't.
PATIENCE_SECONDS = 60.0
REASONS: dict[int | str, str] = {
    4403: "is the key right, and may the widget be on a page of this origin (WIDGET_ORIGINS)?",
    4429: "too many at once: start the server with LIMITS=bench.",
}
# How long somebody takes to write a line, at speed 1.
SECONDS_A_LINE, SECONDS_A_CHARACTER = 1.0, 0.05

Line = tuple[str, str]


@dataclass
class Played:
    """One conversation: its lines, who the visitor became, and what went wrong at the end."""

    lines: list[Line]
    token: str | None = None
    wrong: list[str] = field(default_factory=list)


@dataclass
class Tally:
    """Times in seconds: each acknowledgement, and each reply until the visitor had it."""

    visitor: list[float] = field(default_factory=list)
    staff: list[float] = field(default_factory=list)
    delivered: list[float] = field(default_factory=list)
    undelivered: int = 0
    too_fast: int = 0
    reconnected: int = 0


def read(path: Path, limit: int | None = None) -> Iterator[list[Line]]:
    """The conversations of a file as lists of (side, text), empty texts left out. Raises ValueError."""
    with (
        gzip.open(path, "rt", encoding="utf-8")
        if path.suffix == ".gz"
        else path.open(encoding="utf-8") as file
    ):
        for number, text in enumerate(file):
            if limit is not None and number >= limit:
                return
            messages = json.loads(text)["messages"]
            unknown = {message["from"] for message in messages} - set(SIDES)
            if unknown:
                raise ValueError(f"{path}:{number + 1}: from {', '.join(sorted(unknown))}")
            lines = [(SIDES[message["from"]], message["text"]) for message in messages]
            yield [(side, body) for side, body in lines if body.strip()]


class Replay:
    """Plays conversations against one server."""

    def __init__(self, place: Place, staff: StaffClient, speed: float | None = None) -> None:
        self.place, self.staff, self.speed = place, staff, speed
        self.tally = Tally()

    async def play(self, played: Played) -> None:
        """One conversation, line by line."""
        awaited: deque[float] = deque()

        def heard(frame: dict[str, Any]) -> None:
            # Replies are posted one at a time, so the oldest that is awaited is the one that came.
            if frame["type"] == "message" and frame["from"] == "staff" and awaited:
                self.tally.delivered.append(time.perf_counter() - awaited.popleft())

        page = {"url": f"{self.place.url}/replayed", "title": "Replayed", "referrer": ""}
        async with Visitor(self.place, page=page, on_frame=heard) as visitor:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await visitor.ready()
            played.token = visitor.token
            for side, body in played.lines:
                if self.speed:
                    await asyncio.sleep((SECONDS_A_LINE + SECONDS_A_CHARACTER * len(body)) / self.speed)
                began = time.perf_counter()
                if side == "visitor":
                    async with asyncio.timeout(PATIENCE_SECONDS):
                        await visitor.send(body)
                    self.tally.visitor.append(time.perf_counter() - began)
                else:
                    awaited.append(began)
                    await self.staff.reply(visitor.user["id"], body, str(uuid.uuid4()))
                    self.tally.staff.append(time.perf_counter() - began)
            gives_up = time.perf_counter() + DELIVERY_SECONDS
            while awaited and time.perf_counter() < gives_up:
                await asyncio.sleep(0.02)
            self.tally.undelivered += len(awaited)
            self.tally.too_fast += visitor.counts.too_fast
            self.tally.reconnected += visitor.counts.reconnected

    async def verify(self, played: Played) -> None:
        """Reads the whole history anew, by the token alone, and compares it with what was said."""
        history: list[Line] = []

        def heard(frame: dict[str, Any]) -> None:
            if frame["type"] == "message":
                history.append((frame["from"], frame["body"]))

        async with Visitor(self.place, token=played.token, on_frame=heard) as visitor:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await visitor.ready()
        played.wrong = differences(played.lines, history)


def differences(said: list[Line], found: list[Line]) -> list[str]:
    """What is wrong with `found`: lost, doubled, out of order or changed. Nothing, where it equals `said`."""
    if said == found:
        return []
    lost = [line for line in set(said) if found.count(line) < said.count(line)]
    doubled = [line for line in set(found) if found.count(line) > said.count(line)]
    wrong = [f"lost: {side}" for side, _ in lost] + [f"doubled or changed: {side}" for side, _ in doubled]
    return wrong or ["out of order"]


async def each(items: list[Played], work: Any, at_once: int) -> None:
    """Awaits `work` for every item, `at_once` at a time. Raises the first error."""
    left = iter(items)

    async def worker() -> None:
        for item in left:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(at_once, len(items))):
                group.create_task(worker())
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None


def percentile(values: list[float], part: float) -> float:
    """In milliseconds; 0 where there are none."""
    ordered = sorted(values)
    return 1000 * ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


def report(replay: Replay, plays: list[Played], seconds: float) -> dict[str, Any]:
    """What came of it, in numbers."""
    tally = replay.tally
    result: dict[str, Any] = {
        "conversations": len(plays),
        "messages": sum(len(played.lines) for played in plays),
        "seconds": round(seconds, 2),
        "per_second": round((len(tally.visitor) + len(tally.staff)) / seconds, 1),
        "too_fast": tally.too_fast,
        "reconnected": tally.reconnected,
        "undelivered": tally.undelivered,
        "wrong": sum(bool(played.wrong) for played in plays),
    }
    for name in ("visitor", "staff", "delivered"):
        values = getattr(tally, name)
        result[name] = {
            "count": len(values),
            "per_second": round(len(values) / seconds, 1),
            "p50_ms": round(percentile(values, 0.5), 1),
            "p95_ms": round(percentile(values, 0.95), 1),
            "max_ms": round(percentile(values, 1), 1),
        }
    return result


def show(result: dict[str, Any], plays: list[Played]) -> None:
    """Prints the table, and what is wrong."""
    print(
        f"{result['conversations']:,} conversations, {result['messages']:,} messages in {result['seconds']} s:"
        f" {result['per_second']:,} acknowledged a second"
    )
    print(f"{'':34}{'count':>9}{'a second':>10}{'p50 ms':>9}{'p95 ms':>9}{'max ms':>9}")
    titles = {
        "visitor": "visitor's message to its ack",
        "staff": "staff reply to its answer",
        "delivered": "staff reply to the visitor's screen",
    }
    for name, title in titles.items():
        row = result[name]
        print(
            f"{title:<36}{row['count']:>7,}{row['per_second']:>10,}{row['p50_ms']:>9,}{row['p95_ms']:>9,}"
            f"{row['max_ms']:>9,}"
        )
    if result["too_fast"]:
        print(f"{result['too_fast']:,} answers were too_fast: start the server with LIMITS=bench.")
    if result["reconnected"]:
        print(f"{result['reconnected']:,} connections were made anew.")
    for number, played in enumerate(plays, 1):
        for sentence in played.wrong:
            print(f"conversation {number}: {sentence}")
    if result["undelivered"]:
        print(f"{result['undelivered']:,} replies never reached the visitor's open socket.")
    if result["wrong"]:
        print(f"{result['wrong']:,} conversations are not as they were said.")
    else:
        print("Every message is there once, in order, as it was said.")


def arguments(words: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Plays conversations against a running server.")
    parser.add_argument("file", type=Path, help="JSON lines, .gz too")
    parser.add_argument(
        "--demo", type=Path, default=ROOT / "var" / "demo.json", help="address and sign-in (var/demo.json)"
    )
    parser.add_argument("--url", help="the server, where it isn't the demo's")
    parser.add_argument("--key", help="the widget's key")
    parser.add_argument("--origin", default="", help="the page's origin (the server's own)")
    parser.add_argument("--email", help="of a member of staff")
    parser.add_argument("--password")
    parser.add_argument("--visitors", type=int, default=50, help="conversations at a time (50)")
    parser.add_argument("--limit", type=int, help="only the first so many conversations")
    parser.add_argument(
        "--speed", type=float, help="times as fast as people write; default: no pauses at all"
    )
    parser.add_argument("--out", type=Path, help="also write the numbers there, as JSON")
    return parser.parse_args(words)


def target(options: argparse.Namespace) -> tuple[Place, str, str]:
    """Where to play, and as whom: the options, else what demo.json says."""
    known: dict[str, Any] = {}
    if not all((options.url, options.key, options.email, options.password)):
        try:
            known = json.loads(options.demo.read_text())
        except OSError as error:
            sys.exit(f"{options.demo}: {error.strerror}. Give --demo, or --url --key --email --password.")
    admin = known.get("admin", {})
    place = Place(
        (options.url or known["url"]).rstrip("/"), options.key or known["widget_key"], options.origin
    )
    return place, options.email or admin["email"], options.password or admin["password"]


async def run(options: argparse.Namespace) -> int:
    """Plays, proves, prints. Returns the exit status."""
    place, email, password = target(options)
    plays = [Played(lines) for lines in read(options.file, options.limit) if lines]
    staff = StaffClient(place.url)
    replay = Replay(place, staff, options.speed)
    try:
        await asyncio.to_thread(staff.sign_in, email, password)
        began = time.perf_counter()
        await each(plays, replay.play, options.visitors)
        seconds = time.perf_counter() - began
        await each(plays, replay.verify, options.visitors)
    except SignInFailed as error:
        sys.exit(f"{place.url}: can't sign in: {error}")
    except TimeoutError:
        sys.exit(f"{place.url}: no answer for {PATIENCE_SECONDS:.0f} s. Does the server still run?")
    except OSError as error:
        sys.exit(f"{place.url}: {error}")
    except Refused as error:
        sys.exit(
            f"{place.url}: the visitor socket refuses ({error.code}): {REASONS.get(error.code, error.detail)}"
        )
    except ReplyFailed as error:
        sys.exit(f"{place.url}: a staff reply was not taken: {error}")
    finally:
        staff.close()
    result = report(replay, plays, seconds)
    show(result, plays)
    if options.out is not None:
        options.out.write_text(json.dumps(result, indent=2) + "\n")
    return 1 if result["wrong"] or result["undelivered"] else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(run(arguments(sys.argv[1:]))))
