"""`/exports/`: asked from the list, counted, started, watched, downloaded by who may, deleted."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext

from exports import export_files, export_jobs, export_queries
from exports.download import FileGone
from exports.models import Export
from staff.models import Account, AuditEntry
from tests.exports.people import make_marked
from tests.factories import make_account, make_messages, make_person
from users.models import ChatUser

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def private_place(settings: Any, tmp_path: Path) -> Path:
    settings.VAR_DIR = tmp_path
    return tmp_path / "exports"


def proposed(client: Client, *people: ChatUser, **fields: Any) -> str:
    response = client.post("/exports/", {"user": [str(person.uuid) for person in people], **fields})
    assert response.status_code == 302, response.content.decode()
    return str(response.headers["Location"])


def finished(client: Client, *people: ChatUser) -> Export:
    address = proposed(client, *people)
    client.post(address, {"do": "start", "format": "json"})
    assert export_jobs.write_exports() == 1
    return Export.objects.get(pk=address.split("/")[2])


def test_the_whole_way(support_client: Client, support: Account) -> None:
    ana, ben = make_marked("zebrafin").person, make_person("Ben")
    make_messages(ben, ("visitor", "hello"))
    address = proposed(support_client, ana, ben)
    assert re.fullmatch(r"/exports/\d+/", address)
    page = support_client.get(address).content.decode()
    assert "Export everything about 2 people?" in page and "5 messages" in page
    assert 'name="leave_out" value="notes"' in page
    assert not export_jobs.write_exports(), "nothing is done before somebody says so"
    response = support_client.post(address, {"do": "start", "format": "json", "leave_out": "notes"})
    assert response.status_code == 302
    page = support_client.get(address).content.decode()
    assert 'data-state="waiting"' in page and 'hx-trigger="every 1s"' in page
    assert "Download" not in page
    export_jobs.write_exports()
    page = support_client.get(address).content.decode()
    assert 'data-state="done"' in page and 'data-left-out="notes"' in page
    download = support_client.post(f"{address}file/")
    raw = b"".join(download.streaming_content)  # type: ignore[attr-defined]
    assert int(download.headers["Content-Length"]) == len(raw)
    assert download.headers["Cache-Control"] == "no-store"
    assert len(zipfile.ZipFile(io.BytesIO(raw)).namelist()) == 3
    verbs = list(AuditEntry.objects.order_by("pk").values_list("verb", flat=True))
    assert verbs == ["export.started", "user.exported", "user.exported", "export.downloaded"]
    assert set(AuditEntry.objects.values_list("actor", flat=True)) == {support.pk}


def test_everyone_whom_the_list_shows(support_client: Client) -> None:
    for number in range(3):
        make_person(f"Crowd {number}")
    make_person("Other")
    address = proposed(support_client, all="yes", query="q=crowd&in=name")
    assert "about 3 people?" in support_client.get(address).content.decode()
    address = proposed(support_client, query="q=crowd&in=name")
    assert "about 3 people?" in support_client.get(address).content.decode()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"user": "not-a-uuid"}, "user"),
        ({"user": "00000000-0000-4000-8000-000000000000"}, "user"),
        ({"query": "q=nobody-at-all&in=name"}, "user"),
        ({"query": "min_messages=many"}, "query"),
        ({"all": "no"}, "all"),
    ],
)
def test_what_can_not_be_exported_is_refused_by_its_field(
    support_client: Client, fields: dict[str, str], field: str
) -> None:
    make_person("Ana")
    response = support_client.post("/exports/", fields)
    assert response.status_code == 422
    assert f'data-error="{field}"' in response.content.decode()
    assert not Export.objects.exists()


def test_too_many(support_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_jobs, "MOST_PEOPLE", 2)
    for number in range(3):
        make_person(f"Person {number}")
    response = support_client.post("/exports/", {"all": "yes"})
    assert response.status_code == 422 and "more than 2 people" in response.content.decode()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"do": "start"}, "format"),
        ({"do": "start", "format": "xml"}, "format"),
        ({"do": "fly"}, "do"),
        ({}, "do"),
        ({"do": "start", "format": "json", "leave_out": "body"}, "leave_out"),
    ],
)
def test_what_can_not_be_said(support_client: Client, fields: dict[str, str], field: str) -> None:
    address = proposed(support_client, make_person("Ana"))
    response = support_client.post(address, fields)
    assert response.status_code == 422
    assert f'data-error="{field}"' in response.content.decode()
    assert Export.objects.get().state == "proposed"


def test_others_of_support_neither_see_nor_get_it(
    support_client: Client, admin_client: Client, stranger: Client, signed_in: Callable[[Account], Client]
) -> None:
    export = finished(support_client, make_person("Ana"))
    colleague = signed_in(make_account("kim@team.example"))
    for address in (f"/exports/{export.pk}/", f"/exports/{export.pk}/file/"):
        assert colleague.post(address, {"do": "stop"}).status_code == 404
        assert stranger.post(address).status_code == 302
    assert colleague.get(f"/exports/{export.pk}/").status_code == 404
    assert f'data-export="{export.pk}"' not in colleague.get("/exports/").content.decode()
    assert f'data-export="{export.pk}"' in support_client.get("/exports/").content.decode()
    assert f'data-export="{export.pk}"' in admin_client.get("/exports/").content.decode()
    assert admin_client.post(f"/exports/{export.pk}/file/").status_code == 200
    assert admin_client.get(f"/exports/{export.pk}/file/").status_code == 405
    assert stranger.get("/exports/").status_code == 302


def test_it_is_deleted_by_hand(support_client: Client) -> None:
    export = finished(support_client, make_person("Ana"))
    path = export_files.path_of(export)
    assert path.exists()
    assert support_client.post(f"/exports/{export.pk}/", {"do": "stop"}).status_code == 302
    assert not path.exists()
    page = support_client.get(f"/exports/{export.pk}/").content.decode()
    assert 'data-why="deleted"' in page
    assert support_client.post(f"/exports/{export.pk}/file/").status_code == 404


def test_a_proposal_is_cancelled(support_client: Client) -> None:
    address = proposed(support_client, make_person("Ana"))
    support_client.post(address, {"do": "stop"})
    assert not Export.objects.exists()
    assert support_client.get(address).status_code == 404


def test_a_download_breaks_off_once_somebody_in_it_is_erased(
    support_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exports.download.READ_BYTES", 10)
    person = make_person("Ana")
    export = finished(support_client, person)
    pieces = iter(support_client.post(f"/exports/{export.pk}/file/").streaming_content)  # type: ignore[attr-defined]
    assert next(pieces)[:4] == b"PK\x03\x04"
    export_files.drop_files_with([person.uuid])
    with pytest.raises(FileGone):
        list(pieces)


def test_the_part_that_moves(support_client: Client) -> None:
    address = proposed(support_client, make_person("Ana"))
    support_client.post(address, {"do": "start", "format": "csv"})
    part = support_client.get(address, headers={"HX-Request": "true"})
    assert part.status_code == 200 and b"<html" not in part.content
    export_jobs.write_exports()
    assert support_client.get(address, headers={"HX-Request": "true"}).headers["HX-Redirect"] == address


def test_what_went_wrong_is_said(support_client: Client) -> None:
    export = finished(support_client, make_person("Ana"))
    Export.objects.update(state="failed", why="disk_full")
    assert "The disk is full" in support_client.get(f"/exports/{export.pk}/").content.decode()


def test_pages_of_the_list(admin_client: Client, admin: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "data-empty" in admin_client.get("/exports/").content.decode()
    ids = [make_person("Ana").pk]
    keys = [export_jobs.propose(ids=ids, actor=admin).pk for _ in range(5)][::-1]
    monkeypatch.setattr(export_queries, "EXPORTS_PER_PAGE", 2)
    found: list[int] = []
    address = "/exports/"
    while address:
        page = admin_client.get(address).content.decode()
        found += [int(key) for key in re.findall(r'data-export="(\d+)"', page)]
        older = re.search(r'rel="next" href="(\?after=[^"]+)"', page)
        address = f"/exports/{older.group(1)}" if older else ""
    assert found == keys
    assert 'data-error="after"' in admin_client.get("/exports/?after=nonsense").content.decode()


def test_as_many_queries_for_a_full_page(admin_client: Client, admin: Account) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as captured:
            admin_client.get("/exports/")
        return len(captured)

    ids = [make_person("Ana").pk]
    export_jobs.propose(ids=ids, actor=admin)
    few = asked()
    for _ in range(20):
        export_jobs.propose(ids=ids, actor=admin)
    assert asked() == few


def test_the_list_and_the_ticked_lead_here(support_client: Client) -> None:
    make_person("Ana")
    page = support_client.get("/users/").content.decode()
    assert page.count('formaction="/exports/"') == 2
    assert '<a href="/exports/"' in page


@pytest.mark.django_db(transaction=True)
def test_on_an_event_loop_it_comes_in_pieces(
    admin: Account, monkeypatch: pytest.MonkeyPatch, signed_in: Callable[[Account], Client]
) -> None:
    monkeypatch.setattr("exports.download.READ_BYTES", 100)
    client = signed_in(admin)
    export = finished(client, make_person("Ana"))
    cookies = client.cookies

    async def download() -> list[bytes]:
        asking = AsyncClient()
        asking.cookies = cookies
        response = await asking.post(f"/exports/{export.pk}/file/")
        assert response.is_async
        return [piece async for piece in response.streaming_content]

    pieces = async_to_sync(download)()
    assert len(pieces) > 3
    assert b"".join(pieces) == export_files.path_of(export).read_bytes()
