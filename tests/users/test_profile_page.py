"""The profile's frame: who this is, and who may see and do what."""

from __future__ import annotations

import datetime as dt
import re
import uuid

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from staff.audit import entries_about
from staff.models import Account
from tests.factories import make_messages, make_person, make_visit
from tests.users.pages import text_of
from users import actions, mail_stops

pytestmark = pytest.mark.django_db
TABS = ["", "conversations/", "activity/", "sessions/", "access/", "edit/", "notes/"]
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@pytest.mark.parametrize("tab", TABS)
def test_strangers_are_sent_to_sign_in(tab: str, stranger: Client) -> None:
    person = make_person("Ada Lovelace")
    answer = stranger.get(f"/users/{person.uuid}/{tab}")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/")
    assert "Lovelace" not in text_of(answer)


@pytest.mark.parametrize("tab", TABS)
def test_everyone_on_the_team_sees_every_tab(tab: str, support_client: Client) -> None:
    person = make_person("Ada Lovelace")
    answer = support_client.get(f"/users/{person.uuid}/{tab}")
    assert answer.status_code == 200
    page = text_of(answer)
    assert f'data-open="{person.uuid}"' in page
    assert f'data-user="{person.uuid}"' in page
    assert "Ada Lovelace" in page
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("tab", TABS)
def test_the_erased_and_the_unknown_are_nowhere(tab: str, admin_client: Client) -> None:
    person = make_person("Ada Lovelace", erased_at=timezone.now())
    for where in (person.uuid, uuid.uuid4()):
        answer = admin_client.get(f"/users/{where}/{tab}")
        assert answer.status_code == 404
        assert "Lovelace" not in text_of(answer)
    assert not entries_about(person.uuid).exists()


@pytest.mark.parametrize("tab", TABS)
def test_every_view_leaves_one_audit_line(tab: str, support: Account, support_client: Client) -> None:
    person = make_person("Ada")
    support_client.get(f"/users/{person.uuid}/{tab}")
    assert [(line.verb, line.actor) for line in entries_about(person.uuid)] == [("user.viewed", support)]


def test_all_that_the_contract_names_is_there_once(support_client: Client) -> None:
    person = make_person("Ada", "ada@site.example", browser="Firefox", browser_version="140", os="Linux")
    make_visit(person, network="203.0.113.0/24")
    make_messages(person, ("visitor", "Hello?"), ("staff", "Hello!"))
    page = text_of(support_client.get(f"/users/{person.uuid}/"))
    for field in ("name", "email", "first_contact", "last_active", "messages", "device", "session"):
        assert page.count(f'data-field="{field}"') == 1, field
    assert page.count('data-presence="offline"') == 1
    assert page.count('data-typing="false"') == 1
    assert "203.0.113.0/24" in page
    assert str(person.uuid) in page


def test_what_somebody_says_of_themselves_is_marked_unverified(support_client: Client) -> None:
    person = make_person(
        "Ada", "ada@site.example", identified_at=dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
    )
    page = text_of(support_client.get(f"/users/{person.uuid}/"))
    assert "unverified" in page
    assert re.search(r"2 Mar 2026</time>, claimed", page)
    assert 'class="verified"' not in page


def test_a_signed_identity_is_marked_verified_and_the_address_beside_it_is_not(
    support_client: Client,
) -> None:
    at = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
    person = make_person("Ada", "ada@site.example", external_id="cust-7", verified_at=at)
    page = text_of(support_client.get(f"/users/{person.uuid}/"))
    assert re.search(r'2 Mar 2026</time>, <span class="verified">verified', page)
    assert "cust-7" in page
    assert ">unverified<" in page


def test_traits_are_shown_as_text(support_client: Client) -> None:
    person = make_person("Ada", traits={"plan": "pro", HOSTILE: {"deep": [HOSTILE]}})
    page = text_of(support_client.get(f"/users/{person.uuid}/"))
    assert "plan" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


