"""/audit/: who did what to whom, for admins, filtered and in pages."""

from __future__ import annotations

import ast
import datetime as dt
import re
import uuid
from html import unescape
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import JSONField, Value
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from staff import actions, audit
from staff.audit_filters import PAGE_SIZE, AuditForm
from staff.audit_sealing import seal
from staff.audit_words import WORDS
from staff.models import Account, AuditEntry
from tests.staff.chain import ANN, sealed

pytestmark = [pytest.mark.usefixtures("no_statistics"), pytest.mark.django_db]
BOB = uuid.UUID("7f3a2c91-0000-4000-8000-000000000002")


def page_of(client: Client, query: str = "") -> str:
    answer = client.get(f"/audit/?{query}")
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    return str(answer.content.decode())


def verbs(page: str) -> list[str]:
    return re.findall(r'<tr data-verb="([^"]+)"', page)


def errors(page: str) -> list[str]:
    return re.findall(r'data-error="([^"]+)"', page)


def line(
    verb: str, *, days: float = 1, person: uuid.UUID | None = None, actor: Account | None = None
) -> AuditEntry:
    entry = audit.record(actor=actor, verb=verb, person=person)
    entry.at = timezone.now() - dt.timedelta(days=days)
    entry.save(update_fields=["at"])
    return entry


def test_only_admins_and_owners_see_it(
    stranger: Client, support_client: Client, admin_client: Client, owner_client: Client
) -> None:
    assert stranger.get("/audit/").status_code == 302
    assert support_client.get("/audit/").status_code == 403
    assert support_client.post("/audit/export/", {"format": "csv"}).status_code == 403
    assert 'href="/audit/"' not in support_client.get("/account/").content.decode()
    for client in (admin_client, owner_client):
        assert client.get("/audit/").status_code == 200
        assert 'href="/audit/"' in client.get("/account/").content.decode()
    assert admin_client.post("/audit/").status_code == 405


def test_lines_newest_first_in_words(admin_client: Client, support: Account) -> None:
    line("user.viewed", days=3, person=ANN, actor=support)
    line("user.levitated", days=2)
    line("user.erased", days=1, person=ANN)
    page = page_of(admin_client)
    assert verbs(page) == ["user.erased", "user.levitated", "user.viewed"]
    rows = page.partition("<tbody>")[2]
    assert "Looked at the profile" in rows and "Sam Support" in rows
    assert "user.levitated" in rows and "The system" in rows
    assert audit.person_hash(ANN) in rows
    assert str(ANN) not in page


def test_a_forged_line_doesnt_break_the_page(admin_client: Client) -> None:
    for detail in (
        [1],
        "text",
        None,
        {"fields": 1, "filters": [1, {}], "found": "x", "reason": 3, "format": []},
    ):
        entry = line("user.viewed")
        AuditEntry.objects.filter(pk=entry.pk).update(detail=Value(detail, JSONField()))
    assert verbs(page_of(admin_client)) == ["user.viewed"] * 4


def test_what_a_line_adds_is_told(admin_client: Client) -> None:
    for detail in (
        {"filters": ["q", "tag"], "found": 1000, "and_more": True},
        {"reason": "abuse", "ticket": "T-1", "counts": {"messages": 3, "visits": 2}},
        {"what": "visits", "whose": "anonymous", "keeps": "90 days"},
        {"people": 3, "request": "r-1"},
        {"lines": 12, "before": "2026-01-01"},
        {"fields": ["name"], "format": "csv", "bulk": True},
    ):
        audit.record(actor=None, verb="user.viewed", detail=detail)
    rows = page_of(admin_client).partition("<tbody>")[2]
    for words in (
        "q, tag, 1000+ found",
        "Abuse, T-1, 5 rows",
        "Visits and device data, Anonymous people, 90 days",
        "r-1, 3 people",
        "2026-01-01, 12 lines",
        "name, CSV, many people at once",
    ):
        assert f"· {words}<" in rows


