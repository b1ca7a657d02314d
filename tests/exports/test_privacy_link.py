"""The link in the mail: it proves the mailbox for a day, and nothing else makes a request."""

from __future__ import annotations

import base64
import time
import uuid
from urllib.parse import quote

import msgspec
import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from exports import request_links
from exports.models import Claim, Request, RequestKind
from exports.request_links import VALID_SECONDS, Asked, asked_by, token_of
from exports.requests import claims_of, hand_over
from staff import audit
from staff.models import Account, AuditEntry
from tests.exports.asked import ask, link_in, make_request, somewhere
from tests.factories import make_person
from tests.mails import new_address, switch_on
from users.models import ChatUser

pytestmark = pytest.mark.django_db


def asked_for(email: str, kind: RequestKind = RequestKind.ACCESS) -> Asked:
    return Asked(uuid.uuid4(), kind, email)


def link_of(asked: Asked) -> str:
    return f"/privacy/confirm/{token_of(asked)}/"


def token_from(settings: Settings, seconds_ago: int) -> str:
    """A token that was made so long ago."""
    packed = msgspec.json.encode([str(uuid.uuid4()), "access", "ana@site.example"])
    box = request_links._box(settings.SECRET_KEY)
    return box.encrypt_at_time(packed, int(time.time()) - seconds_ago).decode().rstrip("=")


def test_the_whole_way_from_the_form_to_the_queue(settings: Settings) -> None:
    switch_on(settings)
    address = new_address()
    person = make_person("Ana", address)
    ask(somewhere(), address)
    link = link_in(mail.outbox[0])
    opened = somewhere().get(link)
    assert opened.status_code == 200
    assert 'data-privacy="asks"' in opened.content.decode()
    assert not Request.objects.exists()
    confirmed = somewhere().post(link)
    assert confirmed.status_code == 200
    request = Request.objects.get()
    assert request.reference in confirmed.content.decode()
    assert (request.kind, request.proof) == ("access", "mailbox")
    claim = Claim.objects.get()
    assert (claim.request, claim.chat_user, claim.email, claim.state) == (request, person, address, "open")
    assert abs((claim.due_at - request.asked_at).total_seconds() - 30 * 86_400) < 60


def test_opening_it_changes_nothing(stranger: Client) -> None:
    link = link_of(asked_for(new_address()))
    for response in (stranger.get(link), stranger.head(link), stranger.get(link)):
        assert response.status_code == 200
        assert response.headers["Referrer-Policy"] == "strict-origin"
        assert response.headers["X-Robots-Tag"] == "noindex"
        assert "no-store" in response.headers["Cache-Control"]
        assert not response.cookies
    assert not Request.objects.exists()
    assert not AuditEntry.objects.exists()


def test_confirmed_twice_it_is_one_request(stranger: Client) -> None:
    address = new_address()
    make_person("Ana", address)
    link = link_of(asked_for(address))
    first, second = stranger.post(link), stranger.post(link)
    assert first.content == second.content
    assert Request.objects.count() == Claim.objects.count() == 1
    assert AuditEntry.objects.count() == 1


def test_it_stays_one_when_its_claims_are_gone(stranger: Client) -> None:
    address = new_address()
    make_person("Ana", address)
    link = link_of(asked_for(address))
    stranger.post(link)
    Claim.objects.all().delete()
    assert stranger.post(link).status_code == 200
    assert not Claim.objects.exists(), "who was erased is not written down again"


def test_everyone_who_claims_the_address_is_meant_and_nobody_else(stranger: Client) -> None:
    address = new_address()
    claiming = [make_person("Ana", address), make_person("", address.upper()), make_person("Ben", address)]
    make_person("Cleo", new_address())
    make_person("Dora", f"x{address}")
    gone = make_person("Eve", address)
    ChatUser.objects.filter(pk=gone.pk).update(erased_at=gone.first_seen)
    stranger.post(link_of(asked_for(address)))
    assert set(Claim.objects.values_list("chat_user", flat=True)) == {person.pk for person in claiming}
    for person in claiming:
        line = audit.entries_about(person.uuid).get()
        assert line.verb == "request.confirmed"
        assert line.detail == {
            "request": Request.objects.get().reference,
            "kind": "access",
            "proof": "mailbox",
        }


def test_nobody_and_somebody_are_answered_alike(stranger: Client) -> None:
    known, unknown = new_address(), new_address()
    make_person("Ana Lima", known)
    pages = []
    for address in (known, unknown):
        asked = asked_for(address)
        page = stranger.post(link_of(asked)).content.decode()
        reference = Request.objects.get(pk=asked.id).reference
        assert reference in page
        pages.append(page.replace(reference, ""))
    assert pages[0] == pages[1]
    empty = Claim.objects.get(chat_user=None)
    assert (empty.email, empty.state) == (unknown, "open")


