"""`/requests/`: what is due, everyone who claims the address, and what staff decide for each."""

from __future__ import annotations

import datetime as dt
import html
import re
import uuid

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from conversations.merging import merge
from exports import requests
from exports.models import Claim, ClaimState, Erasure, Request, RequestKind
from staff import audit
from staff.models import Account, AuditEntry
from tests.exports.asked import claim_about, make_request
from tests.factories import make_person
from tests.mails import new_address
from users.models import ChatUser

pytestmark = pytest.mark.django_db


def decide(client: Client, claim: Claim, **fields: str) -> int:
    return client.post(f"/requests/{claim.request_id}/{claim.pk}/", fields).status_code


def test_admins_alone_see_and_decide(
    support_client: Client, stranger: Client, admin_client: Client, owner_client: Client
) -> None:
    address = new_address()
    request = make_request(address)
    claim = Claim.objects.get()
    paths = ["/requests/", f"/requests/{request.pk}/"]
    for path in paths:
        assert stranger.get(path).status_code == 302
        refused = support_client.get(path)
        assert refused.status_code == 403
        assert request.reference not in refused.content.decode()
        for client in (admin_client, owner_client):
            page = client.get(path)
            assert page.status_code == 200
            assert request.reference in page.content.decode()
    assert decide(support_client, claim, do="nothing_held") == 403
    assert decide(stranger, claim, do="nothing_held") == 302
    claim.refresh_from_db()
    assert claim.state == "open"
    assert 'href="/requests/"' in admin_client.get("/users/").content.decode()
    assert 'href="/requests/"' not in support_client.get("/users/").content.decode()


def test_what_is_due_first_comes_first_and_overdue_is_said(admin_client: Client) -> None:
    assert "Nothing is to be decided." in admin_client.get("/requests/").content.decode()
    early, late, middle = (make_request(new_address()) for _ in range(3))
    now = timezone.now()
    for request, days in ((early, -1), (late, 20), (middle, 5)):
        Claim.objects.filter(request=request).update(due_at=now + dt.timedelta(days=days))
    page = admin_client.get("/requests/").content.decode()
    assert re.findall(r'data-request="([^"]+)"', page) == [str(one.pk) for one in (early, middle, late)]
    assert re.findall(r'data-overdue="(\w+)"', page) == ["true", "false", "false"]
    assert page.count("Overdue") == 1


def test_the_navigation_counts_what_is_to_be_answered(admin_client: Client, support_client: Client) -> None:
    assert "data-to-answer" not in admin_client.get("/users/").content.decode()
    late, _, closed = (make_request(new_address()) for _ in range(3))
    Claim.objects.filter(request=closed).update(state="nothing_held", closed_at=timezone.now(), email="")
    page = admin_client.get("/users/").content.decode()
    assert 'data-to-answer="2" data-late="0"' in page and "2 open" in page
    Claim.objects.filter(request=late).update(due_at=timezone.now() - dt.timedelta(days=1))
    page = admin_client.get("/users/").content.decode()
    assert 'data-to-answer="2" data-late="1"' in page and "1 overdue" in page
    assert "data-to-answer" not in support_client.get("/users/").content.decode()


def test_a_request_shows_everyone_who_claims_the_address(admin_client: Client) -> None:
    address = new_address()
    people = [make_person("Ana <b>", address), make_person("Ben", address)]
    other = make_person("Cleo", new_address())
    request = make_request(address)
    page = admin_client.get(f"/requests/{request.pk}/").content.decode()
    assert page.count("data-claim=") == 2
    for person in people:
        assert person.get_absolute_url() in page
        assert f"/users/{person.uuid}/export/" in page
    assert str(other.uuid) not in page
    assert "Ana &lt;b&gt;" in page
    assert page.count(f"data-answer-to>{address}<") == 2
    assert 'data-proof="mailbox"' in page
    assert admin_client.get(f"/requests/{uuid.uuid4()}/").status_code == 404


def test_a_copy_is_handed_over(admin: Account, admin_client: Client) -> None:
    address = new_address()
    person, twin = make_person("Ana", address), make_person("Ben", address)
    request = make_request(address)
    claim = claim_about(request, person)
    assert decide(admin_client, claim, do="handed_over") == 302
    claim.refresh_from_db()
    assert (claim.state, claim.email) == ("handed_over", "")
    assert claim.closed_at is not None
    assert claim_about(request, twin).state == "open", "each is decided alone"
    line = audit.entries_about(person.uuid).get(verb="request.handed_over")
    assert (line.actor, line.detail) == (admin, {"request": request.reference})
    assert str(request.pk) in admin_client.get("/requests/?state=closed").content.decode()
    access = admin_client.get(f"/users/{person.uuid}/access/").content.decode()
    assert "Handed their data over, as requested" in access


