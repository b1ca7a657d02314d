"""Collecting less: a switch for each item, at once and everywhere, and what was collected is emptied."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from chatadmin.lib import queue
from chatadmin.lib.models import Job
from conversations.counters import wrong
from conversations.merging import merge
from conversations.models import ActivityEvent, EventKind, MergeJournal
from exports import collect_purge, collecting, holds
from exports.collecting import Item
from staff.models import Account, AuditEntry, Widget
from tests.exports.sweep import places_of
from tests.factories import make_person, make_visit, make_widget
from users.models import ChatUser, CollectSetting, Visit

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    # A server that other tests started on this database takes jobs too, but not of a kind that it doesn't know.
    monkeypatch.setattr(collect_purge, "KIND", "collect_purge.tested")


AT = dt.datetime(2026, 3, 1, 9, tzinfo=dt.UTC)


def make_known(word: str, **fields: object) -> ChatUser:
    """A person of whom everything that can be collected is there, each with a mark that ends in `word`."""
    person = make_person(
        "Ana", f"mail{word}@site.example", browser=f"person{word}", identified_at=AT, **fields
    )
    visit = make_visit(
        person,
        started_at=AT,
        ended_at=AT,
        how_ended="left",
        landing_url="/",
        landing_title=f"landing{word}",
        referrer=f"https://from.example/refer{word}",
        network=f"192.0.2.{len(word)}/24",
        browser=f"visit{word}",
    )
    data = {"url": "/", "title": f"event{word}", "referrer": f"https://from.example/came{word}"}
    ActivityEvent.objects.create(chat_user=person, visit=visit, kind=EventKind.FIRST_VISIT, data=data, at=AT)
    return person


MARKS = {
    "referrer": ("refer", "came"),
    "page_titles": ("landing", "event"),
    "device": ("person", "visit"),
    "email_prompt": ("mail",),
}


def work_off() -> None:
    while (job := queue.take({collect_purge.KIND})) is not None:
        queue.work(job, collect_purge.JOBS)


@pytest.mark.parametrize("item", MARKS)
def test_what_we_have_of_an_item_is_emptied_and_nothing_else(item: str, admin: Account) -> None:
    make_known("zebrafin")
    held = make_known("quokkabay")
    holds.place_hold(chat_user_uuid=held.uuid, actor=admin, reason="duty")
    every = {mark for marks in MARKS.values() for mark in marks}
    assert all(places_of(f"{mark}zebrafin") for mark in every)
    before = {mark: places_of(f"{mark}quokkabay") for mark in every}
    counted = collecting.how_many(item)
    assert counted == len(MARKS[item])
    collecting.purge(item=item, actor=admin)
    work_off()
    for mark in every:
        found = places_of(f"{mark}zebrafin")
        assert found == set() if mark in MARKS[item] else found, mark
    assert {mark: places_of(f"{mark}quokkabay") for mark in every} == before, "who is held keeps it"
    assert collecting.how_many(item) == 0
    assert Job.objects.get().changed == counted
    assert not [found for found in wrong() if "folded" in found.column or "count" in found.column]


def test_network_prefixes_are_emptied(admin: Account) -> None:
    person = make_known("zebrafin")
    assert collecting.how_many("network") == 1
    collecting.purge(item="network", actor=admin)
    work_off()
    assert Visit.objects.get().network == ""
    assert Visit.objects.get().browser == "visitzebrafin"
    lines = AuditEntry.objects.filter(verb__startswith="collect.").order_by("pk")
    assert [(line.verb, line.detail.get("counts")) for line in lines] == [
        ("collect.purge", None),
        ("collect.purged", {"visits": 1}),
    ]
    assert person.visits.count() == 1


def test_an_address_goes_with_the_claim_unless_a_site_vouches_for_the_person(admin: Account) -> None:
    nameless = make_person("", "only@site.example", identified_at=AT)
    vouched = make_person("Bo", "bo@site.example", external_id="7", identified_at=AT)
    collecting.purge(item="email_prompt", actor=admin)
    work_off()
    nameless.refresh_from_db()
    vouched.refresh_from_db()
    assert (nameless.email, nameless.email_folded, nameless.identified_at) == ("", None, None)
    assert vouched.email == "bo@site.example"


def test_a_joined_visitor_keeps_no_copy(admin: Account) -> None:
    source = make_known("zebrafin")
    target = make_person("Cy")
    merge(source_id=source.pk, target_id=target.pk)
    journal = MergeJournal.objects.get()
    assert "personzebrafin" in str(journal.profile)
    assert "mailzebrafin" in str(journal.profile)
    for item in ("device", "email_prompt"):
        collecting.purge(item=item, actor=admin)
    work_off()
    journal.refresh_from_db()
    assert "zebrafin" not in str(journal.profile) + str(journal.moved)
    assert places_of("mailzebrafin") == places_of("personzebrafin") == set()


def test_many_go_in_chunks_and_a_purge_that_was_killed_goes_on(
    admin: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect_purge, "ROWS", 2)
    for number in range(5):
        make_known(f"zebrafin{number}")
    collecting.purge(item="referrer", actor=admin)
    job = queue.take({collect_purge.KIND})
    assert job is not None
    for _ in range(2):
        queue._run_chunk(job, collect_purge.JOBS)
    assert Visit.objects.exclude(referrer="").count() == 1
    Job.objects.update(leased_until=timezone.now() - dt.timedelta(seconds=1))
    work_off()
    assert (Job.objects.get().state, Job.objects.get().counts) == ("done", {"visits": 5, "events": 5})
    assert places_of("zebrafin") != set()
    assert places_of("referzebrafin") == places_of("camezebrafin") == set()


def test_a_second_purge_of_the_same_is_the_first(admin: Account) -> None:
    make_known("zebrafin")
    first = collecting.purge(item="device", actor=admin)
    assert collecting.purge(item="device", actor=admin).pk == first.pk
    assert collecting.purge(item="network", actor=admin).pk != first.pk


def test_a_switch_is_a_setting_with_an_audit_line(admin: Account) -> None:
    assert collecting.switch(item="referrer", on=False, actor=admin)
    assert not collecting.switch(item="referrer", on=False, actor=admin)
    assert not CollectSetting.objects.get(item="referrer").is_on
    assert collecting.switch(item="referrer", on=True, actor=admin)
    lines = AuditEntry.objects.filter(verb__startswith="collect.").order_by("pk")
    assert [(line.verb, line.actor, line.detail) for line in lines] == [
        ("collect.off", admin, {"item": "referrer"}),
        ("collect.on", admin, {"item": "referrer"}),
    ]


def test_the_prompt_is_every_widgets(admin: Account) -> None:
    make_widget()
    make_widget(ask_email=False)
    assert collecting.switch(item="email_prompt", on=False, actor=admin)
    assert set(Widget.objects.values_list("ask_email", flat=True)) == {False}
    assert not collecting.switch(item="email_prompt", on=False, actor=admin)


def test_the_page(admin: Account, admin_client: Client) -> None:
    make_widget()
    make_known("zebrafin")
    page = unescape(admin_client.get("/retention/collecting/").content.decode())
    found = re.findall(r'data-item="(\w+)" data-on="(\w+)" data-held="(\w+)"', page)
    assert found == [
        ("network", "true", "1"),
        ("referrer", "true", "2"),
        ("page_titles", "true", "2"),
        ("device", "true", "2"),
        ("email_prompt", "true", "1"),
    ]
    assert not re.search(r"\sstyle=|<style|<script(?![^>]*(?:src=|application/json))", page)
    asked = {"item": "device", "do": "off_and_purge"}
    for confirm, status in (("", 200), ("PURGES", 422)):
        response = admin_client.post("/retention/collecting/", {**asked, "confirm": confirm})
        page = response.content.decode()
        assert response.status_code == status
        assert 'data-confirm-word="PURGE"' in page and 'data-held="2"' in page
        assert ('data-error="confirm"' in page) == bool(confirm)
    assert not Job.objects.exists() and not CollectSetting.objects.filter(is_on=False).exists()
    response = admin_client.post("/retention/collecting/", {**asked, "confirm": "purge"}, follow=True)
    page = response.content.decode()
    assert 'data-item="device" data-on="false"' in page
    assert 'data-purge="queued"' in page
    part = admin_client.get("/retention/collecting/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert 'hx-trigger="every 1s"' in part
    work_off()
    page = admin_client.get("/retention/collecting/").content.decode()
    assert 'data-purge="done" data-done="2"' in page
    assert 'hx-trigger="every 1s"' not in page
    admin_client.post("/retention/collecting/", {"item": "device", "do": "on"})
    assert CollectSetting.objects.get(item="device").is_on


@pytest.mark.parametrize(
    ("given", "field"),
    [({}, "item"), ({"item": "dreams", "do": "on"}, "item"), ({"item": "device", "do": "dance"}, "do")],
)
def test_what_cannot_be_taken_is_said(given: dict[str, str], field: str, admin_client: Client) -> None:
    response = admin_client.post("/retention/collecting/", given)
    assert response.status_code == 422
    assert re.findall(r'data-error="(\w+)"', response.content.decode())[0] == field
    assert not Job.objects.exists()


def test_only_admins(support_client: Client, stranger: Client) -> None:
    for response in (
        support_client.get("/retention/collecting/"),
        support_client.post("/retention/collecting/", {"item": "device", "do": "off"}),
    ):
        assert response.status_code == 403
    assert stranger.get("/retention/collecting/").status_code == 302
    assert not CollectSetting.objects.exists()


def test_every_item_can_be_counted_and_emptied() -> None:
    assert set(collect_purge.ITEMS) == set(Item.values) == set(collect_purge.COLUMNS)
    for item, tables in collect_purge.ITEMS.items():
        assert set(tables) == set(collect_purge.COLUMNS[item])
        assert all(table in collect_purge.EMPTY and table in collect_purge.MODELS for table in tables)


@pytest.mark.parametrize("item", ["device", "email_prompt", "page_titles", "referrer"])
def test_what_is_no_object_stops_no_purge(admin: Account, item: str) -> None:
    """An import could bring such rows in once."""
    person = make_known("zebrafin")
    for shape in (["email", "title", "referrer"], "text", 7):
        MergeJournal.objects.create(
            chat_user=person, merged_uuid=uuid.uuid4(), profile=shape, moved=[], at=AT
        )
        ActivityEvent.objects.create(chat_user=person, kind=EventKind.PAGE, data=shape, at=AT)
    other = {"browser": "otherquokka", "email": "otherquokka@x.example"}
    MergeJournal.objects.create(
        chat_user=person, merged_uuid=uuid.uuid4(), profile=other, moved={"before": []}, at=AT
    )
    event = {"title": "otherquokka", "referrer": "otherquokka"}
    ActivityEvent.objects.create(chat_user=person, kind=EventKind.PAGE, data=event, at=AT)
    collecting.purge(item=item, actor=admin)
    work_off()
    assert AuditEntry.objects.get(verb="collect.purged").detail["done"]
    if item in other.keys() | {"device", "email_prompt"}:
        emptied = MergeJournal.objects.latest("pk").profile
        assert emptied["browser" if item == "device" else "email"] == ""
    else:
        assert ActivityEvent.objects.latest("pk").data["title" if item == "page_titles" else item] == ""
