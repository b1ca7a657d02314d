"""What a message's body and data look like to staff. Both come from strangers: nothing in them is trusted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

FIELDS_SHOWN = 100
NAME_CHARS = 300
# Invisible and direction-turning characters end an address: they could make it read as another.
_ADDRESS = re.compile(
    r"https?://[^\s<>\"'\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]+", re.IGNORECASE
)
_TRAILING = ".,:;!?)]}*_~’”»"
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class FileLink:
    """A file or image by name, never loaded. `address` is https, or "" where there is none to trust; `size` in bytes."""

    name: str
    address: str
    size: int | None


@dataclass(frozen=True)
class Answer:
    """One field of a form that was filled in."""

    label: str
    value: str


def web_address(value: Any, schemes: tuple[str, ...] = ("http", "https")) -> str:
    """`value` where it is an address of one of `schemes` with a host and nothing odd in it, else ""."""
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        return ""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return ""
    return value if parts.scheme.lower() in schemes and parts.hostname else ""


def linked(text: str) -> SafeString:
    """`text` escaped, its http and https addresses made links that tell nothing of where they stood."""
    pieces: list[SafeString | str] = []
    end = 0
    for match in _ADDRESS.finditer(text):
        address = match.group().rstrip(_TRAILING)
        if not web_address(address):
            continue
        pieces.append(conditional_escape(text[end : match.start()]))
        pieces.append(_link(address, address))
        end = match.start() + len(address)
    pieces.append(conditional_escape(text[end:]))
    return mark_safe("".join(pieces))  # noqa: S308 - every piece was escaped


def _link(address: str, text: str) -> SafeString:
    return format_html(
        '<a href="{}" target="_blank" rel="nofollow noopener noreferrer">{}</a>', address, text
    )


def file_of(data: Any) -> FileLink:
    """The file that a message's data names; direction marks could make `gpj.exe` read as `exe.jpg`."""
    known = data if isinstance(data, dict) else {}
    size = known.get("size")
    sized = isinstance(size, int | float) and not isinstance(size, bool) and 0 <= size < 2**53
    return FileLink(
        name=_TURNING.sub("", _plain(known.get("name"))).strip()[:NAME_CHARS],
        address=web_address(known.get("url"), ("https",)),
        size=int(size) if sized and isinstance(size, int | float) else None,
    )


def answers_of(data: Any) -> list[Answer]:
    """The fields of a form that was filled in; what isn't a field is left out."""
    fields = data.get("fields") if isinstance(data, dict) else None
    if not isinstance(fields, list):
        return []
    return [
        Answer(_plain(field.get("label")), _plain(field.get("value")))
        for field in fields[:FIELDS_SHOWN]
        if isinstance(field, dict)
    ]


def _plain(value: Any) -> str:
    return str(value) if isinstance(value, str | int | float | bool) else ""
