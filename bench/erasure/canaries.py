"""Words that stand nowhere else, planted in everything that is known of somebody, and looked for in a database's files.

An index keeps what a word shares with the one before it only once, and of beginnings a few letters: so no two begin
alike, and what is looked for is a piece of each that isn't shared.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from chatadmin.lib.tokens import tokens
from conversations.models import ActivityEvent, Message
from users.models import ChatUser, Note, Visit

# Without vowels: five of these in a row are no language's, and hardly a number's.
LETTERS = "bcdfghjkmnpqrstvwxz"
COUNT, LENGTH = len(LETTERS), 16
BLOCK = 16 * 1024 * 1024


def words(seed: int) -> list[str]:
    """COUNT words, each with another first letter; the same for the same `seed`."""
    chosen = random.Random(seed)
    return [first + "".join(chosen.choices(LETTERS, k=LENGTH - 1)) for first in LETTERS]


def plant(person: ChatUser, canaries: Sequence[str]) -> None:
    """Puts one into each of what is known beside the messages, and the others into messages from the first to the last."""
    name, email, trait, page, note, event, *said = canaries
    person.name, person.email, person.traits = name, f"{email}@shop.example", {"plan": trait}
    person.save(update_fields=["name", "email", "traits"])
    Visit.objects.create(
        chat_user=person,
        started_at=person.first_seen,
        last_seen_at=person.first_seen,
        landing_url=f"https://shop.example/{page}",
    )
    Note.objects.create(chat_user=person, body=note)
    ActivityEvent.objects.create(chat_user=person, kind="page", data={"url": f"/{event}"})
    held = Message.objects.filter(chat_user=person).order_by("pk").values_list("pk", flat=True)
    step = max(1, held.count() // len(said))
    for key, word in zip(held[::step], said, strict=False):
        body = f"Is {word} here?"
        Message.objects.filter(pk=key).update(body=body, tokens=tokens(body))


def found_in(files: Sequence[Path], canaries: Sequence[str]) -> dict[str, list[str]]:
    """By file, those of `canaries` of which it holds a piece; files that aren't there hold nothing."""
    return {file.name: _in_file(file, canaries) for file in files if file.exists()}


def _in_file(file: Path, canaries: Sequence[str]) -> list[str]:
    pieces = {word: [word[2:7].encode(), word[-8:].encode()] for word in canaries}
    found: set[str] = set()
    kept = b""
    with open(file, "rb") as read:
        while block := read.read(BLOCK):
            whole = kept + block
            found |= {word for word, parts in pieces.items() if any(part in whole for part in parts)}
            kept = block[-LENGTH:]
    return sorted(found)
