"""What an import brings shows on pages that are open at a running server, and on tabs of whoever it is about."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatadmin.lib.models import Job, JobState
from conversations.models import Message
from exports.importing import telling
from staff.models import Role
from tests.exports.importing import bring_in, counted, forget_everyone, write
from tests.factories import make_account, make_person
from tests.server import Server
from tests.staff_http import StaffBrowser, StaffPage
from tests.visitor import Visitor
from users.models import ChatUser

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dana(server: Server) -> StaffBrowser:
    return StaffBrowser(server, make_account("dana@team.example", Role.ADMIN, name="Dana Whitfield"))


def spoken(person: ChatUser) -> dict[str, Any]:
    """A document of that person with one message more than they have here: it is older than theirs."""
    conversation = {
        "id": 1,
        "status": "closed",
        "turn": "staff",
        "started_at": "2024-03-01T10:00:00Z",
        "last_message_at": "2024-03-01T10:00:00Z",
        "closed_at": "2024-03-01T11:00:00Z",
        "messages": [
            {
                "id": 1,
                "from": "visitor",
                "kind": "text",
                "body": "marmalade in the old chat",
                "data": {},
                "at": "2024-03-01T10:00:00Z",
                "author": "",
                "read_at": None,
            }
        ],
    }
    return {"conversations": [conversation]}


def file_of(person: ChatUser, folder: Path, **changes: Any) -> Path:
    """The person's own export, changed."""
    path = write(person, folder)
    document = json.loads(path.read_bytes())
    for name, value in changes.items():
        document[name] = {**document[name], **value} if isinstance(value, dict) else value
    path.write_text(json.dumps(document))
    return path


def pill(page: StaffPage, person: ChatUser) -> None:
    """The pill counts that person."""
    page.expect(f'data-counted="{person.uuid}"')


def hears_nothing(page: StaffPage, part: str) -> bool:
    """Whether no fragment or frame with `part` comes to the page for a while."""
    try:
        page.expect(part, seconds=1.5)
    except TimeoutError:
        return True
    return False


def test_who_is_new_is_counted_on_an_open_list(dana: StaffBrowser, tmp_path: Path) -> None:
    ana = counted("zebrafin")
    path = write(ana, tmp_path)
    forget_everyone()
    with dana.live() as page, dana.live() as found, dana.live() as other:
        page.watch(list="")
        found.watch(list="q=bodyzebrafin&in=messages")
        other.watch(list="q=quokkabay&in=messages")
        assert bring_in(path)[0] == 0
        pill(page, ana)
        pill(found, ana)
        assert hears_nothing(other, "data-counted")


def test_who_is_known_already_is_counted_where_they_moved(dana: StaffBrowser, tmp_path: Path) -> None:
    ana, bo = make_person("Ana"), make_person("Bo")
    paths = [file_of(ana, tmp_path, profile={"is_vip": True}, **spoken(ana)), file_of(bo, tmp_path)]
    with dana.live() as vips, dana.live() as talkers, dana.live() as by_date:
        vips.watch(list="vip=yes")
        talkers.watch(list="sort=-messages")
        by_date.watch(list="sort=-first_contact")
        assert bring_in(*paths)[0] == 0
        pill(vips, ana)
        pill(talkers, ana)
        assert hears_nothing(by_date, "data-counted")


def test_an_open_profile_is_drawn_anew_and_a_row_has_its_counters(dana: StaffBrowser, tmp_path: Path) -> None:
    ana, bo = make_person("Ana"), make_person("Bo")
    path = file_of(ana, tmp_path, **spoken(ana))
    with dana.live() as profile, dana.live() as card, dana.live() as rows, dana.live() as other:
        profile.watch(open=str(ana.uuid), last=0)
        card.watch(open=str(ana.uuid), log=False, timeline=False, last=None)
        rows.watch(str(ana.uuid))
        other.watch(open=str(bo.uuid), last=0)
        assert bring_in(path)[0] == 0
        profile.expect('"reload"')
        for page in (card, rows):
            leaf = page.expect('data-slot="messages"')
            assert str(ana.uuid) in leaf and ">1<" in leaf
        rows.expect('data-slot="nav-unread"')
        assert hears_nothing(other, str(ana.uuid)) and hears_nothing(card, "reload")
    status, html = dana.get(f"/users/{ana.uuid}/")
    assert status == 200 and "marmalade in the old chat" in html


def test_who_is_here_is_nobody_new(dana: StaffBrowser, tmp_path: Path) -> None:
    ana = counted("zebrafin")
    path = write(ana, tmp_path)
    forget_everyone()
    with dana.live() as here, dana.live() as page:
        here.watch(live=True)
        page.watch(list="")
        assert bring_in(path)[0] == 0
        page.expect('data-slot="newcomers"')
        assert hears_nothing(here, str(ana.uuid))


def test_tabs_hear_of_it_where_their_person_got_messages(
    visit: Callable[..., Visitor], tmp_path: Path
) -> None:
    tab, other = visit(), visit()
    tab.hello()
    tab.say("here now")
    other.hello()
    other.say("me too")
    ana, bo = (ChatUser.objects.get(uuid=one.user["id"]) for one in (tab, other))
    paths = [
        file_of(ana, tmp_path, **spoken(ana)),
        file_of(bo, tmp_path, profile={"is_vip": True}),
    ]
    assert bring_in(*paths)[0] == 0
    assert tab.expect("identified")["reload"] is True
    tab.last = 0
    assert [message["body"] for message in tab.hello()["messages"]] == [
        "marmalade in the old chat",
        "here now",
    ]
    assert ChatUser.objects.get(pk=bo.pk).is_vip
    assert other.silent()


def test_a_tab_of_somebody_whom_the_file_blocks_is_closed(
    visit: Callable[..., Visitor], tmp_path: Path
) -> None:
    tab = visit()
    tab.hello()
    tab.say("here now")
    person = ChatUser.objects.get(uuid=tab.user["id"])
    path = file_of(person, tmp_path, profile={"blocked_at": "2024-03-01T10:00:00Z"})
    assert bring_in(path)[0] == 0
    assert tab.closed() == 4403


def test_a_long_import_tells_as_it_goes_and_what_is_unchanged_tells_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "PEOPLE_TOGETHER", 2)
    people = [make_person(f"Ana {number}") for number in range(5)]
    paths = [write(person, tmp_path) for person in people]
    forget_everyone()
    assert bring_in(*paths, dry_run=True)[0] == 0
    assert not Job.objects.exists()
    assert bring_in(*paths)[0] == 0
    jobs = Job.objects.filter(kind=telling.KIND).order_by("created_at")
    assert [job.total for job in jobs] == [2, 2, 1]
    known = list(ChatUser.objects.order_by("pk").values_list("pk", flat=True))
    told = [row for job in jobs if job.state == JobState.QUEUED for row in job.payload["people"]]
    assert told == [[pk, ["created"], []] for pk in known]
    assert bring_in(*paths)[0] == 0
    assert jobs.count() == 3 and not Message.objects.exists()
