"""Two people leave marks in every field and channel of the running product. One is erased, and everything is swept:
tables and indexes, Redis, files and logs, sockets and pages. Gone for the one, there for the other."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from chatadmin.lib import redis_store
from exports.models import Erasure, Export, ExportState
from exports.waiting import until_finished
from staff.models import Account, Widget
from tests.exports.sweep import files_with, places_of
from tests.exports.test_rights_live import delete
from tests.factories import make_widget
from tests.server import Server
from tests.staff_http import StaffBrowser, StaffPage
from tests.visitor import Visitor
from tests.widget.signing import signed

pytestmark = pytest.mark.django_db(transaction=True)

GOES, STAYS = "zqxwvjk", "quokkabay"
BROWSER = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)


@dataclass
class Life:
    """One person's tab, and the word that each of their marks ends in."""

    tab: Visitor
    word: str

    @property
    def id(self) -> str:
        return str(self.tab.user["id"])


@pytest.fixture
def server(transactional_db: None, tmp_path: Path) -> Iterator[Server]:
    """A server whose files are nobody else's."""
    server = Server(CHATADMIN_VAR=str(tmp_path)).start()
    yield server
    server.stop()


@pytest.fixture
def staff(server: Server, admin: Account) -> StaffBrowser:
    return StaffBrowser(server, admin)


@pytest.fixture
def lives(server: Server) -> Iterator[dict[str, Life]]:
    widget = make_widget(allowed_origins=["self"])
    made = {word: life(server, widget, word) for word in (GOES, STAYS)}
    yield made
    for one in made.values():
        one.tab.close()


def life(server: Server, widget: Widget, word: str) -> Life:
    """Somebody who comes, says who they are, looks around and writes."""
    tab = Visitor(server.url, widget.key, headers={"User-Agent": BROWSER}).open()
    name, email = f"Name{word} Okafor", f"mail{word}@northpine.example"
    tab.hello(
        page={
            "url": f"http://site.example/url{word}",
            "title": f"Title{word}",
            "referrer": f"http://search.example/?q=referrer{word}",
        },
        identity=signed(widget, f"extid{word}", name=name, email=email, traits={"plan": f"trait{word}"}),
    )
    tab.say(f"body{word} one")
    tab.send("page", url=f"http://site.example/next{word}", title=f"Next{word}")
    tab.send("typing", on=True)
    tab.say(f"second{word} two")
    return Life(tab, word)


def searches(word: str) -> tuple[str, ...]:
    return (
        f"/users/?q=mail{word}%40northpine.example&in=email",
        f"/users/?q=name{word}&in=name",
        f"/users/?q=body{word}&in=messages",
    )


def work(staff: StaffBrowser, page: StaffPage, one: Life) -> None:
    """What staff do with somebody: read, answer, note, tag, search, export."""
    page.watch(one.id, open=one.id, last=0, log=True, timeline=True)
    for tab in ("", "activity/", "sessions/", "access/", "data/"):
        status, text = staff.get(f"/users/{one.id}/{tab}")
        assert status == 200 and f"Name{one.word}" in text, tab
    staff.reply(one.id, f"answer{one.word}")
    page.expect(f"answer{one.word}")
    for address, fields in (
        ("notes/", {"body": f"note{one.word}"}),
        ("tags/", {"add": "Wholesale"}),
        ("vip/", {"vip": "yes", "reason": f"reason{one.word}"}),
    ):
        assert staff.post(f"/users/{one.id}/{address}", **fields)[0] in (200, 302), address
    for query in searches(one.word):
        assert one.id in staff.get(query)[1], query
    status, text = staff.post(f"/users/{one.id}/export/?format=json")
    assert status == 200 and f"body{one.word}" in text


def export_together(staff: StaffBrowser, lives: dict[str, Life]) -> Path:
    """The file of one export with everybody in it."""
    query = "/users/?q=okafor&in=name"
    assert all(one.id in staff.get(query)[1] for one in lives.values())
    assert staff.post("/exports/", query="q=okafor&in=name", all="yes")[0] == 302
    export = Export.objects.get()
    assert staff.post(f"/exports/{export.pk}/", do="start", format="json")[0] == 302
    deadline = time.monotonic() + 30
    while export.state != ExportState.DONE:
        assert time.monotonic() < deadline, export.state
        time.sleep(0.1)
        export.refresh_from_db()
    return Path(staff.server.environment["CHATADMIN_VAR"]) / "exports" / f"{export.pk}.zip"


