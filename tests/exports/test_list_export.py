"""`/exports/list/`: the file holds whom the pages show, in their order, and comes in pieces."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chatadmin.lib.budget import OverBudget
from chatadmin.lib.limits import Quota
from chatadmin.lib.tokens import folded
from exports import list_rows, list_views
from exports.list_stream import export_list
from exports.stream import Form
from search import everyone, queries
from search.everyone import Met
from staff.models import Account
from tests.exports.listing import content, exported, on_pages, posted, table
from tests.factories import make_account, make_messages, make_person, make_visit
from tests.memory import peak
from tests.search.bulking import make_crowd, make_tag
from tests.server import Server
from tests.staff_http import StaffBrowser
from users import presence
from users.models import ChatUser

pytestmark = pytest.mark.django_db
T = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
SORTS = [f"{way}{name}" for name in ("last_active", "first_contact", "messages", "name") for way in ("", "-")]
COLUMNS = [
    *("uuid", "name", "email", "external_id", "verified", "tags", "is_vip", "message_count", "visit_count"),
    *("first_seen", "first_contact", "last_active", "online", "device"),
]


@pytest.fixture(autouse=True)
def no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_views, "LISTS", Quota(100_000, 600))


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages, pieces and chunks whose edges fall everywhere."""
    monkeypatch.setattr(queries, "PAGE_SIZE", 4)
    monkeypatch.setattr(everyone, "PIECE", 5)
    monkeypatch.setattr(list_rows, "CHUNK_ROWS", 3)


