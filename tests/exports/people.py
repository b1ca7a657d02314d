"""People about whom everything is known, with a mark of their own in every field and channel."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from chatadmin.lib.tokens import tokens
from conversations.models import ActivityEvent, EventKind, MergeJournal, Message
from exports.models import Claim, Request
from tests.factories import make_messages, make_person, make_visit
from users.models import ChatUser, Note, Tag, Tagging, VisitorToken

START = dt.datetime(2026, 3, 1, 9, 30, 15, 250_000, tzinfo=dt.UTC)
PLACES = (
    *("name", "email", "extid", "trait", "browser", "reason"),
    *("body", "second", "data"),
    *("visit", "title", "referrer", "event", "note", "merged", "tokenhash", "asked"),
)


@dataclass(frozen=True)
class Marked:
    """A person and the strings that only they have."""

    person: ChatUser
    marks: tuple[str, ...]


def make_marked(word: str) -> Marked:
    """A person with two conversations, a file, a visit, an event, a note, a merge and a tag that all wear. Every
    mark ends in `word` and begins otherwise than the others, for a full-text index keeps what words share only once.
    """
    mark = {place: f"{place}{word}" for place in PLACES}
    person = make_person(
        f"{mark['name']} Okafor",
        f"{mark['email']}@northpine.example",
        external_id=mark["extid"],
        traits={"plan": mark["trait"], "seats": 12},
        identified_at=START,
        verified_at=START,
        first_seen=START,
        browser=mark["browser"],
        browser_version="131",
        os="Windows",
        device_kind="desktop",
        is_vip=True,
        vip_reason=mark["reason"],
    )
    _say(person, mark)
    _do(person, mark)
    return Marked(person, tuple(mark.values()))


def _say(person: ChatUser, mark: dict[str, str]) -> None:
    first = make_messages(
        person,
        ("visitor", f"Hello, this is {mark['body']} — ça va? ありがとう 🎉"),
        ("staff", '=1+1 is not a formula\r\nsecond line, "quoted"'),
        start=START,
        author_name="Dana",
    )
    conversation = first[0].conversation
    conversation.status, conversation.closed_at = "closed", START + dt.timedelta(hours=2)
    conversation.save()
    later = START.replace(day=9)
    make_messages(person, ("visitor", mark["second"]), ("system", "Conversation closed"), start=later)
    Message.objects.create(
        conversation=person.conversations.get(status="open"),
        chat_user=person,
        sender="visitor",
        kind="file",
        data={
            "name": f"{mark['data']}.pdf",
            "size": 371_000,
            "type": "application/pdf",
            "url": "https://f.example/1",
        },
        tokens=tokens(mark["data"]),
        client_id=uuid.uuid4(),
        created_at=later.replace(hour=12),
    )
    person.message_count += 1
    person.save(update_fields=["message_count"])


def _do(person: ChatUser, mark: dict[str, str]) -> None:
    visit = make_visit(
        person,
        started_at=START,
        ended_at=START + dt.timedelta(minutes=9),
        how_ended="left",
        landing_url=f"https://site.example/{mark['visit']}?a=b",
        landing_title=mark["title"],
        referrer=f"https://search.example/?q={mark['referrer']}",
        network="203.0.113.0/24",
        browser=mark["browser"],
    )
    page = {"url": f"/{mark['event']}"}
    ActivityEvent.objects.create(chat_user=person, visit=visit, kind=EventKind.PAGE, at=START, data=page)
    Note.objects.create(
        chat_user=person, author_name="Dana", body=f"-prefers {mark['note']}", created_at=START
    )
    earlier = {"name": mark["merged"]}
    MergeJournal.objects.create(
        chat_user=person, merged_uuid=uuid.uuid4(), profile=earlier, moved={"Message": [1]}, at=START
    )
    VisitorToken.objects.create(chat_user=person, token_hash=mark["tokenhash"])
    tag, _ = Tag.objects.get_or_create(name_folded="wholesale", defaults={"name": "Wholesale"})
    Tagging.objects.create(chat_user=person, tag=tag, at=START)
    asked = Request.objects.create(kind="access", proof="mailbox", asked_at=START)
    Claim.objects.create(
        request=asked, chat_user=person, email=f"{mark['asked']}@northpine.example", due_at=START
    )
