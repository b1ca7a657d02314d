"""What demo people say: support talk in eighteen languages, filled with orders, products, towns and amounts.

Reads `languages/*.toml`, knows no database. Products are named by Zipf's law, so that words range from those in
every tenth message to those said once.
"""

from __future__ import annotations

import functools
import itertools
import random
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

LANGUAGES = Path(__file__).parent / "languages"
FILES_URL = "https://files.shop.example"
PRODUCTS = 20_000
ZIPF_EXPONENT = 1.0
DRAWN_AT_ONCE = 4_096
SENDERS = {"v": "visitor", "s": "staff", "b": "bot"}
_LINE = re.compile(r"([vsb])(?:\[(\w+)\])? (.*)", re.DOTALL)

Item = TypeVar("Item")


@dataclass(frozen=True)
class Line:
    """One line of a talk; `text`, and the strings in `data`, may hold slots."""

    sender: str
    kind: str
    text: str
    data: dict[str, Any] | None = None


@dataclass(frozen=True)
class Said:
    """A line as somebody says it."""

    sender: str
    kind: str
    body: str
    data: dict[str, Any] | None


@dataclass(frozen=True)
class Language:
    """A language's talks and the names of those who speak it. `weight` is its share of people."""

    code: str
    weight: int
    given: list[str]
    family: list[str]
    family_first: bool
    joiner: str
    towns: list[str]
    domains: list[str]
    amount: str
    talks: list[list[Line]]
    bot: list[Line]
    nudges: list[Line]
    late: list[Line]


def parse_line(text: str) -> Line:
    """`v Hello`, `s[file] caption | name | bytes | type`, `v[form] caption | label: value | …` as a Line.

    Raises ValueError for anything else.
    """
    match = _LINE.fullmatch(text)
    if match is None:
        raise ValueError(f"no line of a talk: {text!r}")
    sender, kind, rest = SENDERS[match[1]], match[2] or "text", match[3]
    if kind == "text":
        return Line(sender, kind, rest)
    caption, *parts = [part.strip() for part in rest.split("|")]
    if kind == "form":
        fields = [part.split(": ", 1) for part in parts]
        return Line(
            sender, kind, caption, {"fields": [{"label": label, "value": value} for label, value in fields]}
        )
    if kind not in {"image", "file"}:
        raise ValueError(f"no kind of message: {text!r}")
    name, size, mime = parts
    return Line(sender, kind, caption, {"name": name, "size": int(size), "type": mime})


@functools.cache
def languages() -> dict[str, Language]:
    """Every language by its code, in the order of codes."""
    found = {}
    for path in sorted(LANGUAGES.glob("*.toml")):
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        found[path.stem] = Language(
            code=path.stem,
            weight=raw["weight"],
            given=raw["given"],
            family=raw["family"],
            family_first=raw.get("family_first", False),
            joiner=raw.get("joiner", " "),
            towns=raw["towns"],
            domains=raw["domains"],
            amount=raw["amount"],
            talks=[[parse_line(line) for line in talk["lines"]] for talk in raw["talk"]],
            bot=[Line("bot", "text", text) for text in raw["bot"]],
            nudges=[Line("visitor", "text", text) for text in raw["nudges"]],
            late=[Line("staff", "text", text) for text in raw["late"]],
        )
    return found


def zipf(rng: random.Random, items: Sequence[Item]) -> Iterator[Item]:
    """`items` for ever, the first most often: the one of rank r in proportion to 1/r."""
    weights = list(itertools.accumulate(1 / rank**ZIPF_EXPONENT for rank in range(1, len(items) + 1)))
    while True:
        yield from rng.choices(items, cum_weights=weights, k=DRAWN_AT_ONCE)


@functools.cache
def products() -> list[str]:
    """Names of things for sale, like `Velora K-240`; the same in every run."""
    rng = random.Random("catalogue")
    heads = [
        "ve",
        "ka",
        "mi",
        "so",
        "ta",
        "lu",
        "bre",
        "fi",
        "no",
        "or",
        "zan",
        "pel",
        "dri",
        "gal",
        "ser",
        "wen",
    ]
    tails = [
        "lora",
        "nix",
        "ta",
        "reo",
        "vin",
        "sol",
        "mara",
        "quil",
        "dar",
        "pax",
        "lume",
        "ston",
        "ria",
        "bel",
    ]
    made: dict[str, None] = {}
    while len(made) < PRODUCTS:
        brand = "".join(rng.choices(heads, k=rng.choice((1, 1, 2)))) + rng.choice(tails)
        made[f"{brand.capitalize()} {rng.choice('ABCDEGHKLMNPRSTX')}-{rng.randrange(10, 1000)}"] = None
    return list(made)


class Speaker:
    """Says things, always the same for the same `rng`."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.products = zipf(rng, products())

    def slots(self, language: Language) -> dict[str, str]:
        """What fills the slots throughout one talk."""
        rng = self.rng
        number = int(rng.random() * 900_000) + 100_000
        return {
            "order": str(number if number % 3 else number // 10),
            "product": next(self.products),
            "amount": language.amount.format(5 + number % 290, f"{number % 100:02d}"),
            "track": f"{number * 7919 % 10**9:09d}{'ABCDEFGH'[number % 8]}",
            "town": language.towns[number % len(language.towns)],
            "code": f"THANKS{number % 9000 + 1000}",
            "days": str(2 + number % 4),
        }

    def say(self, line: Line, slots: dict[str, str]) -> Said:
        """`line` with its slots filled."""
        data = None
        if line.data is not None:
            data = _filled(line.data, slots)
            if "name" in data:
                data["url"] = f"{FILES_URL}/{slots['track']}/{quote(data['name'])}"
        return Said(line.sender, line.kind, line.text.format_map(slots), data)

    def talk(self, language: Language, length: int) -> list[Said]:
        """`length` messages: talks of that language, one after another, the last one perhaps cut short.

        The visitor begins. Now and then the bot answers first.
        """
        rng = self.rng
        said: list[Said] = []
        while len(said) < length:
            slots = self.slots(language)
            said.extend([self.say(line, slots) for line in rng.choice(language.talks)])
        if length > 1 and rng.random() < 0.15:
            said.insert(1, self.say(rng.choice(language.bot), {}))
        return said[:length]

    def waiting(self, language: Language, said: list[Said], count: int) -> None:
        """Makes the last `count` of `said` the visitor's, who waits for an answer."""
        for at in range(len(said) - count, len(said)):
            if said[at].sender != "visitor":
                said[at] = self.say(self.rng.choice(language.nudges), {})

    def answer_late(self, language: Language, said: list[Said]) -> None:
        """Makes the last of `said` an answer that came after the visitor had gone."""
        said[-1] = self.say(self.rng.choice(language.late), self.slots(language))


def _filled(value: Any, slots: dict[str, str]) -> Any:
    if isinstance(value, str):
        return value.format_map(slots)
    if isinstance(value, list):
        return [_filled(item, slots) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item, slots) for key, item in value.items()}
    return value
