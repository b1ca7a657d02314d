"""The activity tab: what happened, newest first, older by a link."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.test import Client

from conversations.models import ActivityEvent
from conversations.timeline import PAGE_ENTRIES
from tests.factories import make_messages, make_person, make_visit
from tests.users.pages import errors_of, text_of

pytestmark = pytest.mark.django_db
START = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)


def events(page: str) -> list[str]:
    return re.findall(r'data-event="([^"]+)"', page)


def test_what_happened_is_told_newest_first(support_client: Client) -> None:
    person = make_person("Ada")
    make_visit(
        person, started_at=START, landing_url="https://site.example/", landing_title="Home", browser="Firefox"
    )
    ActivityEvent.objects.create(
        chat_user=person,
        kind="page",
        at=START + dt.timedelta(minutes=1),
        data={"url": "javascript:x", "title": "Odd"},
    )
    make_messages(person, ("visitor", "Hello?"), ("staff", "Hello!"), start=START + dt.timedelta(minutes=2))
    page = text_of(support_client.get(f"/users/{person.uuid}/activity/"))
    assert events(page) == ["response_received", "message_sent", "page", "first_visit"]
    assert "data-timeline" in page
    assert 'href="https://site.example/"' in page
    assert 'href="javascript:' not in page
    assert "javascript:x" in page
    assert "Firefox" in page


def test_nothing_happened_yet_is_said(support_client: Client) -> None:
    assert "Nothing happened yet" in text_of(
        support_client.get(f"/users/{make_person('Ada').uuid}/activity/")
    )


def test_older_entries_are_a_link_and_come_as_a_part(support_client: Client) -> None:
    person = make_person("Ada")
    for minute in range(PAGE_ENTRIES + 3):
        ActivityEvent.objects.create(
            chat_user=person, kind="widget_opened", at=START + dt.timedelta(minutes=minute)
        )
    page = text_of(support_client.get(f"/users/{person.uuid}/activity/"))
    assert len(events(page)) == PAGE_ENTRIES
    link = re.search(r'rel="next" href="([^"]+)"', page).group(1)
    whole = text_of(support_client.get(link))
    assert len(events(whole)) == 3
    assert "data-timeline" not in whole
    part = text_of(support_client.get(link, headers={"HX-Request": "true"}))
    assert len(events(part)) == 3
    assert "<html" not in part


def test_a_broken_link_shows_the_newest_and_says_so(support_client: Client) -> None:
    answer = support_client.get(f"/users/{make_person('Ada').uuid}/activity/", {"after": "x"})
    assert answer.status_code == 200
    assert list(errors_of(answer)) == ["after"]
