"""Export, import into an empty database, export: the same content for every text that a database can hold."""

from __future__ import annotations

import datetime as dt
import itertools
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from chatadmin.lib.tokens import folded, tokens
from conversations.counters import wrong
from conversations.models import ActivityEvent, Conversation, Message
from exports.stream import Form
from tests.exports.importing import bring_in, content, counts, forget_everyone, tables, write
from tests.factories import make_messages, make_person, make_visit
from users.models import ChatUser, Note, Tag, Tagging

pytestmark = pytest.mark.django_db
START = dt.datetime(2026, 3, 1, 9, 30, 15, 250_000, tzinfo=dt.UTC)
NASTY = [
    "=1+1",
    "'",
    "''=",
    "-5",
    "+49 30",
    "\t@x",
    "\r",
    "\r\n",
    "\n",
    '"',
    '",\r\n"',
    "＝x",
    "﻿",
    "\x1e",
    "﷐",
    "𝄞",
    "null",
    "true",
    "{}",
]
# NUL and half a surrogate pair can't be held by PostgreSQL, and are let in nowhere: an import refuses the row.
ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
TEXT = ANY | st.sampled_from(NASTY) | st.tuples(st.sampled_from(NASTY), ANY).map("".join)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
OBJECT = st.dictionaries(TEXT, PLAIN, max_size=4)


def cut(most: int) -> Any:
    return TEXT.map(lambda text: text[:most])


@hypothesis_settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    form=st.sampled_from(list(Form)),
    bodies=st.lists(TEXT, min_size=1, max_size=5),
    texts=st.tuples(cut(200), cut(254), cut(200), cut(60), cut(100), cut(300)),
    note=TEXT,
    tag=cut(40),
    traits=OBJECT,
    data=st.none() | OBJECT | st.lists(PLAIN, max_size=3),
)
def test_every_text_comes_back(
    form: Form, bodies: list[str], texts: tuple[str, ...], note: str, tag: str, traits: Any, data: Any
) -> None:
    forget_everyone()
    name, email, external_id, browser, author, title = texts
    person = make_person(
        name,
        email,
        external_id=external_id or None,
        traits=traits,
        browser=browser,
        vip_reason=title[:200] or None,
    )
    ChatUser.objects.filter(pk=person.pk).update(
        name_folded=folded(name, 800), email_folded=folded(email, 1016), is_vip=True
    )
    visit = make_visit(person, started_at=START, landing_title=title, referrer=title, landing_url=name)
    make_messages(person, *[("visitor", body) for body in bodies], start=START, data=data)
    ActivityEvent.objects.create(
        chat_user=person, visit=visit, kind="page", at=START, data={"title": title, "all": traits}
    )
    Note.objects.create(chat_user=person, body=note, author_name=author, created_at=START)
    if short := folded(tag, 160):
        worn = Tag.objects.create(name=tag, name_folded=short)
        Tagging.objects.create(chat_user=person, tag=worn, at=START)
    ChatUser.objects.filter(pk=person.pk).update(first_seen=START)
    before = content(person.uuid)
    with tempfile.TemporaryDirectory() as folder:
        path = write(person, Path(folder), form)
        forget_everyone()
        status, said = bring_in(path)
        assert (status, said.count("\n")) == (0, 4), said
        assert content(person.uuid) == before
        assert list(wrong()) == []
        status, said = bring_in(path)
        assert counts(said, "messages") == (0, 0, len(bodies), 0)
        assert content(person.uuid) == before


def test_all_of_unicode(tmp_path: Path) -> None:
    """Every character that a text column can hold, first and in the middle of a message."""
    person = make_person("Ana")
    characters = [chr(code) for code in itertools.chain(range(1, 0xD800), range(0xE000, 0x110000))]
    bodies = ["".join(characters[at : at + 4_000]) for at in range(0, len(characters), 4_000)]
    bodies += [f"{sign}{sign}x" for sign in characters[:0x300]]
    conversation = Conversation.objects.create(
        chat_user=person, started_at=START, last_message_at=START, turn="staff", unread_count=len(bodies)
    )
    Message.objects.bulk_create(
        Message(
            conversation=conversation,
            chat_user=person,
            sender="visitor",
            body=body,
            tokens=tokens(body),
            created_at=START,
        )
        for body in bodies
    )
    ChatUser.objects.update(
        message_count=len(bodies), unread_count=len(bodies), first_contact=START, first_seen=START
    )
    before, as_tables = content(person.uuid), tables(person.uuid)
    paths = [write(person, tmp_path, form) for form in Form]
    for path in paths:
        forget_everyone()
        status, said = bring_in(path)
        assert (status, counts(said, "messages")) == (0, (len(bodies), 0, 0, 0))
        assert content(person.uuid) == before
        again = tables(person.uuid)
        assert again["profile.csv"] == as_tables["profile.csv"]
        assert list(wrong()) == []
