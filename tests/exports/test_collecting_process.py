"""What is switched off is collected no more by the sockets that are open in another process."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from chatadmin.lib.models import Job
from conversations.models import ActivityEvent, EventKind
from staff.models import Account
from tests.exports.sweep import places_of
from tests.server import Server
from tests.staff_http import StaffBrowser
from tests.visitor import Visitor

pytestmark = pytest.mark.django_db(transaction=True)


def test_open_sockets_of_another_process_go_by_it_at_once(
    server: Server, visit: Callable[..., Visitor], admin: Account
) -> None:
    browser = StaffBrowser(server, admin)
    tab = visit()
    tab.hello(page={"url": "http://site.example/", "title": "titlezebrafin", "referrer": ""})
    assert places_of("titlezebrafin") == {"users_visit", "conversations_activityevent"}
    status, _ = browser.post(
        "/retention/collecting/", item="page_titles", do="off_and_purge", confirm="PURGE"
    )
    assert status == 302
    tab.send("page", url="http://site.example/next", title="titlequokkabay")
    deadline = time.monotonic() + 10
    while not ActivityEvent.objects.filter(kind=EventKind.PAGE).exists() or Job.objects.exclude(state="done"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert ActivityEvent.objects.get(kind=EventKind.PAGE).data["title"] == ""
    assert places_of("titlequokkabay") == places_of("titlezebrafin") == set()
    assert "email" in visit().hello()["widget"]["ask"]
    assert browser.post("/retention/collecting/", item="email_prompt", do="off")[0] == 302
    deadline = time.monotonic() + 10
    while "email" in visit().hello()["widget"]["ask"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
