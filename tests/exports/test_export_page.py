"""`/users/<uuid>/export/`: who may download a person's data, and how the file comes."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
import secrets
import uuid
import zipfile
from collections.abc import Callable

import pytest
from asgiref.sync import async_to_sync
from django.http.response import HttpResponseBase
from django.test import AsyncClient, Client

from staff import audit
from staff.models import Account, AuditEntry
from tests.exports.people import START, make_marked
from tests.factories import make_messages, make_person
from users.models import ChatUser

pytestmark = pytest.mark.django_db


def address(person: ChatUser, form: str = "") -> str:
    return f"/users/{person.uuid}/export/" + (f"?format={form}" if form else "")


def content(response: HttpResponseBase) -> bytes:
    return b"".join(response.streaming_content)  # type: ignore[attr-defined]


def test_json_is_a_download(support_client: Client) -> None:
    person = make_marked("zebrafin").person
    response = support_client.post(address(person, "json"))
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    today = dt.datetime.now(dt.UTC)
    name = f"chatadmin-user-{person.uuid.hex[:8].upper()}-{today:%Y%m%d}.json"
    assert response.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    made = json.loads(content(response))
    assert made["profile"]["uuid"] == str(person.uuid)
    assert len(made["conversations"]) == 2


def test_csv_is_a_download(support_client: Client) -> None:
    person = make_marked("zebrafin").person
    response = support_client.post(address(person, "csv"))
    assert response.headers["Content-Type"] == "application/zip"
    assert re.search(
        r'filename="chatadmin-user-[0-9A-F]{8}-\d{8}\.zip"$', response.headers["Content-Disposition"]
    )
    assert "messages.csv" in zipfile.ZipFile(io.BytesIO(content(response))).namelist()


def test_it_is_audited_before_the_first_byte(support_client: Client, support: Account) -> None:
    person = make_marked("zebrafin").person
    response = support_client.post(address(person, "csv"))
    line = audit.entries_about(person.uuid).get()
    assert (line.actor, line.verb, line.detail) == (support, "user.exported", {"format": "csv"})
    accesses = zipfile.ZipFile(io.BytesIO(content(response))).read("accesses.csv").decode()
    assert "user.exported" in accesses, "the download itself is one of the accesses that it names"


@pytest.mark.parametrize("form", ["", "xml", "JSON", "json,csv"])
def test_another_format_is_refused_by_its_field(support_client: Client, form: str) -> None:
    person = make_person("Ana")
    response = support_client.post(address(person, form))
    assert response.status_code == 400
    assert 'data-error="format"' in response.content.decode()
    assert not AuditEntry.objects.exists()


def test_the_page_says_what_the_file_holds(support_client: Client) -> None:
    person = make_marked("zebrafin").person
    response = support_client.get(address(person))
    page = response.content.decode()
    assert response.status_code == 200
    assert "4 messages" in page
    assert "data-error" not in page
    for form in ("json", "csv"):
        assert f'action="/users/{person.uuid}/export/?format={form}"' in page
    assert "no-store" in response.headers["Cache-Control"]
    assert not AuditEntry.objects.filter(verb="user.exported").exists()


def test_nobody_without_an_account_gets_anything(stranger: Client) -> None:
    person = make_person("Ana")
    response = stranger.post(address(person, "json"))
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/login/")
    assert not AuditEntry.objects.exists()


def test_an_unknown_or_erased_person_is_not_found(admin_client: Client) -> None:
    person = make_person("Ana")
    assert admin_client.get(address(person)).status_code == 200
    ChatUser.objects.update(erased_at=START)
    for method in (admin_client.get, admin_client.post):
        assert method(address(person, "json")).status_code == 404
        assert method(f"/users/{uuid.uuid4()}/export/?format=json").status_code == 404


def test_other_methods_are_refused(admin_client: Client) -> None:
    assert admin_client.delete(address(make_person("Ana"))).status_code == 405


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("form", ["json", "csv"])
def test_on_an_event_loop_it_comes_in_pieces(
    admin: Account, form: str, monkeypatch: pytest.MonkeyPatch, signed_in: Callable[[Account], Client]
) -> None:
    monkeypatch.setattr("exports.stream.BLOCK_BYTES", 500)
    person = make_person("Ana")
    make_messages(person, *[("visitor", f"{number} {secrets.token_hex(500)}") for number in range(40)])

    async def download() -> list[bytes]:
        client = AsyncClient()
        client.cookies = signed_in_cookies
        response = await client.post(address(person, form))
        assert response.streaming
        assert response.is_async
        return [piece async for piece in response.streaming_content]

    signed_in_cookies = signed_in(admin).cookies
    pieces = async_to_sync(download)()
    assert len(pieces) > 3
    whole = b"".join(pieces)
    if form == "json":
        assert len(json.loads(whole)["conversations"][0]["messages"]) == 40
    else:
        assert zipfile.ZipFile(io.BytesIO(whole)).testzip() is None