def files_that_hold(server: Server, text: str) -> set[str]:
    """The server's files and its log that hold `text`, also inside archives. (The database's own are elsewhere.)"""
    place = Path(server.environment["CHATADMIN_VAR"])
    found = {
        str(file.relative_to(place)) for file in place.rglob("*") if file.is_file() and _holds(file, text)
    }
    return found | ({"log"} if text in server.log.read_text() else set())


def _holds(file: Path, text: str) -> bool:
    raw = file.read_bytes()
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            raw += b"".join(name.encode() + archive.read(name) for name in archive.namelist())
    return text.encode() in raw


def keys_that_hold(text: str) -> set[str]:
    """The keys of this installation in Redis with `text` in their name or value, whatever their type."""
    if not redis_store.configured():
        return set()
    client = redis_store.bytes_client()
    return {
        name.decode()
        for name in client.scan_iter(match=redis_store.key("*"))
        if text.encode() in name + b" " + (client.dump(name) or b"")
    }


def heard(page: StaffPage, seconds: float = 1.0) -> str:
    """All that this socket is told in the next seconds."""
    deadline, told = time.monotonic() + seconds, []
    while (left := deadline - time.monotonic()) > 0:
        try:
            told.append(str(page.socket.recv(timeout=left)))
        except (TimeoutError, ConnectionClosed):
            break
    return "\n".join(told)


def test_gone_for_the_one_and_there_for_the_other(
    server: Server, staff: StaffBrowser, lives: dict[str, Life]
) -> None:
    goes, stays = lives[GOES], lives[STAYS]
    with staff.live() as open_profile, staff.live() as list_page, staff.live() as other_profile:
        work(staff, open_profile, goes)
        work(staff, other_profile, stays)
        assert GOES in list_page.watch(goes.id, stays.id)
        file = export_together(staff, lives)
        tables = {word: places_of(word) for word in (GOES, STAYS)}
        assert tables[GOES] == tables[STAYS] >= {"users_chatuser", "users_visit", "users_note"}
        assert {"conversations_message", "conversations_activityevent"} <= tables[GOES]
        assert files_that_hold(server, GOES) == files_that_hold(server, STAYS) == {f"exports/{file.name}"}
        leases = keys_that_hold(goes.id)
        assert bool(leases) == redis_store.configured()

        watching = (open_profile, list_page, other_profile)
        assert GOES in "".join(heard(page) for page in watching), "until here they are told of them"
        delete(staff, goes.id)

        assert goes.tab.expect("forget")
        assert goes.tab.closed()
        assert GOES not in "".join(heard(page) for page in watching)
        assert until_finished(list(Erasure.objects.values_list("pk", flat=True)), seconds=30)
        swept(server, staff, goes)
        assert places_of(STAYS) == tables[STAYS] - {"exports_export"}
        stays.tab.say(f"third{STAYS}")
        assert f"third{STAYS}" in other_profile.expect(f"third{STAYS}")
    assert f"Name{STAYS}" in staff.get(f"/users/{stays.id}/")[1]
    assert all(stays.id in staff.get(query)[1] for query in searches(STAYS))


def swept(server: Server, staff: StaffBrowser, gone: Life) -> None:
    """Nothing of them is anywhere."""
    for mark in (gone.word, gone.id, gone.id.replace("-", ""), str(gone.tab.token)):
        assert places_of(mark) == set(), mark
        assert files_that_hold(server, mark) == set(), mark
        assert keys_that_hold(mark) == set(), mark
    if not redis_store.configured():
        assert files_with(gone.word) == set()
    assert staff.get(f"/users/{gone.id}/")[0] == 404
    for address in ("/users/", "/live/", "/exports/", "/erasures/", "/audit/", "/requests/"):
        status, text = staff.get(address)
        assert status == 200 and gone.word not in text and gone.id not in text, address
    for query in searches(gone.word):
        assert gone.id not in staff.get(query)[1], query
    receipt = Erasure.objects.get()
    assert receipt.checked and set(receipt.checked.values()) == {0}