def test_to_which_account_it_was_done_is_told(admin_client: Client, admin: Account, support: Account) -> None:
    actions.disable(actor=admin, account_id=support.pk)
    audit.record(actor=admin, verb="staff.enabled", detail={"account": 2**62})
    audit.record(actor=admin, verb="staff.enabled", detail={"account": 2**80})
    rows = page_of(admin_client).partition("<tbody>")[2]
    assert "Disabled an account" in rows and "· Sam Support<" in rows


def test_an_empty_log(admin_client: Client) -> None:
    AuditEntry.objects.all().delete()
    page = page_of(admin_client)
    assert "Nothing was done yet." in page and verbs(page) == []
    assert "No line is like this." in page_of(admin_client, "verb=user.viewed")


@pytest.fixture
def log(support: Account, admin: Account) -> None:
    line("user.viewed", days=1, person=ANN, actor=support)
    line("user.edited", days=2, person=ANN, actor=admin)
    line("user.viewed", days=3, person=BOB, actor=admin)
    line("tag.created", days=10, actor=support)


def filtered(client: Client, query: str) -> list[str]:
    page = page_of(client, query)
    assert errors(page) == []
    return verbs(page)


def test_each_filter(log: None, admin_client: Client, support: Account, admin: Account) -> None:
    assert filtered(admin_client, "verb=user.viewed") == ["user.viewed", "user.viewed"]
    assert filtered(admin_client, f"actor={support.pk}") == ["user.viewed", "tag.created"]
    assert filtered(admin_client, f"actor={admin.pk}&verb=user.viewed") == ["user.viewed"]
    assert filtered(admin_client, f"person={ANN}") == ["user.viewed", "user.edited"]
    assert filtered(admin_client, f"person={ANN.hex}&verb=user.edited") == ["user.edited"]
    assert filtered(admin_client, f"person={audit.person_hash(BOB)}") == ["user.viewed"]
    assert filtered(admin_client, f"person={uuid.uuid4()}") == []
    assert filtered(admin_client, "verb=user.levitated") == []
    day = (timezone.localtime() - dt.timedelta(days=2)).date()
    assert filtered(admin_client, f"from={day}") == ["user.viewed", "user.edited"]
    assert filtered(admin_client, f"to={day}") == ["user.edited", "user.viewed", "tag.created"]
    assert filtered(admin_client, f"from={day}&to={day}") == ["user.edited"]
    assert filtered(admin_client, "unknown=1")[1:] == ["user.edited", "user.viewed", "tag.created"]


def test_a_day_is_the_viewers(admin_client: Client) -> None:
    entry = line("user.viewed", person=ANN)
    AuditEntry.objects.filter(pk=entry.pk).update(at=dt.datetime(2026, 3, 1, 23, 30, tzinfo=dt.UTC))
    assert filtered(admin_client, "from=2026-03-01&to=2026-03-01") == ["user.viewed"]
    admin_client.cookies["chatadmin_tz"] = "Asia/Tokyo"
    assert filtered(admin_client, "from=2026-03-01&to=2026-03-01") == []
    assert filtered(admin_client, "from=2026-03-02&to=2026-03-02") == ["user.viewed"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("verb", "nothing"),
        ("verb", "a.b'--"),
        ("verb", "x" * 200),
        ("actor", "0"),
        ("actor", "99999999999999999999"),
        ("actor", "sam"),
        ("person", "Ann"),
        ("person", "0" * 65),
        ("person", "%00"),
        ("from", "yesterday"),
        ("from", "0001-01-01"),
        ("to", "9999-12-31"),
        ("after", "%25"),
        ("before", "WyJ2Iiwx"),
        ("after", "x" * 300),
    ],
)
def test_what_cant_be_used_is_named_and_left_out(
    log: None, admin_client: Client, name: str, value: str
) -> None:
    page = page_of(admin_client, f"{name}={value}&unknown=1")
    assert errors(page) == [name]
    assert verbs(page)[-1] == "tag.created"
    page = page_of(admin_client, f"{name}={value}&{'actor' if name == 'verb' else 'verb'}=")
    assert errors(page) == [name]


