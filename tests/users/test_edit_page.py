"""Correcting a name or an e-mail address."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from staff.audit import entries_about
from tests.factories import make_person
from tests.users.pages import errors_of, text_of

pytestmark = pytest.mark.django_db


def test_the_form_shows_what_is_known(support_client: Client) -> None:
    person = make_person("Ada", "ada@site.example")
    page = text_of(support_client.get(f"/users/{person.uuid}/edit/"))
    assert 'name="name" value="Ada"' in page
    assert 'name="email" value="ada@site.example"' in page


def test_both_are_corrected_and_the_audit_names_the_fields_only(support_client: Client) -> None:
    person = make_person("Ad", "ad@site.example")
    answer = support_client.post(
        f"/users/{person.uuid}/edit/", {"name": " Ada ", "email": "Ada@Site.Example"}
    )
    assert answer.status_code == 302
    assert answer["Location"] == f"/users/{person.uuid}/"
    person.refresh_from_db()
    assert (person.name, person.email) == ("Ada", "Ada@site.example")
    line = entries_about(person.uuid).get()
    assert (line.verb, line.detail) == ("user.edited", {"fields": ["name", "email"]})


def test_empty_fields_clear(support_client: Client) -> None:
    person = make_person("Ada", "ada@site.example")
    support_client.post(f"/users/{person.uuid}/edit/", {"name": "", "email": ""})
    person.refresh_from_db()
    assert (person.name, person.email, person.name_folded, person.email_folded) == ("", "", None, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "no address"),
        ("email", "ada@"),
        ("email", "ada@site.example\x00"),
        ("email", "ada@site.example\nBcc: x@y.example"),
        ("email", f"{'a' * 250}@site.example"),
        ("name", "a" * 201),
        ("name", "Ada\x00"),
        ("name", "Ada\x1b[31m"),
        ("name", "Ada\nLovelace"),
        ("name", "Ada\u2028Lovelace"),
    ],
)
def test_what_can_not_be_taken_is_said_by_its_field_and_stays_in_it(
    field: str, value: str, support_client: Client
) -> None:
    person = make_person("Ada", "ada@site.example")
    given = {"name": "Other", "email": "other@site.example", field: value}
    answer = support_client.post(f"/users/{person.uuid}/edit/", given)
    assert answer.status_code == 422
    assert list(errors_of(answer)) == [field]
    other = ({"name", "email"} - {field}).pop()
    assert f'value="{given[other]}"' in text_of(answer)
    person.refresh_from_db()
    assert (person.name, person.email) == ("Ada", "ada@site.example")


def test_half_a_character_in_the_post_is_no_fault_of_ours(support_client: Client) -> None:
    person = make_person("Ada")
    answer = support_client.post(
        f"/users/{person.uuid}/edit/",
        "name=%ED%A0%80&email=",
        content_type="application/x-www-form-urlencoded",
    )
    assert answer.status_code == 302
    person.refresh_from_db()
    assert "\ufffd" in person.name


@pytest.mark.parametrize("name", ["م" * 200, "ﷺ" * 200, "👩‍🚀" * 60, "\u202eada"])
def test_names_of_any_script_are_taken(name: str, support_client: Client) -> None:
    person = make_person("Ada")
    assert support_client.post(f"/users/{person.uuid}/edit/", {"name": name, "email": ""}).status_code == 302
    person.refresh_from_db()
    assert person.name == name


def test_a_name_that_nobody_would_see_is_none(support_client: Client) -> None:
    person = make_person("Ada")
    support_client.post(f"/users/{person.uuid}/edit/", {"name": "\u200b\u200d", "email": ""})
    person.refresh_from_db()
    assert person.name == ""
    assert person.is_anonymous


def test_an_address_that_came_in_odd_stands_until_it_is_changed(support_client: Client) -> None:
    person = make_person("Ada", "not quite an address")
    answer = support_client.post(
        f"/users/{person.uuid}/edit/", {"name": "Ada L", "email": "not quite an address"}
    )
    assert answer.status_code == 302
    person.refresh_from_db()
    assert (person.name, person.email) == ("Ada L", "not quite an address")


def test_strangers_correct_nothing(stranger: Client) -> None:
    person = make_person("Ada")
    answer = stranger.post(f"/users/{person.uuid}/edit/", {"name": "Eve", "email": ""})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/")
    person.refresh_from_db()
    assert person.name == "Ada"


def test_the_erased_are_not_corrected(support_client: Client) -> None:
    person = make_person("Ada", erased_at=timezone.now())
    assert support_client.post(f"/users/{person.uuid}/edit/", {"name": "Eve", "email": ""}).status_code == 404
    person.refresh_from_db()
    assert person.name == "Ada"


def test_a_field_that_is_not_sent_stays(support_client: Client) -> None:
    person = make_person("Ana", "ana@site.example")
    support_client.post(f"/users/{person.uuid}/edit/", {"name": "Anna"})
    person.refresh_from_db()
    assert (person.name, person.email) == ("Anna", "ana@site.example")