@pytest.mark.parametrize("code", ["not_them", "duplicate", "excessive", "must_keep", "withdrawn"])
def test_it_is_refused_with_a_code(admin: Account, admin_client: Client, code: str) -> None:
    person = make_person("Ana", new_address())
    request = make_request(person.email, RequestKind.ERASURE)
    claim = claim_about(request, person)
    assert decide(admin_client, claim, do="refuse", code=code) == 302
    claim.refresh_from_db()
    assert (claim.state, claim.refusal, claim.email) == ("refused", code, "")
    line = audit.entries_about(person.uuid).get(verb="request.refused")
    assert (line.actor, line.detail) == (admin, {"request": request.reference, "code": code})
    assert ChatUser.objects.filter(pk=person.pk, erased_at=None).exists()


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("code", {"do": "refuse"}),
        ("code", {"do": "refuse", "code": "because"}),
        ("do", {"do": "erase"}),
        ("do", {}),
        ("do", {"do": "nothing_held"}),
    ],
)
def test_what_cant_be_decided_is_said_by_its_field(
    admin_client: Client, field: str, fields: dict[str, str]
) -> None:
    person = make_person("Ana", new_address())
    claim = claim_about(make_request(person.email), person)
    response = admin_client.post(f"/requests/{claim.request_id}/{claim.pk}/", fields)
    assert response.status_code == 422
    assert f'data-error="{field}"' in response.content.decode()
    claim.refresh_from_db()
    assert claim.state == "open"


def test_an_erasure_isnt_handed_over(admin_client: Client) -> None:
    person = make_person("Ana", new_address())
    claim = claim_about(make_request(person.email, RequestKind.ERASURE), person)
    assert decide(admin_client, claim, do="handed_over") == 422
    claim.refresh_from_db()
    assert claim.state == "open"


def test_who_isnt_known_is_told_that_nothing_is_held(admin_client: Client) -> None:
    address = new_address()
    claim = Claim.objects.get(request=make_request(address))
    page = admin_client.get(f"/requests/{claim.request_id}/").content.decode()
    assert "Nobody we know has this address" in page
    assert f"data-answer-to>{address}<" in page
    assert decide(admin_client, claim, do="handed_over") == 422
    assert decide(admin_client, claim, do="nothing_held") == 302
    claim.refresh_from_db()
    assert (claim.state, claim.email) == ("nothing_held", "")


def test_who_decides_second_is_told(admin_client: Client) -> None:
    person = make_person("Ana", new_address())
    claim = claim_about(make_request(person.email), person)
    assert decide(admin_client, claim, do="handed_over") == 302
    assert decide(admin_client, claim, do="refuse", code="not_them") == 409
    claim.refresh_from_db()
    assert claim.state == "handed_over"
    assert AuditEntry.objects.filter(verb__startswith="request.").count() == 2


def test_a_claim_is_decided_in_its_own_request(admin_client: Client) -> None:
    one, other = (Claim.objects.get(request=make_request(new_address())) for _ in range(2))
    path = f"/requests/{other.request_id}/{one.pk}/"
    assert admin_client.post(path, {"do": "nothing_held"}).status_code == 404
    assert admin_client.get(path).status_code == 405
    one.refresh_from_db()
    assert one.state == "open"


@pytest.mark.django_db(transaction=True)
def test_an_erasure_takes_its_claim_along(admin_client: Client) -> None:
    address = new_address()
    person, twin = make_person("Ana", address), make_person("Ben", address)
    request = make_request(address, RequestKind.ERASURE)
    page = admin_client.get(f"/requests/{request.pk}/").content.decode()
    found = re.search(rf'href="(/users/{person.uuid}/delete/\?[^"]+)"', page)
    assert found
    path = html.unescape(found[1])
    asked = admin_client.get(path).content.decode()
    assert '<option value="subject_request" selected>' in asked
    assert f'value="{request.reference}"' in asked
    fields = {"reason": "subject_request", "ticket": request.reference, "confirm": "ANA-0"}
    assert admin_client.post(path, fields).status_code == 302
    assert not ChatUser.objects.filter(pk=person.pk, erased_at=None).exists()
    assert list(Claim.objects.values_list("chat_user", flat=True)) == [twin.pk]
    assert Erasure.objects.get().ticket == request.reference
    assert admin_client.get(f"/requests/{request.pk}/").content.decode().count("data-claim=") == 1


