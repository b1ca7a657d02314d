"""The audit log as a file: what the page shows, all of it, and the export is a line itself."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chatadmin.lib.limits import limits
from exports import audit_stream, audit_views
from exports.cells import restore
from staff import audit
from staff.audit_chain import fits
from staff.audit_sealing import seal
from staff.models import Account, AuditEntry
from tests.staff.chain import sealed

pytestmark = pytest.mark.django_db
ANN = uuid.UUID("7f3a2c91-0000-4000-8000-00000000000a")


def export(client: Client, **given: str) -> bytes:
    answer = client.post("/audit/export/", given)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    assert f'filename="chatadmin-audit-{timezone.now():%Y%m%d}.' in answer["Content-Disposition"]
    return b"".join(answer.streaming_content)


def rows(client: Client, **given: str) -> list[dict[str, Any]]:
    return list(json.loads(export(client, format="json", **given)))


def test_everything_as_json_in_the_pages_order(admin_client: Client, admin: Account, monkeypatch) -> None:
    monkeypatch.setattr(audit_stream, "CHUNK_LINES", 3)
    sealed(7, actor=admin)
    found = rows(admin_client)
    assert [row["position"] for row in found] == [None, 7, 6, 5, 4, 3, 2, 1]
    assert found[0]["verb"] == "audit.exported" and found[0]["detail"] == {"format": "json", "filters": []}
    entry = AuditEntry.objects.get(position=4)
    row = found[4]
    assert row["actor"] == "Dana Whitfield" and row["person"] == entry.person_hash
    assert row["detail"] == entry.detail and row["link"] == entry.link and row["id"] == entry.pk
    assert dt.datetime.fromisoformat(str(row["at"])) == entry.at


def test_the_file_holds_what_proves_a_line(admin_client: Client, admin: Account) -> None:
    sealed(2, actor=admin)
    first, second = sorted(rows(admin_client, verb="user.viewed"), key=lambda row: row["position"])
    again = AuditEntry(
        pk=second["id"],
        at=dt.datetime.fromisoformat(str(second["at"])),
        actor_id=second["actor_id"],
        actor_name=second["actor"],
        verb=second["verb"],
        person_hash=second["person"],
        detail=second["detail"],
        link=second["link"],
        mac=second["mac"],
    )
    assert fits(again, 2, str(first["link"]))
    again.verb = "x.y"
    assert not fits(again, 2, str(first["link"]))


def test_only_what_is_filtered(admin_client: Client, admin: Account, support: Account) -> None:
    audit.record(actor=support, verb="user.edited", person=ANN)
    audit.record(actor=admin, verb="user.viewed", person=ANN)
    audit.record(actor=support, verb="user.viewed")
    assert [row["verb"] for row in rows(admin_client, person=str(ANN))] == ["user.viewed", "user.edited"]
    assert len(rows(admin_client, actor=str(support.pk), verb="user.viewed")) == 1
    assert len(rows(admin_client, to="2020-01-01")) == 0
    line = AuditEntry.objects.filter(verb="audit.exported").order_by("-pk")[1]
    assert (line.actor, line.detail) == (admin, {"format": "json", "filters": ["verb", "actor"]})


def test_csv_that_no_spreadsheet_runs(admin_client: Client, support: Account) -> None:
    support.name = "=1+1"
    support.save()
    audit.record(actor=support, verb="user.edited", person=ANN, detail={"fields": ["name"]})
    text = export(admin_client, format="csv", verb="user.edited").decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["actor"] == "'=1+1" and restore(row["actor"]) == "=1+1"
    assert row["person"] == audit.person_hash(ANN)
    assert json.loads(row["detail"]) == {"fields": ["name"]}


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "format"),
        ({"format": "xml"}, "format"),
        ({"format": "csv", "verb": "nothing"}, "verb"),
        ({"format": "csv", "from": "yesterday"}, "from"),
        ({"format": "csv", "person": "Ann"}, "person"),
    ],
    ids=str,
)
def test_what_cant_be_used_exports_nothing(admin_client: Client, given: dict[str, str], named: str) -> None:
    answer = admin_client.post("/audit/export/", given)
    assert answer.status_code == 422
    assert f'data-error="{named}"' in answer.content.decode()
    assert not AuditEntry.objects.filter(verb="audit.exported").exists()
    assert admin_client.get("/audit/export/").status_code == 405


def test_too_many_at_once(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    limits.cache_clear()
    monkeypatch.setattr(audit_views, "LOGS", audit_views.Quota(most=1, seconds=600))
    export(admin_client, format="csv")
    answer = admin_client.post("/audit/export/", {"format": "csv"})
    assert answer.status_code == 429 and 'data-error="format"' in answer.content.decode()
    assert AuditEntry.objects.filter(verb="audit.exported").count() == 1


def test_memory_and_queries_follow_chunks_not_lines(admin: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_stream, "CHUNK_LINES", 10)
    sealed(35, actor=admin)
    file = audit_stream.export_audit(AuditEntry.objects.all(), audit_stream.Form.JSON, at=timezone.now())
    with CaptureQueriesContext(connection) as asked:
        assert len(json.loads(b"".join(file.blocks))) == 35
    assert len(asked.captured_queries) == 4
    assert seal() == 0
