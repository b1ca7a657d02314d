"""`POST /api/v1/privacy/requests`: the site files what its people ask for."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django.fixtures import Settings

from exports.models import Claim, Request
from staff import audit
from staff.models import Scope
from tests.exports.asked import link_in, somewhere
from tests.exports.asking import Program, problem
from tests.exports.people import START
from tests.exports.test_api_document import check
from tests.factories import make_person
from tests.mails import MailServer, new_address, switch_on

pytestmark = pytest.mark.django_db
PATH = "privacy/requests"


def post(body: Any, *scopes: Scope) -> Any:
    response = Program(*(scopes or (Scope.REQUESTS,))).post(PATH, body)
    check(response, PATH, "post")
    return response


def test_whom_the_site_has_vouched_for_needs_no_mail(settings: Settings) -> None:
    switch_on(settings)
    address = new_address()
    person = make_person("Ana", address, external_id="a-1", verified_at=START)
    make_person("Ben", address)
    program = Program(Scope.REQUESTS)
    response = program.post(PATH, {"kind": "erasure", "external_id": "a-1"})
    assert response.status_code == 201, response.content
    request = Request.objects.get()
    assert response.json() == {"state": "confirmed", "id": str(request.pk), "reference": request.reference}
    assert (request.kind, request.proof) == ("erasure", "site")
    claim = Claim.objects.get()
    assert (claim.chat_user, claim.email, claim.state) == (person, "", "open")
    assert mail.outbox == []
    line = audit.entries_about(person.uuid).get()
    assert program.key is not None
    assert (line.verb, line.actor, line.actor_name) == ("request.confirmed", None, program.key.display_name)
    person.refresh_from_db()
    assert person.erased_at is None, "staff decide"


@pytest.mark.parametrize("fields", [{}, {"verified_at": START, "erased_at": START}])
def test_an_external_id_that_nobody_vouched_for_confirms_nothing(fields: dict[str, Any]) -> None:
    make_person("Ana", external_id="a-1", **fields)
    problem(post({"kind": "access", "external_id": "a-1"}), 404, "unknown", "external_id")
    problem(post({"kind": "access", "external_id": "a-2"}), 404, "unknown", "external_id")
    assert not Request.objects.exists()


def test_an_address_is_mailed_whoever_is_known_by_it(settings: Settings) -> None:
    switch_on(settings)
    known, unknown = new_address(), new_address()
    make_person("Ana", known)
    answers = [post({"kind": "access", "email": address}) for address in (known, unknown)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].content == answers[1].content
    assert answers[0].json() == {"state": "mailed", "id": None, "reference": None}
    assert [sent.to for sent in mail.outbox] == [[known], [unknown]]
    assert not Request.objects.exists()
    somewhere().post(link_in(mail.outbox[0]))
    assert Request.objects.get().proof == "mailbox"


def test_where_mail_is_off_it_says_so(settings: Settings) -> None:
    settings.MAIL_ON = False
    problem(post({"kind": "access", "email": new_address()}), 409, "mail_off", "email")


def test_a_mail_server_that_is_down_is_said(settings: Settings) -> None:
    switch_on(settings)
    with MailServer() as server:
        server.use(settings)
    problem(post({"kind": "access", "email": new_address()}), 503, "mail_unreachable")


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ({"external_id", "email"}, {"kind": "access"}),
        ({"external_id", "email"}, {"kind": "access", "email": "a@site.example", "external_id": "a"}),
        ({"email"}, {"kind": "access", "email": "ana"}),
        ({"external_id"}, {"kind": "access", "external_id": "a\x00b"}),
        ({"external_id"}, {"kind": "access", "external_id": "x" * 201}),
        ({"external_id"}, {"kind": "access", "external_id": ""}),
        ({"external_id"}, {"kind": "access", "external_id": 5}),
        ({"kind"}, {"kind": "everything", "external_id": "a"}),
        ({"kind"}, {"external_id": "a"}),
    ],
)
def test_what_cant_be_filed_is_said_by_its_field(fields: set[str], body: dict[str, Any]) -> None:
    response = post(body)
    problem(response, 422, "invalid", *fields)


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "null", '"x"', "[" * 50_000, '{"kind": "access", "email": "\\ud800"}']
)
def test_what_is_no_such_document_is_refused(body: str) -> None:
    response = Program(Scope.REQUESTS).post(PATH, body)
    assert response.status_code == 422
    check(response, PATH, "post")


def test_other_keys_and_none_come_not_in() -> None:
    body = {"kind": "access", "external_id": "a-1"}
    make_person("Ana", external_id="a-1", verified_at=timezone.now())
    problem(post(body, Scope.EXPORT, Scope.ERASE), 403, "scope")
    problem(Program().post(PATH, body), 401, "key")
    assert not Request.objects.exists()