def test_those_who_come_to_hide_somebody_do_not(
    monkeypatch: pytest.MonkeyPatch, admin_client: Client
) -> None:
    monkeypatch.setattr("exports.requests.MOST_CLAIMS", 3)
    address = new_address()
    first, *fakes = [make_person(f"Ana {number}", address) for number in range(5)]
    vouched = make_person("Anna", address, external_id="u1", verified_at=timezone.now())
    erased = make_person("Gone", address, erased_at=timezone.now())
    request = make_request(address)
    about = [claim.chat_user for claim in claims_of(request)]
    assert about == [vouched, first, fakes[0]]
    assert erased not in about
    page = admin_client.get(f"/requests/{request.pk}/").content.decode()
    assert page.index("Anna</bdi>") < page.index("Ana 0</bdi>") < page.index("Ana 1</bdi>")
    assert 'data-others="3"' in page and "3 more people give this address" in page
    assert f'href="/users/?q={quote(address, safe="")}"' in page
    monkeypatch.setattr("exports.requests.MOST_COUNTED", 2)
    assert "At least 2 more people" in admin_client.get(f"/requests/{request.pk}/").content.decode()


def test_where_everybody_has_a_part_no_others_are_told_of(admin: Account, admin_client: Client) -> None:
    address = new_address()
    person = make_person("Ana", address)
    request = make_request(address)
    page = f"/requests/{request.pk}/"
    assert "data-others" not in admin_client.get(page).content.decode()
    make_person("Later", address)
    assert 'data-others="1"' in admin_client.get(page).content.decode()
    # Once it is decided the address is not kept, so nobody can tell.
    hand_over(actor=admin, claim_id=Claim.objects.get(chat_user=person).pk)
    assert "data-others" not in admin_client.get(page).content.decode()


@pytest.mark.parametrize("wrong", ["x", "é", "gAAAAA", "x" * 5_000, "%00", "=", "gAAAAA=="])
def test_a_made_up_link_does_nothing(stranger: Client, wrong: str) -> None:
    for response in (
        stranger.get(f"/privacy/confirm/{wrong}/"),
        stranger.post(f"/privacy/confirm/{wrong}/"),
    ):
        assert response.status_code == 404
        assert 'data-privacy="unknown"' in response.content.decode()
    assert not Request.objects.exists()


def test_a_changed_link_does_nothing(stranger: Client) -> None:
    token = token_of(asked_for(new_address()))
    assert asked_by(token) is not None
    for place in range(0, len(token), 7):
        other = "A" if token[place] != "A" else "B"
        changed = token[:place] + other + token[place + 1 :]
        assert stranger.post(f"/privacy/confirm/{changed}/").status_code == 404, place
    assert stranger.post(f"/privacy/confirm/{token[:-4]}/").status_code == 404
    assert not Request.objects.exists()


def test_a_link_of_another_installation_does_nothing(settings: Settings, stranger: Client) -> None:
    link = link_of(asked_for(new_address()))
    settings.SECRET_KEY = "another" * 10
    assert stranger.post(link).status_code == 404
    assert not Request.objects.exists()


def test_it_is_good_for_a_day(settings: Settings, stranger: Client) -> None:
    young, old = token_from(settings, VALID_SECONDS - 60), token_from(settings, VALID_SECONDS + 5)
    assert stranger.post(f"/privacy/confirm/{old}/").status_code == 404
    assert not Request.objects.exists()
    assert stranger.post(f"/privacy/confirm/{young}/").status_code == 200
    assert Request.objects.count() == 1


def test_it_shows_the_address_to_nobody_who_sees_it() -> None:
    token = token_of(asked_for("canaryquokka@site.example"))
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    assert "canary" not in token
    assert b"canary" not in raw
    found = asked_by(token)
    assert found is not None and found.email == "canaryquokka@site.example"


def test_no_line_of_the_log_holds_the_address(stranger: Client, capfd: pytest.CaptureFixture[str]) -> None:
    make_person("Ana", "canaryquokka@site.example")
    stranger.post(link_of(asked_for("canaryquokka@site.example")))
    stranger.post(link_of(asked_for("canarywombat@site.example")))
    assert Claim.objects.filter(email__startswith="canary").count() == 2
    assert AuditEntry.objects.count() == 2
    assert not [line for line in AuditEntry.objects.values() if "canary" in str(line)]
    out, err = capfd.readouterr()
    assert "canary" not in out + err
