"""The sessions tab: each visit, how long it was and how it ended."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.test import Client
from django.utils import timezone

from conversations.models import ActivityEvent
from conversations.sessions import PAGE_VISITS
from tests.factories import make_person, make_visit
from tests.users.pages import errors_of, text_of

pytestmark = pytest.mark.django_db
START = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)


def rows(page: str) -> list[str]:
    return re.findall(r"<tr data-visit>.*?</tr>", page, re.DOTALL)


def test_a_visit_tells_how_it_went(support_client: Client) -> None:
    person = make_person("Ada")
    visit = make_visit(
        person,
        started_at=START,
        ended_at=START + dt.timedelta(minutes=75),
        how_ended="estimated",
        landing_url="https://site.example/pricing",
        landing_title="Pricing",
        referrer="https://search.example/",
        browser="Firefox",
        browser_version="140",
        os="Linux",
        network="203.0.113.0/24",
    )
    for _ in range(2):
        ActivityEvent.objects.create(chat_user=person, visit=visit, kind="page")
    ActivityEvent.objects.create(chat_user=person, visit=visit, kind="widget_opened")
    (row,) = rows(text_of(support_client.get(f"/users/{person.uuid}/sessions/")))
    for told in ("2 Mar 2026, 09:00", "1 h 15 min", "estimated", "Pricing", "https://search.example/"):
        assert told in row
    for told in ("Firefox 140 · Linux", "203.0.113.0/24", '<td class="n">3</td>'):
        assert told in row


def test_one_that_goes_on_is_counted_from_its_start(support_client: Client) -> None:
    person = make_person("Ada")
    visit = make_visit(person, started_at=timezone.now() - dt.timedelta(minutes=12))
    (row,) = rows(text_of(support_client.get(f"/users/{person.uuid}/sessions/")))
    assert f'data-since="{visit.started_at:%Y-%m-%dT%H:%M:%SZ}"' in row
    assert "12 min" in row
    assert "estimated" not in row


def test_no_visits_yet_is_said(support_client: Client) -> None:
    assert "No visits yet" in text_of(support_client.get(f"/users/{make_person('Ada').uuid}/sessions/"))


def test_long_lists_have_pages(support_client: Client) -> None:
    person = make_person("Ada")
    for day in range(PAGE_VISITS + 2):
        at = START + dt.timedelta(days=day)
        make_visit(person, started_at=at, ended_at=at)
    first = support_client.get(f"/users/{person.uuid}/sessions/")
    assert len(rows(text_of(first))) == PAGE_VISITS
    second = support_client.get(f"/users/{person.uuid}/sessions/", {"after": first.context["page"].after})
    assert len(rows(text_of(second))) == 2
    back = support_client.get(f"/users/{person.uuid}/sessions/", {"before": second.context["page"].before})
    assert rows(text_of(back)) == rows(text_of(first))


def test_a_broken_link_shows_the_newest_and_says_so(support_client: Client) -> None:
    answer = support_client.get(f"/users/{make_person('Ada').uuid}/sessions/", {"before": "x"})
    assert answer.status_code == 200
    assert list(errors_of(answer)) == ["before"]
