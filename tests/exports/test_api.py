"""The HTTP API's part of data rights: who may ask, and what is answered."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

from chatadmin.lib.limits import Quota
from exports import approvals, ledger, queries
from exports.erasure import resume_unfinished
from exports.models import Erasure
from exports.register import CHILDREN
from exports.stream import Form, export
from staff import audit
from staff.models import Account, ApiKey, AuditEntry, Scope
from staff.policy import change_policy
from tests.exports.asking import Program, problem
from tests.exports.people import START, make_marked
from tests.factories import make_person
from users.models import ChatUser

pytestmark = pytest.mark.django_db

SOMEBODY = "01234567-89ab-4cde-8f01-23456789abcd"
ADDRESSES = [
    ("get", f"users/{SOMEBODY}/export", Scope.EXPORT),
    ("delete", f"users/{SOMEBODY}", Scope.ERASE),
    ("get", f"erasures/{SOMEBODY}", Scope.ERASE),
]


def ask(program: Program, method: str, path: str) -> Any:
    return program.delete(path, reason="test") if method == "delete" else program.get(path)


@pytest.mark.parametrize(("method", "path", "scope"), ADDRESSES)
def test_nobody_without_a_key_comes_in(method: str, path: str, scope: Scope) -> None:
    person = make_person("Ana", uuid=SOMEBODY)
    response = ask(Program(), method, path)
    problem(response, 401, "key")
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert ChatUser.objects.filter(pk=person.pk, erased_at=None).exists()


@pytest.mark.parametrize(("method", "path", "scope"), ADDRESSES)
def test_a_session_is_no_key(admin_client: Client, method: str, path: str, scope: Scope) -> None:
    make_person("Ana", uuid=SOMEBODY)
    assert admin_client.get("/users/").status_code == 200
    response = getattr(admin_client, method)(f"/api/v1/{path}")
    problem(response, 401, "key")


@pytest.mark.parametrize(("method", "path", "scope"), ADDRESSES)
def test_a_key_opens_its_scopes_alone(method: str, path: str, scope: Scope) -> None:
    others = [other for other in Scope if other is not scope]
    problem(ask(Program(*others), method, path), 403, "scope")
    problem(ask(Program(scope), method, path), 404, "unknown", "id" if "erasures" in path else "uuid")


def test_a_revoked_key_opens_nothing() -> None:
    program = Program(Scope.EXPORT)
    problem(program.get(f"users/{SOMEBODY}/export"), 404, "unknown", "uuid")
    ApiKey.objects.update(revoked_at=START)
    problem(program.get(f"users/{SOMEBODY}/export"), 401, "key")


@pytest.mark.parametrize(
    "header", ["Basic eDp5", "Bearer", "Bearer x", "bearer ck_", "Token {key}", "{key}", "é"]
)
def test_what_is_no_bearer_key_is_refused(header: str) -> None:
    program = Program(Scope.EXPORT)
    text = program.client.defaults["HTTP_AUTHORIZATION"].split()[1]
    wrong = Client(headers={"authorization": header.replace("{key}", text)})
    problem(wrong.get(f"/api/v1/users/{SOMEBODY}/export"), 401, "key")


def test_a_key_may_ask_so_often_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("staff.api.PER_KEY", Quota(most=3, seconds=300))
    program, other = Program(Scope.EXPORT), Program(Scope.EXPORT)
    for _ in range(3):
        problem(program.get(f"users/{SOMEBODY}/export"), 404, "unknown", "uuid")
    response = program.get(f"users/{SOMEBODY}/export")
    problem(response, 429, "too_fast")
    assert response.headers["Retry-After"] == "300"
    problem(other.get(f"users/{SOMEBODY}/export"), 404, "unknown", "uuid")


@pytest.mark.parametrize("form", ["json", "csv"])
def test_an_export_is_what_the_button_gives(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exports.reading.timezone.now", lambda: START)
    person = make_marked("zebrafin").person
    program = Program(Scope.EXPORT)
    response = program.get(f"users/{person.uuid}/export", format=form)
    assert response.status_code == 200
    assert response.streaming
    assert response.headers["Cache-Control"] == "no-store"
    assert not response.cookies
    assert "Access-Control-Allow-Origin" not in response.headers
    given = b"".join(response.streaming_content)
    assert b"zebrafin" in given or form == "csv"
    assert given == b"".join(export(person, Form(form)).blocks)
    line = audit.entries_about(person.uuid).get()
    assert program.key is not None
    assert (line.actor, line.actor_name, line.verb) == (None, program.key.display_name, "user.exported")
    assert line.detail == {"format": form, "by": "api", "key": program.key.prefix}
    if form == "csv":
        named = zipfile.ZipFile(io.BytesIO(given))
        assert program.key.prefix in named.read("accesses.csv").decode(), "it is one of the accesses itself"


def test_what_is_left_out_is_left_out() -> None:
    person = make_marked("zebrafin").person
    program = Program(Scope.EXPORT)
    response = program.get(f"users/{person.uuid}/export", leave_out=["notes", "accesses", "notes"])
    made = json.loads(b"".join(response.streaming_content))
    assert made["left_out"] == ["accesses", "notes"]
    assert "notes" not in made and "visits" in made
    assert audit.entries_about(person.uuid).get().detail["left_out"] == ["accesses", "notes"]
    refused = program.get(f"users/{person.uuid}/export", leave_out=["notes", "messages"])
    problem(refused, 422, "invalid", "leave_out.1")


def test_json_is_given_where_no_format_is_asked_for() -> None:
    person = make_person("Ana")
    response = Program(Scope.EXPORT).get(f"users/{person.uuid}/export")
    assert json.loads(b"".join(response.streaming_content))["profile"]["uuid"] == str(person.uuid)


@pytest.mark.django_db(transaction=True)
def test_on_an_event_loop_it_comes_in_pieces() -> None:
    person = make_marked("zebrafin").person
    header = Program(Scope.EXPORT).client.defaults["HTTP_AUTHORIZATION"]

    async def download() -> list[bytes]:
        response = await AsyncClient().get(
            f"/api/v1/users/{person.uuid}/export", headers={"authorization": header}
        )
        assert response.is_async
        return [piece async for piece in response.streaming_content]

    assert b"zebrafin" in b"".join(async_to_sync(download)())


@pytest.mark.parametrize("format_", ["xml", "JSON", ""])
def test_another_format_is_refused_by_its_field(format_: str) -> None:
    person = make_person("Ana")
    response = Program(Scope.EXPORT).get(f"users/{person.uuid}/export", format=format_)
    problem(response, 422, "invalid", "format")
    assert not AuditEntry.objects.filter(verb="user.exported").exists()


@pytest.mark.parametrize("wrong", ["x", "1", "01234567-89ab-4cde-8f01-23456789abcg", "%00", "é"])
def test_what_is_no_id_is_refused_by_its_field(wrong: str) -> None:
    program = Program(*Scope)
    problem(program.get(f"users/{wrong}/export"), 422, "invalid", "uuid")
    problem(program.delete(f"users/{wrong}", reason="test"), 422, "invalid", "uuid")
    problem(program.get(f"erasures/{wrong}"), 422, "invalid", "id")


@pytest.mark.django_db(transaction=True)
def test_an_erasure_is_the_buttons() -> None:
    marked, other = make_marked("zebrafin"), make_marked("quokka")
    program = Program(Scope.ERASE)
    uuid_ = marked.person.uuid
    response = program.delete(f"users/{uuid_}", reason="subject_request", ticket="T-1")
    assert response.status_code == 202, response.content
    made = response.json()
    assert response.headers["Location"] == made["address"] == f"/api/v1/erasures/{made['id']}"
    assert (made["reason"], made["ticket"]) == ("subject_request", "T-1")
    later = program.client.get(made["address"])
    assert later.status_code == 200
    shown = later.json()
    assert shown["state"] == "done"
    assert shown["counts"]["profile"] == 1
    assert str(uuid_) not in later.content.decode()
    assert not ChatUser.objects.filter(uuid=uuid_).exists()
    assert ChatUser.objects.filter(pk=other.person.pk, erased_at=None).exists()
    assert program.key is not None
    assert Erasure.objects.get().actor_name == program.key.display_name
    line = audit.entries_about(uuid_).get(verb="user.erased")
    assert (line.actor, line.actor_name) == (None, program.key.display_name)
    problem(program.delete(f"users/{uuid_}", reason="test"), 404, "unknown", "uuid")


@pytest.mark.django_db(transaction=True)
def test_somebody_with_many_rows_of_any_kind_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    person = make_marked("zebrafin").person
    assert queries.goes_at_once(person)
    rows = sum(declared.rows_of(person.pk).count() for declared in CHILDREN)
    monkeypatch.setattr(queries, "AT_ONCE_ROWS", rows)
    assert not queries.goes_at_once(person)
    response = Program(Scope.ERASE).delete(f"users/{person.uuid}", reason="test")
    assert (response.status_code, response.json()["state"]) == (202, "running")
    assert resume_unfinished() == 1
    assert Erasure.objects.get().finished_at


@pytest.mark.parametrize(
    ("field", "query"),
    [
        ("reason", {}),
        ("reason", {"reason": "because"}),
        ("reason", {"reason": ""}),
        ("ticket", {"reason": "test", "ticket": "x" * 41}),
        ("ticket", {"reason": "test", "ticket": "Ana Lima"}),
        ("ticket", {"reason": "test", "ticket": "T-1\n"}),
    ],
)
def test_an_erasure_without_its_codes_is_refused_by_the_field(field: str, query: dict[str, str]) -> None:
    person = make_person("Ana")
    response = Program(Scope.ERASE).delete(f"users/{person.uuid}", **query)
    problem(response, 422, "invalid", field)
    assert "Lima" not in response.content.decode(), "what was sent is not repeated"
    assert ChatUser.objects.filter(pk=person.pk, erased_at=None).exists()


@pytest.mark.django_db(transaction=True)
def test_a_hold_keeps_a_person() -> None:
    person = make_person("Ana", held_at=START)
    response = Program(Scope.ERASE).delete(f"users/{person.uuid}", reason="test")
    problem(response, 409, "held", "uuid")
    assert ChatUser.objects.filter(pk=person.pk, erased_at=None).exists()
    assert not Erasure.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_where_a_second_admin_is_needed_it_waits_for_another_than_who_made_the_key(
    admin: Account, owner: Account
) -> None:
    program = Program(Scope.ERASE)
    key = program.key
    assert key is not None and key.made_by == owner
    change_policy(erasure_needs_second=True, actor=owner)
    goes, stays = make_person("Ana"), make_person("Ben")
    made = {person: program.delete(f"users/{person.uuid}", reason="test") for person in (goes, stays)}
    for response in made.values():
        assert response.status_code == 202
        assert response.json()["state"] == "waiting"
    assert ChatUser.objects.filter(erased_at=None).count() == 2
    filed = {person: uuid.UUID(response.json()["id"]) for person, response in made.items()}
    with pytest.raises(approvals.SameAdmin):
        approvals.approve(erasure_id=filed[goes], actor=owner)
    approvals.approve(erasure_id=filed[goes], actor=admin)
    resume_unfinished()
    approvals.refuse(erasure_id=filed[stays], actor=admin)
    assert program.get(f"erasures/{filed[goes]}").json()["state"] == "done"
    assert program.get(f"erasures/{filed[stays]}").json()["state"] == "refused"
    assert list(ChatUser.objects.all()) == [stays]
    assert Erasure.objects.get(pk=filed[goes]).actor_name == key.display_name
    verbs = ("erasure.asked", "user.erased")
    lines = audit.entries_about(goes.uuid).filter(verb__in=verbs)
    assert {(line.verb, line.actor_name) for line in lines} == {(verb, key.display_name) for verb in verbs}


def test_where_the_ledger_cant_be_written_nothing_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(**asked: object) -> None:
        raise ledger.Unwritable("no space left")

    monkeypatch.setattr("exports.erasure.erase", fails)
    person = make_person("Ana")
    problem(Program(Scope.ERASE).delete(f"users/{person.uuid}", reason="test"), 503, "ledger")


def test_an_erased_person_has_no_export() -> None:
    person = make_person("Ana", erased_at=START)
    problem(Program(Scope.EXPORT).get(f"users/{person.uuid}/export"), 404, "unknown", "uuid")


@pytest.mark.parametrize("path", ["", "users", f"users/{SOMEBODY}/", "x/y/z", "openapi"])
def test_an_address_that_there_isnt_says_so(path: str) -> None:
    for response in (Program().get(path), Program(*Scope).post(path, {})):
        problem(response, 404, "no_address")


def test_other_methods_are_refused() -> None:
    program = Program(*Scope)
    for method in ("put", "post", "patch", "options"):
        response = getattr(program.client, method)(f"/api/v1/users/{uuid.uuid4()}")
        assert response.status_code == 405
        assert response.headers["Allow"] == "DELETE"
        assert "Access-Control-Allow-Origin" not in response.headers
