"""Where the benchmark's data live: a database of its own for each scale, beside nobody else's."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

ROOT = Path(__file__).resolve().parent.parent
SEED = 7
NOW = dt.datetime(2026, 11, 24, 12, 0, tzinfo=dt.UTC)
ENGINES = ("sqlite", "postgresql")
TITLES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@dataclass(frozen=True)
class Size:
    """How many people there are, and how many messages they and staff said."""

    people: int
    messages: int


SIZES = {
    "small": Size(20_000, 200_000),
    "medium": Size(100_000, 1_000_000),
    "full": Size(1_000_000, 10_000_000),
}
SQLITE_FULL = Size(200_000, 2_000_000)


@dataclass(frozen=True)
class Effort:
    """How much is measured at a scale: `terms` of each class, `filtered` terms in all with each filter, each asked
    `repeats` times in each of five runs.

    `seconds`: how long a stock page of the baseline may take before it is broken off.
    """

    terms: int
    filtered: int
    repeats: int
    seconds: float


EFFORTS = {"small": Effort(2, 4, 1, 5.0), "medium": Effort(20, 22, 2, 20.0), "full": Effort(20, 33, 3, 60.0)}
RUNS = 5


@dataclass(frozen=True)
class Place:
    """One database of the benchmark. `name` is the database's, or the file's."""

    engine: str
    scale: str
    size: Size
    name: str
    url: str

    @property
    def title(self) -> str:
        """`PostgreSQL, full`."""
        return f"{TITLES[self.engine]}, {self.scale}"


def folder() -> Path:
    """Where the benchmark keeps its files: `bench/` in CHATADMIN_VAR."""
    return Path(os.environ.get("CHATADMIN_VAR") or ROOT / "var").resolve() / "bench"


def server_url() -> str:
    """A database of the PostgreSQL server in which the benchmark's own are made."""
    named = os.environ.get("BENCH_DATABASE_URL") or os.environ.get("TEST_DATABASE_URL")
    return named or "postgres://postgres@127.0.0.1/postgres"


def place(engine: str, scale: str) -> Place:
    """Where the data of that scale are; `scale` may also be `scratch`, a copy of small to write in."""
    size = SIZES["small" if scale == "scratch" else scale]
    if engine == "sqlite":
        path = folder() / f"{scale}.sqlite3"
        return Place(engine, scale, SQLITE_FULL if scale == "full" else size, path.name, f"sqlite:///{path}")
    name = f"{os.environ.get('BENCH_NAME') or 'bench'}_{scale}"
    return Place(engine, scale, size, name, urlunsplit(urlsplit(server_url())._replace(path=f"/{name}")))


def scales_up_to(scale: str) -> list[str]:
    """The scales from the smallest to that one. Raises KeyError for one that there isn't."""
    SIZES[scale]
    names = list(SIZES)
    return names[: names.index(scale) + 1]