def test_markup_in_any_field_is_text(support: Account, support_client: Client) -> None:
    person = make_person(HOSTILE, HOSTILE, external_id=HOSTILE, browser=HOSTILE[:60])
    make_visit(person, landing_url=HOSTILE, landing_title=HOSTILE, referrer=HOSTILE)
    actions.add_tag(chat_user_id=person.pk, name=HOSTILE[:40], actor=support)
    actions.add_note(chat_user_id=person.pk, body=HOSTILE, actor=support)
    make_messages(person, ("visitor", HOSTILE), ("staff", HOSTILE), author_name=HOSTILE[:100])
    for tab in TABS:
        page = text_of(support_client.get(f"/users/{person.uuid}/{tab}"))
        assert "&lt;script&gt;" in page
        assert "<script>alert" not in page
        assert "<img" not in page


def test_support_is_offered_no_deletion(support_client: Client, admin_client: Client) -> None:
    person = make_person("Ada")
    address = f'href="/users/{person.uuid}/delete/"'
    assert address in text_of(admin_client.get(f"/users/{person.uuid}/"))
    assert address not in text_of(support_client.get(f"/users/{person.uuid}/"))


def test_both_exports_are_offered_as_forms(support_client: Client) -> None:
    person = make_person("Ada")
    page = text_of(support_client.get(f"/users/{person.uuid}/"))
    for form in ("json", "csv"):
        assert f'<form method="post" action="/users/{person.uuid}/export/?format={form}">' in page


def test_there_is_one_current_tab_and_the_profile_shows_conversations(support_client: Client) -> None:
    person = make_person("Ada")
    for tab, current in (
        ("", ""),
        ("conversations/", ""),
        ("activity/", "activity/"),
        ("access/", "access/"),
    ):
        page = text_of(support_client.get(f"/users/{person.uuid}/{tab}"))
        tabs = page.partition('<nav class="tabs"')[2].partition("</nav>")[0]
        assert re.findall(r'href="([^"]+)" aria-current="page"', tabs) == [f"/users/{person.uuid}/{current}"]


@pytest.mark.parametrize("tab", ["", "activity/", "sessions/", "access/", "edit/", "notes/"])
def test_no_page_has_an_inline_script_style_or_handler(tab: str, support_client: Client) -> None:
    person = make_person("Ada")
    make_messages(person, ("visitor", "Hello?"))
    page = text_of(support_client.get(f"/users/{person.uuid}/{tab}"))
    assert "<script src=" in page
    assert not re.search(r"<script(?![^>]*(?:src=|application/json))|<style|\sstyle=|\son[a-z]+=", page)


def test_it_says_who_wants_no_mail(support_client: Client, settings: Settings) -> None:
    settings.MAIL_ON = True
    people = [make_person("Ada", address) for address in ("ada@site.example", "bob@site.example", "")]
    mail_stops.stop(mail_stops.address_hash("ada@site.example"))
    marked = ["data-mail-stopped" in text_of(support_client.get(f"/users/{one.uuid}/")) for one in people]
    assert marked == [True, False, False]
    settings.MAIL_ON = False
    assert "data-mail-stopped" not in text_of(support_client.get(f"/users/{people[0].uuid}/"))


@pytest.mark.parametrize("number", [1, 50])
@pytest.mark.parametrize("tab", ["", "activity/", "sessions/"])
def test_the_number_of_queries_does_not_grow(
    tab: str, number: int, support: Account, support_client: Client, django_assert_num_queries
) -> None:
    person = make_person("Ada")
    start = timezone.now() - dt.timedelta(days=90)
    make_messages(person, *(("visitor", "Hello?") for _ in range(number)), start=start, author_name="Ada")
    for day in range(number):
        at = start + dt.timedelta(days=day)
        make_visit(person, started_at=at, ended_at=at)
    for note in range(number):
        actions.add_note(chat_user_id=person.pk, body=f"{note}", actor=support)
    for tag in range(number):
        actions.add_tag(chat_user_id=person.pk, name=f"tag {tag}", actor=support)
    expected = {"": 14, "activity/": 14, "sessions/": 12}[tab]
    with django_assert_num_queries(expected):
        assert support_client.get(f"/users/{person.uuid}/{tab}").status_code == 200