def test_who_is_being_erased_is_shown_no_more(admin_client: Client) -> None:
    person = make_person("Ana", new_address())
    claim = claim_about(make_request(person.email, RequestKind.ERASURE), person)
    assert f'data-claim="{claim.pk}"' in admin_client.get("/requests/").content.decode()
    ChatUser.objects.filter(pk=person.pk).update(erased_at=timezone.now())
    for path in ("/requests/", f"/requests/{claim.request_id}/"):
        assert f'data-claim="{claim.pk}"' not in admin_client.get(path).content.decode()
    assert decide(admin_client, claim, do="refuse", code="not_them") == 409
    assert not AuditEntry.objects.filter(verb="request.refused").exists()


def test_where_everyone_is_erased_it_says_so(admin_client: Client) -> None:
    request = make_request(new_address())
    Claim.objects.all().delete()
    assert 'data-claims="none"' in admin_client.get(f"/requests/{request.pk}/").content.decode()


@pytest.mark.parametrize("query", ["reason=x&ticket=Ana Lima", "ticket=" + "x" * 41, "reason=%00", ""])
def test_a_link_to_the_delete_page_brings_along_only_what_can_be(admin_client: Client, query: str) -> None:
    page = admin_client.get(f"/users/{make_person('Ana').uuid}/delete/?{query}")
    assert page.status_code == 200
    text = page.content.decode()
    assert "data-error" not in text
    assert not re.search(r'<option value="\w+" selected', text)
    assert re.search(r'name="ticket" value=""', text)


def test_a_claim_goes_along_where_people_are_joined() -> None:
    address = new_address()
    visitor, known = make_person("Ana", address), make_person("Ana L", external_id="a-1")
    request = make_request(address)
    merge(source_id=visitor.pk, target_id=known.pk)
    claim = Claim.objects.get()
    assert (claim.request, claim.chat_user, claim.state) == (request, known, "open")


def test_a_claim_goes_with_its_person_otherwise() -> None:
    visitor = make_person("Ana", new_address())
    make_request(visitor.email)
    visitor.delete()
    assert not Claim.objects.exists()
    assert Request.objects.count() == 1


def test_what_nobody_answered_about_nobody_ends_a_month_after_its_day() -> None:
    now = timezone.now()
    stale, young = (Claim.objects.get(request=make_request(new_address())) for _ in range(2))
    person = make_person("Ana", new_address())
    theirs = claim_about(make_request(person.email), person)
    Claim.objects.filter(pk__in=[stale.pk, theirs.pk]).update(due_at=now - dt.timedelta(days=31))
    Claim.objects.filter(pk=young.pk).update(due_at=now - dt.timedelta(days=29))
    assert requests.sweep_requests() == 1
    for claim, state in ((stale, ClaimState.EXPIRED), (young, ClaimState.OPEN), (theirs, ClaimState.OPEN)):
        claim.refresh_from_db()
        assert claim.state == state
        assert bool(claim.email) == (state == ClaimState.OPEN)
    assert requests.sweep_requests() == 0
    line = AuditEntry.objects.get(verb="request.expired")
    assert line.detail == {"request": stale.request.reference}


@pytest.mark.parametrize("count", [1, 30])
def test_the_queue_asks_as_often_for_many(
    count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(count):
        person = make_person("Ana", new_address())
        make_request(person.email)
    with django_assert_num_queries(1):
        rows = requests.claims_page(is_open=True).rows
        assert [claim.request.reference and claim.chat_user.name for claim in rows] == ["Ana"] * count


@pytest.mark.parametrize("state", ["open", "closed"])
def test_the_queue_goes_on_and_back(admin: Account, admin_client: Client, state: str) -> None:
    total = requests.PAGE_SIZE + 2
    for _ in range(total):
        claim = Claim.objects.get(request=make_request(new_address()))
        if state == "closed":
            requests.close_empty(actor=admin, claim_id=claim.pk)
    first = admin_client.get(f"/requests/?state={state}").content.decode()
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older
    second = admin_client.get(f"/requests/{html.unescape(older[1])}").content.decode()
    shown = re.findall(r'data-claim="(\d+)"', first + second)
    assert len(shown) == len(set(shown)) == total
    newer = re.search(r'rel="prev" href="([^"]+)"', second)
    assert newer
    back = admin_client.get(f"/requests/{html.unescape(newer[1])}").content.decode()
    assert re.findall(r'data-claim="(\d+)"', back) == re.findall(r'data-claim="(\d+)"', first)


@pytest.mark.parametrize("query", ["state=x", "after=x", "before=%00", "state=closed&after=x"])
def test_a_wrong_parameter_is_passed_over(admin_client: Client, query: str) -> None:
    make_request(new_address())
    assert admin_client.get(f"/requests/?{query}").status_code == 200
