"""Who the demo people are: names, addresses, devices, tags, notes, and where on the site they look around."""

from __future__ import annotations

import itertools
import random
import uuid
from dataclasses import dataclass, field
from functools import cache

from chatadmin.lib.tokens import fold
from conversations.demo.cast import Role
from conversations.demo.speech import Language, languages

SITE = "https://shop.example"
# The e-mail address of somebody whose name has no Latin letters.
NICKS = [
    "sunny",
    "river",
    "maple",
    "kite",
    "lotus",
    "amber",
    "harbor",
    "cloud",
    "tiger",
    "willow",
    "paper",
    "violet",
]
PAGES = [
    ("/", "Home"),
    ("/pricing", "Pricing"),
    ("/shipping", "Shipping and delivery"),
    ("/products/kettles", "Kettles"),
    ("/products/lamps", "Lamps"),
    ("/products/velora-k-240", "Velora K-240"),
    ("/help/returns", "How to return something"),
    ("/help/invoices", "Invoices and VAT"),
    ("/account/orders", "My orders"),
    ("/checkout", "Checkout"),
]
REFERRERS = [
    "",
    "",
    "",
    "https://search.example/",
    "https://search.example/?q=kettle",
    "https://news.example/gifts-of-the-year",
    "https://newsletter.northpine.example/spring",
    "https://compare.example/lamps",
]
# (browser, newest version, system, kind), the commonest first.
DEVICES = [
    ("Chrome", 131, "Windows", "desktop"),
    ("Safari", 18, "iOS", "phone"),
    ("Chrome", 131, "Android", "phone"),
    ("Safari", 18, "macOS", "desktop"),
    ("Edge", 131, "Windows", "desktop"),
    ("Firefox", 133, "Windows", "desktop"),
    ("Samsung Internet", 26, "Android", "phone"),
    ("Firefox", 133, "Linux", "desktop"),
    ("Chrome", 131, "macOS", "desktop"),
    ("Safari", 17, "iOS", "tablet"),
    ("Opera", 114, "Windows", "desktop"),
    ("", 0, "", ""),
]
DEVICE_WEIGHTS = list(itertools.accumulate((30, 18, 17, 9, 8, 5, 4, 3, 3, 2, 1, 1)))
NETWORKS = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"]
TAGS = {
    "billing": 0.11,
    "shipping": 0.12,
    "returns": 0.06,
    "wholesale": 0.03,
    "beta": 0.04,
    "newsletter": 0.05,
}
CAST_TAGS = ("jp", "press", "spam")
TAG_COLORS = {
    "billing": "blue",
    "shipping": "teal",
    "returns": "orange",
    "wholesale": "violet",
    "spam": "red",
}
NOTES = [
    "Called back on the phone, all settled.",
    "Asks for the invoice every month: send it on the 1st without being asked.",
    "Was promised free shipping on the next order.",
    "Speaks English as well, prefers to be written to in their own language.",
    "Very patient. Sent a voucher as a thank-you.",
    "Careful: had a wrong parcel twice. Check the address label before it leaves.",
    "Wants to be told when the new colour is in stock.",
    "Second account with the same name, not the same person.",
    "Reads our help pages closely and reports typos.",
]
PLANS = ["free", "free", "free", "plus", "business"]


@dataclass(frozen=True)
class Device:
    """What their browser says of itself."""

    browser: str
    browser_version: str
    os: str
    kind: str


@dataclass(frozen=True)
class Who:
    """Somebody, apart from what they did."""

    uuid: uuid.UUID
    language: Language
    device: Device
    network: str
    name: str = ""
    email: str = ""
    external_id: str | None = None
    is_vip: bool = False
    vip_reason: str | None = None
    is_blocked: bool = False
    tags: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    traits: dict[str, object] = field(default_factory=dict)

    @property
    def fields(self) -> list[str]:
        """Which of external_id, name and email are known."""
        return [name for name in ("external_id", "name", "email") if getattr(self, name)]


@cache
def _spoken() -> tuple[list[Language], list[int]]:
    found = list(languages().values())
    return found, list(itertools.accumulate(language.weight for language in found))


def draw_device(rng: random.Random) -> Device:
    """A browser on a system; the common ones more often."""
    browser, newest, system, kind = rng.choices(DEVICES, cum_weights=DEVICE_WEIGHTS)[0]
    version = str(newest - int(rng.expovariate(0.9))) if newest else ""
    return Device(browser, version, system, kind)


def draw_network(rng: random.Random) -> str:
    """A network prefix out of the ranges that are kept for documentation; now and then not collected."""
    drawn = rng.random()
    if drawn < 0.05:
        return ""
    return f"2001:db8:{int(drawn * 65_000):x}::/48" if drawn < 0.35 else rng.choice(NETWORKS)


def draw(rng: random.Random, number: int, seed: int, role: Role | None) -> Who:
    """The person of that number; `role` where they are of the cast."""
    person = uuid.UUID(int=rng.getrandbits(128), version=4)
    device, network = draw_device(rng), draw_network(rng)
    if role is not None:
        return Who(
            uuid=person,
            language=languages()[role.language],
            device=device,
            network=network,
            name=role.name,
            email=role.email,
            external_id=f"{role.external_id}-{seed}" if role.external_id else None,
            is_vip=role.vip,
            vip_reason=role.vip_reason or None,
            is_blocked=role.blocked,
            tags=role.tags,
            notes=role.notes,
            traits=_traits(rng, bool(role.external_id)),
        )
    spoken, weights = _spoken()
    language = rng.choices(spoken, cum_weights=weights)[0]
    drawn = rng.random()
    if drawn < 0.27:
        return Who(person, language, device, network, traits=_traits(rng, False))
    name, email = name_and_address(rng, language, number)
    external_id = f"cust-{seed}-{number:06d}" if rng.random() < 0.2 else None
    return Who(
        uuid=person,
        language=language,
        device=device,
        network=network,
        name="" if drawn < 0.34 else name,
        email="" if drawn > 0.95 else email,
        external_id=external_id,
        is_vip=rng.random() < 0.04,
        tags=_tags(rng, language),
        notes=[rng.choice(NOTES)] if rng.random() < 0.08 else [],
        traits=_traits(rng, external_id is not None),
    )


def name_and_address(rng: random.Random, language: Language, number: int) -> tuple[str, str]:
    given, family = rng.choice(language.given), rng.choice(language.family)
    parts = [family, given] if language.family_first else [given, family]
    local = ".".join(_latin(part) for part in (given, family))
    if not local.strip("."):
        local = rng.choice(NICKS)
    return language.joiner.join(parts), f"{local.strip('.')}{number}@{rng.choice(language.domains)}.example"


def _latin(name: str) -> str:
    opened = fold(name).translate({ord("ł"): "l", ord("ø"): "o", ord("đ"): "d", ord("ı"): "i"})
    return "".join(char for char in opened if char.isascii() and char.isalnum())


def _tags(rng: random.Random, language: Language) -> list[str]:
    found = [tag for tag, share in TAGS.items() if rng.random() < share]
    return ["jp", *found] if language.code == "ja" and rng.random() < 0.7 else found


def _traits(rng: random.Random, known: bool) -> dict[str, object]:
    if not known:
        return {"demo": True}
    return {"demo": True, "plan": rng.choice(PLANS), "orders": int(rng.expovariate(0.2))}
