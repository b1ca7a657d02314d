"""`/what-we-hold/`: made from the register, the rules and the switches; public only where an admin says so."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django.fixtures import Settings

from exports import collecting, held_data, privacy_form
from exports.register import REGISTER
from staff.models import Account, AuditEntry
from tests.exports.retaining import make_rule
from tests.factories import make_widget

pytestmark = pytest.mark.django_db(transaction=True)
PUBLIC, SETUP = "/what-we-hold/", "/retention/what-we-hold/"


def text(response: HttpResponse) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", response.content.decode())).split())


def test_every_table_of_the_register_has_a_reason() -> None:
    assert {entry.name for entry in REGISTER} <= set(held_data.WHY)
    assert set(held_data.OWN_RULES) <= {entry.name for entry in REGISTER}


def test_it_is_public_only_where_an_admin_says_so(
    admin: Account, admin_client: Client, support_client: Client, stranger: Client
) -> None:
    assert stranger.get(PUBLIC).status_code == 404
    assert support_client.post(SETUP, {"public": "yes"}).status_code == 403
    assert stranger.post(SETUP, {"public": "yes"}).status_code == 302
    assert stranger.get(PUBLIC).status_code == 404
    assert 'data-public="false"' in admin_client.get(SETUP).content.decode()
    assert admin_client.post(SETUP, {"public": "perhaps"}).status_code == 422
    page = admin_client.post(SETUP, {"public": "yes"}, follow=True).content.decode()
    assert 'data-public="true"' in page
    assert "http://testserver/what-we-hold/" in page
    response = stranger.get(PUBLIC)
    assert response.status_code == 200
    assert stranger.post(PUBLIC).status_code == 405
    admin_client.post(SETUP, {"public": "no"})
    assert stranger.get(PUBLIC).status_code == 404
    lines = AuditEntry.objects.filter(verb__startswith="held_data.").order_by("pk")
    assert [(line.verb, line.actor) for line in lines] == [
        ("held_data.published", admin),
        ("held_data.withdrawn", admin),
    ]


def test_it_names_every_table_what_for_and_how_long(admin: Account, stranger: Client) -> None:
    held_data.publish(on=True, actor=admin)
    page = stranger.get(PUBLIC)
    names = re.findall(r'data-held-name="(\w+)"', page.content.decode())
    assert sorted(names) == sorted(entry.name for entry in REGISTER)
    said = text(page)
    for entry in REGISTER:
        assert str(entry.holds)[1:] in said, entry.name
        assert str(held_data.WHY[entry.name]) in said, entry.name
    assert said.count("Until the person asks for its deletion") == len(REGISTER)
    assert "Else" not in said
    assert not re.search(r"\sstyle=|<style|<script(?![^>]*(?:src=|application/json))", page.content.decode())


def test_it_follows_the_rules_and_the_switches(admin: Account, stranger: Client) -> None:
    make_widget(ask_email=False, collect=["network", "device"])
    held_data.publish(on=True, actor=admin)
    before = text(stranger.get(PUBLIC))
    assert "Anonymous people: 90 days" not in before
    assert "The page that led here" in before
    assert "E-mail addresses that the widget asks for" in before
    assert "Browser and system" not in before
    make_rule("everything", admin, whose="anonymous")
    make_rule("messages", admin, days=700)
    make_rule("visits", admin, days=400, on=False)
    make_rule("audit", admin, days=1_000)
    collecting.switch(item="device", on=False, actor=admin)
    said = text(stranger.get(PUBLIC))
    everything = "Anonymous people: 90 days after they were last active, then everything is deleted."
    assert said.count(everything) == 1, "said once, for all of it"
    assert said.count("Everyone: 700 days.") == 2
    assert "400 days" not in said
    assert "keyed hash only: 1000 days." in said.replace(",", "")
    assert "Browser and system" in said


def test_the_settings_page_of_the_widget_leads_there(admin_client: Client) -> None:
    assert f'href="{SETUP}"' in admin_client.get("/widget/").content.decode()


def test_it_takes_a_constant_number_of_queries(
    admin: Account, stranger: Client, django_assert_num_queries
) -> None:
    held_data.publish(on=True, actor=admin)
    with django_assert_num_queries(4):
        stranger.get(PUBLIC)
    for what in ("everything", "messages", "visits", "activity"):
        make_rule(what, admin)
    make_widget()
    with django_assert_num_queries(4):
        stranger.get(PUBLIC)


def test_it_leads_to_the_form_where_people_may_ask(
    admin: Account, stranger: Client, settings: Settings
) -> None:
    held_data.publish(on=True, actor=admin)
    assert 'href="/privacy/"' not in stranger.get(PUBLIC).content.decode(), "no mail can be sent"
    settings.MAIL_ON, settings.PUBLIC_URL = True, "https://chat.example"
    assert 'href="/privacy/"' in stranger.get(PUBLIC).content.decode()
    privacy_form.set_open(on=False, actor=admin)
    assert stranger.get("/privacy/").status_code == 404
    assert 'href="/privacy/"' not in stranger.get(PUBLIC).content.decode()