@pytest.fixture
def crowd(small_steps: None) -> list[ChatUser]:
    """People with many ties and many empty values; a third of them said the word refund, some more than once."""
    people = []
    for at in range(23):
        person = make_person(
            f"Person {at % 3}" if at % 4 else "",
            f"p{at}@site.example" if at % 2 else "",
            last_active=T + dt.timedelta(days=at % 3) if at % 5 else None,
            is_vip=at % 6 == 0,
        )
        said = [("visitor", "a refund please"), ("staff", "hello")] if at % 3 == 0 else [("visitor", "hello")]
        if at % 7:
            make_messages(person, *said, start=T + dt.timedelta(days=at // 7))
        people.append(person)
    make_messages(people[0], ("visitor", "refund again"), ("visitor", "and a refund of p2@site.example"))
    make_messages(people[9], ("visitor", "another refund"))
    make_tag("Wholesale", *people[:17])
    return people


@pytest.mark.parametrize("few", [0, 1_000])
@pytest.mark.parametrize("narrowed", ["", "&has_email=yes&tag=wholesale", "&q=person"])
@pytest.mark.parametrize("sort", SORTS)
def test_the_pages_people_in_the_pages_order(
    sort: str,
    narrowed: str,
    few: int,
    crowd: list[ChatUser],
    support_client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(everyone, "FEW", few)
    query = f"sort={sort}{narrowed}"
    shown = on_pages(support_client, query)
    assert len(shown) == (23 if not narrowed else len(set(shown)))
    assert len(shown) > 5
    assert [row["uuid"] for row in exported(support_client, query)] == shown


@pytest.mark.parametrize(
    "query",
    [
        *("q=refund&in=messages", "q=refund", "q=site.example", "q=refund&vip=yes", "q=hello&min_messages=2"),
        *("q=refund&in=messages&sent_from=2026-11-02&sent_to=2026-11-02", "q=zebra", "q=!&in=messages"),
    ],
)
def test_the_same_where_messages_are_searched(
    query: str, crowd: list[ChatUser], support_client: Client
) -> None:
    shown = on_pages(support_client, query)
    assert [row["uuid"] for row in exported(support_client, query)] == shown
    assert bool(shown) == ("zebra" not in query and "!" not in query)


def test_found_by_a_message_the_row_says_which(crowd: list[ChatUser], support_client: Client) -> None:
    newest, second, *older = exported(support_client, "q=refund&in=messages")
    assert list(newest) == [*COLUMNS, "found_at", "found"]
    assert (newest["uuid"], newest["found"]) == (str(crowd[9].uuid), "another refund")
    assert newest["found_at"] > second["found_at"]
    assert (second["uuid"], second["found"]) == (str(crowd[0].uuid), "and a refund of p2@site.example")
    assert {row["found"] for row in older} == {"a refund please"}
    named, *_ = exported(support_client, "q=p1%40site.example")
    assert (named["email"], named["found"], named["found_at"]) == ("p1@site.example", None, None)
    assert list(exported(support_client, "q=person&in=name")[0]) == COLUMNS


def test_what_a_row_holds(support_client: Client) -> None:
    person = make_person(
        "Mariam",
        "m@site.example",
        external_id="c-77",
        verified_at=T,
        first_seen=T,
        last_active=T,
        browser="Chrome",
        os="Windows",
        is_vip=True,
    )
    make_visit(person, started_at=T)
    make_messages(person, ("visitor", "hello"), ("staff", "hi"), start=T)
    make_tag("Wholesale", person)
    make_tag("Refund", person)
    presence.arrive(person.uuid, "socket")
    try:
        [row] = exported(support_client)
        [cells] = table(support_client)
    finally:
        presence.discard(person.uuid)
    assert row == {
        "uuid": str(person.uuid),
        "name": "Mariam",
        "email": "m@site.example",
        "external_id": "c-77",
        "verified": True,
        "tags": ["Refund", "Wholesale"],
        "is_vip": True,
        "message_count": 2,
        "visit_count": 1,
        "first_seen": "2026-11-01T00:00:00Z",
        "first_contact": "2026-11-01T00:00:00Z",
        "last_active": "2026-11-01T00:00:00Z",
        "online": True,
        "device": "Chrome · Windows",
    }
    assert (cells["tags"], cells["online"], cells["message_count"]) == ('["Refund","Wholesale"]', "true", "2")


def test_hostile_cells_are_kept_from_running(support_client: Client) -> None:
    person = make_person("=1+1", "＝cmd@evil.example", external_id="\tx", last_active=None)
    make_messages(person, ("visitor", "@SUM(A1) refund\r\nnext, line"))
    make_tag("-tag", person)
    raw = content(posted(support_client, "q=refund", "csv"))
    assert raw.startswith(b"\xef\xbb\xbfuuid,name,")
    [cells] = table(support_client, "q=refund")
    assert (cells["name"], cells["email"], cells["external_id"]) == ("'=1+1", "'＝cmd@evil.example", "'\tx")
    assert cells["found"] == "'@SUM(A1) refund\r\nnext, line"
    assert cells["last_active"] == ""
    assert exported(support_client, "q=refund")[0]["name"] == "=1+1"


def test_who_is_erased_on_the_way_is_left_out(small_steps: None, admin_client: Client) -> None:
    people = make_crowd(9)
    pieces = iter(posted(admin_client, "sort=name").streaming_content)  # type: ignore[attr-defined]
    held = next(pieces)
    gone = people[6]
    ChatUser.objects.filter(pk=gone.pk).update(erased_at=timezone.now(), name="", name_folded=None)
    names = [row["name"] for row in json.loads(b"".join([held, *pieces]))]
    assert names == [person.name for person in people if person != gone]


def test_who_moves_or_comes_on_the_way_is_met_once_at_most(
    small_steps: None, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = sorted(make_crowd(12), key=lambda person: person.name)
    monkeypatch.setattr("exports.stream.BLOCK_BYTES", 1)
    pieces = iter(posted(admin_client, "sort=name").streaming_content)  # type: ignore[attr-defined]
    held = [next(pieces) for _ in range(3)]
    ChatUser.objects.filter(pk=people[0].pk).update(name="Zoe", name_folded="zoe")
    make_person("Zora")
    met = [row["uuid"] for row in json.loads(b"".join([*held, *pieces]))]
    assert met == [str(person.uuid) for person in people]


def test_the_same_number_of_queries_for_every_chunk(support_client: Client) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as captured:
            for _ in export_list(iter([met]), Form.CSV, with_messages=True, at=T).blocks:
                pass
        return len(captured)

    people = make_crowd(3)
    message = make_messages(people[0], ("visitor", "hello"))[0]
    make_tag("Wholesale", *people)
    met = [Met(people[0].pk, message.pk), *(Met(person.pk) for person in people[1:])]
    few = asked()
    met += [Met(person.pk) for person in make_crowd(list_rows.CHUNK_ROWS - 3, "More")]
    assert asked() == few
    met.append(Met(make_person("One more").pk))
    assert asked() == 2 * few - 1, "the second chunk has no message to look up"


def test_memory_stays_flat(support_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(everyone, "PIECE", 300)
    monkeypatch.setattr(list_rows, "CHUNK_ROWS", 100)

    def most(size: int) -> int:
        make_crowd(size)
        response = posted(support_client)
        with peak() as found:
            sent = sum(map(len, response.streaming_content))  # type: ignore[attr-defined]
        assert sent > 250 * ChatUser.objects.count()
        return found.bytes

    most(100)  # what is made once
    few, many = most(900), most(5_000)
    assert many < 1.2 * few


def test_a_failure_on_the_way_is_seen(
    small_steps: None, support_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_crowd(12)
    response = posted(support_client)
    pieces = iter(response.streaming_content)  # type: ignore[attr-defined]
    assert next(pieces).startswith(b"[")
    monkeypatch.setattr(everyone, "STEP_SECONDS", 0)
    with pytest.raises(OverBudget):
        list(pieces)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("form", ["json", "csv"])
def test_on_an_event_loop_it_comes_in_pieces(
    admin: Account, form: str, signed_in: Callable[[Account], Client]
) -> None:
    make_crowd(1_200)
    cookies = signed_in(admin).cookies

    async def download() -> list[bytes]:
        client = AsyncClient()
        client.cookies = cookies
        response = await client.post("/exports/list/", {"format": form})
        assert response.streaming
        assert response.is_async
        return [piece async for piece in response.streaming_content]

    pieces = async_to_sync(download)()
    assert len(pieces) > 3
    assert len(pieces[0]) < 400, "the first at once"
    whole = b"".join(pieces)
    assert (len(json.loads(whole)) if form == "json" else whole.count(b"\r\n") - 1) == 1_200


def test_from_the_real_server(server: Server) -> None:
    account = make_account("sam@team.example")
    people = make_crowd(700)
    status, text = StaffBrowser(server, account).post(
        "/exports/list/", format="json", query="sort=name&q=crowd"
    )
    assert status == 200
    in_order = sorted(people, key=lambda person: (folded(person.name), person.pk))
    assert [row["uuid"] for row in json.loads(text)] == [str(person.uuid) for person in in_order]


def test_bits_of_ids() -> None:
    seen = everyone._Seen()
    ids = [1, 2, 8, 65_535, 65_536, 2**40, 1]
    assert [seen.add(number) for number in ids] == [True] * 6 + [False]
    assert len(seen.blocks) == 3
