"""Legal holds: while one stands nothing of the person goes; who, why and when is kept."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from chatadmin.lib.bus import Event
from conversations.merging import merge
from exports import holds
from exports.erasure import Held, erase
from exports.models import Hold
from staff import audit
from staff.models import Account, AuditEntry
from tests.exports.people import make_marked
from tests.exports.sweep import places_of
from tests.factories import make_person
from users.actions import Gone
from users.models import ChatUser

pytestmark = pytest.mark.django_db(transaction=True)


def held(person: ChatUser) -> bool:
    return ChatUser.objects.get(pk=person.pk).held_at is not None


def test_who_is_held_cannot_be_erased_until_the_hold_is_lifted(admin: Account) -> None:
    person = make_marked("zebrafin").person
    before = places_of("zebrafin")
    hold = holds.place_hold(chat_user_uuid=person.uuid, actor=admin, reason="legal_claim", ticket="AZ-7")
    with pytest.raises(Held):
        erase(chat_user_uuid=person.uuid, actor=admin, reason="subject_request")
    assert places_of("zebrafin") == before
    assert holds.lift_hold(chat_user_uuid=person.uuid, actor=admin) == 1
    hold.refresh_from_db()
    assert (hold.reason, hold.ticket, hold.placed_by, hold.lifted_by) == ("legal_claim", "AZ-7", admin, admin)
    assert hold.lifted_at is not None
    erase(chat_user_uuid=person.uuid, actor=admin, reason="subject_request")
    assert places_of("zebrafin") == set()
    assert Hold.objects.get().person_hash == audit.person_hash(person.uuid), (
        "it outlives the person as a hash"
    )


def test_each_leaves_its_audit_line_and_tells_the_open_pages(
    admin: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Event] = []
    monkeypatch.setattr("chatadmin.lib.bus._publish", told.extend)
    person = make_person("Ana")
    hold = holds.place_hold(chat_user_uuid=person.uuid, actor=admin, reason="authority", ticket="B-1")
    holds.lift_hold(chat_user_uuid=person.uuid, actor=admin)
    lines = [(entry.verb, entry.actor, entry.detail) for entry in audit.entries_about(person.uuid)]
    assert lines == [
        ("user.released", admin, {"holds": [str(hold.pk)]}),
        ("user.held", admin, {"hold": str(hold.pk), "reason": "authority", "ticket": "B-1"}),
    ]
    assert told == [Event("user.changed", str(person.uuid), {"fields": ["hold"]})] * 2


def test_there_is_one_at_a_time(admin: Account) -> None:
    person = make_person("Ana")
    with pytest.raises(holds.NotHeld):
        holds.lift_hold(chat_user_uuid=person.uuid, actor=admin)
    holds.place_hold(chat_user_uuid=person.uuid, actor=admin, reason="duty")
    with pytest.raises(holds.AlreadyHeld):
        holds.place_hold(chat_user_uuid=person.uuid, actor=admin, reason="duty")
    assert Hold.objects.count() == 1
    for reason, ticket in (("because", ""), ("duty", "Mr Smith"), ("duty", "x" * 41)):
        with pytest.raises(ValueError, match="reason or ticket"):
            holds.place_hold(chat_user_uuid=person.uuid, actor=admin, reason=reason, ticket=ticket)
    gone = make_person("Bo")
    erase(chat_user_uuid=gone.uuid, actor=admin, reason="test")
    with pytest.raises(Gone):
        holds.place_hold(chat_user_uuid=gone.uuid, actor=admin, reason="duty")


def test_a_hold_follows_a_visitor_into_the_person_they_turn_out_to_be(admin: Account) -> None:
    visitor, known = make_person(), make_person("Ana", external_id="7")
    holds.place_hold(chat_user_uuid=visitor.uuid, actor=admin, reason="duty")
    merge(source_id=visitor.pk, target_id=known.pk)
    assert held(known)
    assert [hold.reason for hold in holds.holds_about(known)] == ["duty"]
    assert holds.lift_hold(chat_user_uuid=known.uuid, actor=admin) == 1
    assert not held(known)
    assert not Hold.objects.filter(lifted_at=None).exists()


def test_one_of_which_nobody_says_why_is_lifted_too(admin_client: Client) -> None:
    """As an older version's imports left them: the person's mark alone."""
    person = make_person("Ana", held_at=timezone.now())
    page = f"/users/{person.uuid}/hold/"
    assert "A hold stands since" in admin_client.get(page).content.decode()
    assert admin_client.post(page, {"do": "lift"}).status_code == 302
    assert not held(person)
    [line] = audit.entries_about(person.uuid).filter(verb="user.released")
    assert line.detail == {"holds": []}


def test_the_page_places_and_lifts(admin_client: Client) -> None:
    person = make_person("Ana")
    page = f"/users/{person.uuid}/hold/"
    assert "data-held" not in admin_client.get(person.get_absolute_url()).content.decode()
    assert f'href="{page}"' in admin_client.get(person.get_absolute_url()).content.decode()
    response = admin_client.post(
        page, {"do": "place", "reason": "legal_claim", "ticket": "AZ-7"}, follow=True
    )
    shown = response.content.decode()
    assert held(person)
    assert 'data-hold="standing"' in shown and "AZ-7" in shown and "Dana Whitfield" in shown
    assert "data-held" in admin_client.get(person.get_absolute_url()).content.decode()
    assert 'data-error="held"' in admin_client.get(f"/users/{person.uuid}/delete/").content.decode()
    assert 'data-hold="lifted"' in admin_client.post(page, {"do": "lift"}, follow=True).content.decode()
    assert not held(person)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "do"),
        ({"do": "throw"}, "do"),
        ({"do": "place"}, "reason"),
        ({"do": "place", "reason": "because"}, "reason"),
        ({"do": "place", "reason": "imported"}, "reason"),
        ({"do": "place", "reason": "duty", "ticket": "for Mr Smith"}, "ticket"),
        ({"do": "lift"}, "do"),
    ],
)
def test_what_cannot_be_taken_is_said_by_its_field(
    given: dict[str, str], field: str, admin_client: Client
) -> None:
    person = make_person("Ana")
    response = admin_client.post(f"/users/{person.uuid}/hold/", given)
    assert response.status_code == 422
    assert re.findall(r'data-error="([^"]*)"', response.content.decode()) == [field]
    assert not held(person)


def test_only_admins_hold_and_everybody_sees_it(
    admin: Account, support_client: Client, stranger: Client
) -> None:
    person = make_person("Ana")
    page = f"/users/{person.uuid}/hold/"
    for response in (support_client.get(page), support_client.post(page, {"do": "place", "reason": "duty"})):
        assert response.status_code == 403
    assert stranger.get(page).status_code == 302
    assert not held(person)
    holds.place_hold(chat_user_uuid=person.uuid, actor=admin, reason="duty")
    shown = support_client.get(person.get_absolute_url()).content.decode()
    assert "data-held" in shown
    assert page not in shown
    assert not AuditEntry.objects.filter(verb="user.released").exists()
