"""`/erasures/`, one erasure with its progress and result, its receipt."""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from exports import queries
from exports.erasure import file, resume_unfinished
from exports.erasure_queries import PAGE_SIZE
from exports.models import Erasure
from staff.models import Account
from tests.exports.people import make_marked
from tests.exports.test_erasure import COUNTS
from tests.factories import make_messages, make_person
from users.queries import living

pytestmark = pytest.mark.django_db(transaction=True)


def make_erasures(count: int) -> list[Erasure]:
    start = timezone.now() - dt.timedelta(days=1)
    return Erasure.objects.bulk_create(
        Erasure(
            person_hash=f"{number:064x}",
            reason="test",
            started_at=start + dt.timedelta(minutes=number // 2),
            rows_gone_at=start,
            finished_at=start,
        )
        for number in range(count)
    )


def listed(page: str) -> list[str]:
    return re.findall(r'data-erasure="([^"]+)"', page)


def link(page: str, rel: str) -> str:
    found = re.search(rf'rel="{rel}" href="([^"]+)"', page)
    return found[1] if found else ""


def test_a_large_one_is_filed_and_its_page_shows_how_far_it_is(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "AT_ONCE_ROWS", 3)
    person = make_person("Anastasia")
    make_messages(person, *[("visitor", f"said {number}") for number in range(4)])
    answer = admin_client.post(f"/users/{person.uuid}/delete/", {"confirm": "ANASTASIA-4", "reason": "test"})
    row = Erasure.objects.get()
    assert answer.headers["Location"] == f"/erasures/{row.pk}/"
    assert not living().exists(), "the tombstone is there at once"
    page = admin_client.get(f"/erasures/{row.pk}/").content.decode()
    assert 'data-state="waiting"' in page and f'hx-get="/erasures/{row.pk}/"' in page
    assert "Anastasia" not in page
    part = admin_client.get(f"/erasures/{row.pk}/", headers={"HX-Request": "true"})
    assert "<html" not in part.content.decode() and 'data-state="waiting"' in part.content.decode()
    assert admin_client.get(f"/erasures/{row.pk}/receipt/").status_code == 404
    assert resume_unfinished() == 1
    done = admin_client.get(f"/erasures/{row.pk}/", headers={"HX-Request": "true"})
    assert done.headers["HX-Redirect"] == f"/erasures/{row.pk}/"


def test_the_result_says_what_went_where_it_was_looked_and_has_the_receipt(
    admin_client: Client, admin: Account
) -> None:
    person = make_marked("zebrafin").person
    erasure = file(chat_user_uuid=person.uuid, actor=admin, reason="abuse", ticket="T-9")
    resume_unfinished()
    page = admin_client.get(f"/erasures/{erasure}/").content.decode()
    assert 'data-state="done"' in page and f'data-rows="{sum(COUNTS.values())}"' in page
    assert 'data-place="table.messages" data-found="0"' in page
    assert "T-9" in page and "Dana Whitfield" in page
    assert "zebrafin" not in page and str(person.uuid) not in page
    receipt = admin_client.get(f"/erasures/{erasure}/receipt/")
    assert receipt.headers["Content-Type"] == "application/json"
    assert json.loads(receipt.content)["id"] == str(erasure)
    assert json.loads(receipt.content)["public_key"] in unescape(page)
    assert "no-store" in receipt.headers["Cache-Control"]


def test_something_left_is_said(admin_client: Client) -> None:
    [row] = make_erasures(1)
    Erasure.objects.filter(pk=row.pk).update(checked={"saved_views": 2, "redis": None, "jobs": 0})
    page = admin_client.get(f"/erasures/{row.pk}/").content.decode()
    assert 'data-error="left"' in page and "words of saved views: 2" in page
    assert 'data-place="redis" data-found="" data-there="true"' in page and "there is none" not in page
    assert 'data-state="left"' in admin_client.get("/erasures/").content.decode()


def test_a_place_that_there_is_not_is_not_said_to_be_empty(admin_client: Client) -> None:
    [row] = make_erasures(1)
    Erasure.objects.filter(pk=row.pk).update(checked={"jobs": 0})
    page = admin_client.get(f"/erasures/{row.pk}/").content.decode()
    assert 'data-place="redis" data-found="" data-there="false"' in page and "there is none" in page
    assert ">not looked<" not in page
    Erasure.objects.filter(pk=row.pk).update(checked={"jobs": 0, "redis": 0})
    page = admin_client.get(f"/erasures/{row.pk}/").content.decode()
    assert 'data-place="redis" data-found="0" data-there="true"' in page and "there is none" not in page


def test_all_are_listed_newest_first_and_paged_both_ways(admin_client: Client) -> None:
    rows = make_erasures(PAGE_SIZE * 2 + 1)
    order = [str(row.pk) for row in sorted(rows, key=lambda row: (row.started_at, row.pk), reverse=True)]
    first = admin_client.get("/erasures/").content.decode()
    second = admin_client.get("/erasures/" + link(first, "next")).content.decode()
    third = admin_client.get("/erasures/" + link(second, "next")).content.decode()
    assert listed(first) + listed(second) + listed(third) == order
    assert not link(first, "prev") and not link(third, "next")
    assert listed(admin_client.get("/erasures/" + link(third, "prev")).content.decode()) == listed(second)


@pytest.mark.parametrize(
    "text", ["x", "1_2", "9" * 30 + "_" + "0" * 32, "-1_" + "0" * 32, "1_%00", "y" * 100]
)
def test_a_wrong_cursor_shows_the_newest(admin_client: Client, text: str) -> None:
    [row] = make_erasures(1)
    for name in ("after", "before"):
        answer = admin_client.get(f"/erasures/?{name}={text}")
        assert answer.status_code == 200
        assert listed(answer.content.decode()) == [str(row.pk)]


def test_nobody_was_deleted_yet(admin_client: Client) -> None:
    assert "Nobody was deleted yet." in admin_client.get("/erasures/").content.decode()


def test_a_long_list_asks_no_more_than_a_short_one(admin_client: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert admin_client.get("/erasures/").status_code == 200
        return len(asked)

    make_erasures(1)
    queries()
    few = queries()
    make_erasures(PAGE_SIZE)
    assert queries() == few


def test_only_admins_see_them(support_client: Client, stranger: Client) -> None:
    [row] = make_erasures(1)
    for address in ("/erasures/", f"/erasures/{row.pk}/", f"/erasures/{row.pk}/receipt/"):
        assert support_client.get(address).status_code == 403
        assert stranger.get(address).headers["Location"].startswith("/login/")
    assert "/erasures/" not in support_client.get("/users/").content.decode()


def test_an_unknown_one_is_not_found(admin_client: Client) -> None:
    assert admin_client.get(f"/erasures/{uuid.uuid4()}/").status_code == 404
    assert admin_client.get(f"/erasures/{uuid.uuid4()}/receipt/").status_code == 404