def test_pages_keep_their_filters(admin_client: Client, support: Account) -> None:
    for number in range(PAGE_SIZE + 2):
        line("user.viewed", days=2 + number / 1000, actor=support)
        line("user.edited", days=2 + number / 1000, actor=support)
    first = page_of(admin_client, f"verb=user.viewed&actor={support.pk}")
    assert verbs(first) == ["user.viewed"] * PAGE_SIZE
    older = unescape(re.findall(r'rel="next" href="\?([^"]+)"', first)[0])
    assert "verb=user.viewed" in older
    second = page_of(admin_client, older)
    assert verbs(second) == ["user.viewed"] * 2
    assert 'rel="next"' not in second
    newer = unescape(re.findall(r'rel="prev" href="\?([^"]+)"', second)[0])
    assert verbs(page_of(admin_client, newer)) == ["user.viewed"] * PAGE_SIZE


def test_what_is_sealed_is_said(admin_client: Client) -> None:
    assert 'data-seal="0"' in page_of(admin_client)
    sealed(2)
    line("user.viewed", days=0)
    page = page_of(admin_client, "verb=user.viewed")
    assert re.findall(r'data-sealed="([^"]+)"', page) == ["false", "true", "true"]
    assert 'data-seal="1"' in page and 'data-sealed-lines="2"' in page
    assert seal() == 0


def test_the_number_of_queries_is_the_same_for_one_line_and_a_page(
    admin_client: Client, support: Account
) -> None:
    counts = []
    for number in (1, PAGE_SIZE + 5):
        for _ in range(number):
            line("user.viewed", person=ANN, actor=support)
        with CaptureQueriesContext(connection) as asked:
            page_of(admin_client, f"verb=user.viewed&person={ANN}")
        counts.append(len(asked.captured_queries))
    assert counts[0] == counts[1] < 16


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ({}, "audit_newest"),
        ({"verb": "user.viewed"}, "audit_verb"),
        ({"actor": "1"}, "audit_actor"),
        ({"actor": "1", "verb": "user.viewed"}, "audit_actor_verb"),
        ({"person": str(ANN)}, "audit_person"),
    ],
    ids=str,
)
def test_each_filter_walks_an_index_of_its_own(support: Account, query: dict[str, str], index: str) -> None:
    sealed(50, actor=support)
    if "actor" in query:
        query = {**query, "actor": str(support.pk)}
    lines = AuditForm(query).entries().order_by("-at", "-pk")[:10]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
    plan = lines.explain()
    assert f"{index} " in f"{plan} ", plan
    assert "TEMP B-TREE" not in plan and "Sort" not in plan


def test_every_verb_in_the_source_has_words() -> None:
    rooms = ("staff", "users", "conversations", "search", "widget", "live", "exports")
    found: set[str] = set()
    for room in rooms:
        for path in (Path(settings.BASE_DIR) / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if (
                    isinstance(node, ast.keyword)
                    and node.arg == "verb"
                    and isinstance(node.value, ast.Constant)
                ):
                    found.add(str(node.value.value))
    assert len(found) > 20
    assert found <= WORDS.keys(), "say what it means in staff/audit_words.py"
    assert all(str(words) for words in WORDS.values())


def test_a_line_that_is_not_ours_is_marked(admin_client: Client) -> None:
    sealed(1)
    AuditEntry.objects.create(verb="user.blocked", at=timezone.now() - dt.timedelta(hours=1))
    assert "data-refused" not in page_of(admin_client)
    assert seal() == 0
    rows = re.findall(
        r'<tr data-verb="([^"]+)" data-sealed="(true|false)"( data-refused)?>', page_of(admin_client)
    )
    assert ("user.blocked", "false", " data-refused") in rows and ("user.viewed", "true", "") in rows
    assert sum(bool(refused) for *_, refused in rows) == 1
