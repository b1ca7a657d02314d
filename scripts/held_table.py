"""The table of what is held about people in docs/security.md, made from the register: `held_table.py [--check]`."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

import django

PAGE = Path(__file__).resolve().parent.parent / "docs" / "security.md"
BEGIN, END = "<!-- the register: begin -->\n", "<!-- the register: end -->\n"


def table() -> Iterator[str]:
    """The lines of the table, one row for each table of the register."""
    from exports.held_data import WHY  # noqa: PLC0415 — after the settings
    from exports.register import PERSON, REGISTER  # noqa: PLC0415

    yield "| what | why | exported as | what of it is not exported |\n"
    yield "| --- | --- | --- | --- |\n"
    for one in (PERSON, *(entry for entry in REGISTER if entry is not PERSON)):
        exported = f"`{one.name}`" if one.resource else "not at all"
        left_out = "; ".join(f"`{column}`: {why}" for column, why in sorted(one.left_out.items()))
        yield f"| {one.holds} | {WHY[one.name]} | {exported} | {left_out} |\n"


def renewed(page: str) -> str:
    """The page with the table as it must be. Raises ValueError where its place isn't marked."""
    before, found, rest = page.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (found and ended):
        raise ValueError(f"the place between {BEGIN.strip()} and {END.strip()} is missing")
    return "".join([before, BEGIN, *table(), END, after])


def main(words: list[str]) -> int:
    """Writes the table, or with `--check` says whether it is as it must be: 0 or 1."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatadmin.settings")
    # Nothing is signed here, so any secret does.
    os.environ.setdefault("SECRET_KEY", secrets.token_hex(32))
    django.setup()
    page = PAGE.read_text()
    right = renewed(page)
    if words == ["--check"]:
        if page != right:
            print("docs/security.md: the register has changed; run .venv/bin/python -m scripts.held_table")
        return int(page != right)
    PAGE.write_text(right)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
