"""Blocking somebody and letting them write again."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from conversations.models import ActivityEvent
from staff.audit import entries_about
from tests.factories import make_person
from tests.users.pages import errors_of, text_of

pytestmark = pytest.mark.django_db


def test_blocked_and_unblocked_leave_their_lines(support_client: Client) -> None:
    person = make_person("Ada")
    assert 'name="blocked" value="yes"' in text_of(support_client.get(f"/users/{person.uuid}/edit/"))
    page = text_of(support_client.post(f"/users/{person.uuid}/block/", {"blocked": "yes"}, follow=True))
    person.refresh_from_db()
    assert person.blocked_at is not None
    assert "Blocked" in page
    assert 'name="blocked" value="no"' in text_of(support_client.get(f"/users/{person.uuid}/edit/"))
    support_client.post(f"/users/{person.uuid}/block/", {"blocked": "no"})
    person.refresh_from_db()
    assert person.blocked_at is None
    assert list(ActivityEvent.objects.order_by("pk").values_list("kind", flat=True)) == [
        "blocked",
        "unblocked",
    ]
    verbs = [line.verb for line in entries_about(person.uuid) if line.verb != "user.viewed"]
    assert verbs == ["user.unblocked", "user.blocked"]


def test_a_post_that_names_neither_turns_it_round(support_client: Client) -> None:
    person = make_person("Ana")
    for blocked in (True, False):
        support_client.post(f"/users/{person.uuid}/block/")
        person.refresh_from_db()
        assert (person.blocked_at is not None) is blocked


def test_blocking_twice_is_once(support_client: Client) -> None:
    person = make_person("Ada")
    for _ in range(2):
        support_client.post(f"/users/{person.uuid}/block/", {"blocked": "yes"})
    assert ActivityEvent.objects.count() == 1


def test_it_is_yes_or_no(support_client: Client) -> None:
    person = make_person("Ada")
    answer = support_client.post(f"/users/{person.uuid}/block/", {"blocked": "a little"})
    assert answer.status_code == 422
    assert list(errors_of(answer)) == ["blocked"]
    person.refresh_from_db()
    assert person.blocked_at is None


def test_neither_by_strangers_nor_the_erased(stranger: Client, support_client: Client) -> None:
    person = make_person("Ada", erased_at=timezone.now())
    given = {"blocked": "yes"}
    assert stranger.post(f"/users/{person.uuid}/block/", given)["Location"].startswith("/login/")
    assert support_client.post(f"/users/{person.uuid}/block/", given).status_code == 404
    person.refresh_from_db()
    assert person.blocked_at is None
