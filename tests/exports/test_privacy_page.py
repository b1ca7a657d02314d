"""`/privacy/`: anybody may ask by e-mail address, and learns nothing of who is here."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from exports.models import Claim, Request
from staff.models import Account, AuditEntry
from tests.exports.asked import ask, link_in, somewhere
from tests.factories import make_person
from tests.mails import PUBLIC_URL, MailServer, new_address, switch_on

pytestmark = pytest.mark.django_db


@pytest.fixture
def on(settings: Settings) -> None:
    switch_on(settings)


@pytest.mark.parametrize(("mail_on", "public_url"), [(False, PUBLIC_URL), (True, ""), (False, "")])
def test_it_is_off_where_no_link_can_be_mailed(settings: Settings, mail_on: bool, public_url: str) -> None:
    settings.MAIL_ON, settings.PUBLIC_URL = mail_on, public_url
    for response in (somewhere().get("/privacy/"), ask(somewhere(), new_address())):
        assert response.status_code == 404
        page = response.content.decode()
        assert 'data-privacy="off"' in page
        assert "<form" not in page
    assert mail.outbox == []


@pytest.mark.usefixtures("on")
def test_the_form_is_there_for_a_stranger(stranger: Client) -> None:
    response = stranger.get("/privacy/")
    page = response.content.decode()
    assert response.status_code == 200
    assert 'data-privacy="form"' in page
    assert 'value="access"' in page and 'value="erasure"' in page
    assert not response.cookies
    assert "no-store" in response.headers["Cache-Control"]
    assert response.headers["X-Robots-Tag"] == "noindex"


@pytest.mark.usefixtures("on")
def test_nobody_and_somebody_get_the_same() -> None:
    known, unknown = new_address(), new_address()
    for _ in range(3):
        make_person("Ana Lima", known)
    ask(somewhere(), new_address())
    mail.outbox.clear()
    answers, work = [], []
    for address in (known, unknown):
        with CaptureQueriesContext(connection) as asked:
            response = ask(somewhere(), address)
        headers = {name: value for name, value in response.headers.items() if name != "Expires"}
        answers.append((response.status_code, response.content, headers))
        work.append([query["sql"] for query in asked])
    assert answers[0] == answers[1]
    assert work[0] == work[1]
    assert answers[0][0] == 200
    assert known not in answers[0][1].decode()
    assert [sent.to for sent in mail.outbox] == [[known], [unknown]]
    bodies = [str(sent.body).replace(link_in(sent), "") for sent in mail.outbox]
    assert bodies[0] == bodies[1]
    assert "Ana" not in bodies[0]
    assert not Request.objects.exists() and not Claim.objects.exists(), (
        "nothing is kept before it is confirmed"
    )


@pytest.mark.usefixtures("on")
def test_the_mail_is_plain_and_ours_alone() -> None:
    address = new_address()
    ask(somewhere(), address, "erasure")
    [sent] = mail.outbox
    assert sent.to == [address]
    assert not sent.cc and not sent.bcc and not sent.attachments
    assert sent.extra_headers["Auto-Submitted"] == "auto-generated"
    assert "erase" in str(sent.body)
    assert "a copy of" not in str(sent.body)
    assert link_in(sent).startswith("/privacy/confirm/")
    assert address not in link_in(sent)


@pytest.mark.usefixtures("on")
@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("kind", {"kind": ""}),
        ("kind", {"kind": "everything"}),
        ("email", {"email": ""}),
        ("email", {"email": "ana"}),
        ("email", {"email": "ana@site.example, ben@site.example"}),
        ("email", {"email": "ana@site.example\nBcc: ben@site.example"}),
        ("email", {"email": "a" * 250 + "@site.example"}),
    ],
)
def test_what_cant_be_asked_is_said_by_its_field(field: str, fields: dict[str, str]) -> None:
    response = somewhere().post("/privacy/", {"kind": "access", "email": new_address(), **fields})
    assert response.status_code == 422
    assert f'data-error="{field}"' in response.content.decode()
    assert mail.outbox == []


@pytest.mark.usefixtures("on")
def test_a_mailbox_gets_three_a_day_and_the_answer_stays_the_same() -> None:
    address = new_address()
    local, _, host = address.partition("@")
    answers = [ask(somewhere(), spelt) for spelt in (address, f"{local}+a@{host}", address.upper(), address)]
    assert len(mail.outbox) == 3
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
    ask(somewhere(), new_address())
    assert len(mail.outbox) == 4, "another mailbox gets its own"


@pytest.mark.usefixtures("on")
def test_who_asks_in_somebodys_name_leaves_them_one_of_the_three() -> None:
    address = new_address()
    local, _, host = address.partition("@")
    other = somewhere()
    answers = [ask(other, spelt) for spelt in (address, f"{local}+a@{host}", f"{local}+b@{host}", address)]
    assert len(mail.outbox) == 2
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
    assert ask(somewhere(), address).status_code == 200
    assert len(mail.outbox) == 3


@pytest.mark.usefixtures("on")
def test_what_could_not_be_sent_is_not_counted(settings: Settings) -> None:
    address, client = new_address(), somewhere()
    with MailServer() as server:
        server.use(settings)
    assert [ask(client, address).status_code for _ in range(4)] == [503] * 4
    with MailServer() as server:
        server.use(settings)
        assert ask(client, address).status_code == 200
        assert len(server.mails) == 1


@pytest.mark.usefixtures("on")
def test_one_network_asks_ten_times_an_hour() -> None:
    client = somewhere()
    for _ in range(10):
        assert ask(client, new_address()).status_code == 200
    response = ask(client, new_address())
    assert response.status_code == 429
    assert 'role="alert"' in response.content.decode()
    assert len(mail.outbox) == 10
    assert ask(somewhere(), new_address()).status_code == 200


@pytest.mark.usefixtures("on")
def test_a_mail_server_that_is_down_is_said_to_everybody(settings: Settings) -> None:
    known, unknown = new_address(), new_address()
    make_person("Ana", known)
    with MailServer() as server:
        server.use(settings)
    for address in (known, unknown):
        response = ask(somewhere(), address)
        assert response.status_code == 503
        assert 'role="alert"' in response.content.decode()


@pytest.mark.usefixtures("on")
def test_an_address_that_the_mail_server_refuses_gets_the_same_answer(settings: Settings) -> None:
    with MailServer(RCPT="550 no such user") as refusing:
        refusing.use(settings)
        refused = ask(somewhere(), new_address())
    with MailServer() as taking:
        taking.use(settings)
        taken = ask(somewhere(), new_address())
        assert len(taking.mails) == 1
    assert refusing.mails == []
    assert (refused.status_code, refused.content) == (taken.status_code, taken.content)
    assert refused.status_code == 200


@pytest.mark.usefixtures("on")
def test_other_methods_are_refused(stranger: Client) -> None:
    for method in (stranger.put, stranger.delete):
        assert method("/privacy/").status_code == 405


@pytest.mark.usefixtures("on")
def test_an_admin_closes_and_opens_it(
    stranger: Client, support_client: Client, admin: Account, admin_client: Client
) -> None:
    def form() -> str | None:
        page = admin_client.get("/requests/").content.decode()
        found = re.search(r'data-form="(\w+)"', page)
        assert ('name="public" value="no"' in page) is (found is not None and found[1] == "on")
        return found and found[1]

    assert form() == "on"
    for client, status in ((stranger, 302), (support_client, 403)):
        assert client.post("/requests/form/", {"public": "no"}).status_code == status
    assert admin_client.post("/requests/form/", {"public": "perhaps"}).status_code == 422
    assert stranger.get("/privacy/").status_code == 200 and form() == "on"
    ask(somewhere(), new_address())
    link = link_in(mail.outbox[0])

    for _ in range(2):  # the second changes nothing
        assert admin_client.post("/requests/form/", {"public": "no"}).status_code == 302
    assert form() == "off"
    for response in (stranger.get("/privacy/"), ask(somewhere(), new_address())):
        assert response.status_code == 404
        assert 'data-privacy="off"' in response.content.decode()
    assert len(mail.outbox) == 1
    assert stranger.post(link).status_code == 200 and Request.objects.count() == 1

    assert admin_client.post("/requests/form/", {"public": "yes"}).status_code == 302
    assert form() == "on" and ask(somewhere(), new_address()).status_code == 200
    lines = AuditEntry.objects.filter(verb__startswith="privacy_form.").order_by("pk")
    assert [(line.verb, line.actor) for line in lines] == [
        ("privacy_form.closed", admin),
        ("privacy_form.opened", admin),
    ]
