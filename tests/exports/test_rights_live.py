"""Export and delete on the running server: what somebody with a download or a chat open sees."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import uuid
from collections.abc import Callable, Iterator

import pytest

from conversations.models import Message
from exports.models import Erasure
from exports.waiting import until_finished
from staff.models import Account
from tests.factories import make_messages, make_person
from tests.server import Server
from tests.staff_http import CSRF, StaffBrowser
from tests.visitor import Visitor
from users.models import ChatUser, VisitorToken
from users.queries import living

pytestmark = pytest.mark.django_db(transaction=True)


@contextlib.contextmanager
def download(server: Server, account: Account, person: ChatUser) -> Iterator[http.client.HTTPResponse]:
    """A download that has begun; what isn't read waits at the server."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request(
        "POST",
        f"/users/{person.uuid}/export/?format=json",
        body=f"csrfmiddlewaretoken={CSRF}",
        headers={
            "Cookie": StaffBrowser(server, account).cookies,
            "Content-Type": "application/x-www-form-urlencoded",
        },
    )
    answer = connection.getresponse()
    try:
        yield answer
    finally:
        answer.close()
        connection.close()


def make_talkative() -> ChatUser:
    """A person with more to download than the buffers between server and browser take."""
    person = make_person("Ana")
    [first] = make_messages(person, ("visitor", "first"))
    Message.objects.bulk_create(
        Message(
            conversation=first.conversation,
            chat_user=person,
            sender="visitor",
            body=f"{number} " + "x" * 3_990,
            created_at=first.created_at,
        )
        for number in range(6_000)
    )
    return person


def delete(staff: StaffBrowser, person: uuid.UUID | str) -> None:
    """Deletes as staff do: opens the page, types the word that it asks for."""
    status, page = staff.get(f"/users/{person}/delete/")
    assert status == 200
    found = re.search(r'data-confirm-word="([^"]+)"', page)
    assert found
    status, page = staff.post(
        f"/users/{person}/delete/", confirm=found[1], reason="subject_request", ticket="A-1"
    )
    assert status == 302, re.findall(r'data-error="[^"]*"', page)


def test_a_download_comes_whole(server: Server, support: Account) -> None:
    with download(server, support, make_talkative()) as answer:
        assert answer.status == 200
        assert answer.headers["Transfer-Encoding"] == "chunked"
        assert answer.headers["Cache-Control"] == "no-store"
        made = json.loads(answer.read())
    bodies = [message["body"] for message in made["conversations"][0]["messages"]]
    assert [body.split()[0] for body in bodies] == ["first", *map(str, range(6_000))]


def test_a_download_breaks_off_when_the_person_is_erased(server: Server, admin: Account) -> None:
    person = make_talkative()
    with download(server, admin, person) as answer:
        assert answer.read(1_000)
        delete(StaffBrowser(server, admin), person.uuid)
        with pytest.raises(http.client.IncompleteRead):
            answer.read()
    assert not living().exists()
    assert until_finished(list(Erasure.objects.values_list("pk", flat=True)), seconds=30)
    assert not ChatUser.objects.exists()


def test_an_open_chat_forgets_and_comes_back_as_a_stranger(
    server: Server, admin: Account, visit: Callable[..., Visitor]
) -> None:
    tab, second, other = visit(), visit(), visit()
    tab.hello()
    tab.say("please forget me")
    second.token = tab.token
    second.hello()
    other.hello()
    other.say("I stay")
    gone = tab.user["id"]

    delete(StaffBrowser(server, admin), gone)

    for socket in (tab, second):
        socket.expect("forget")
        assert socket.closed()
    assert not ChatUser.objects.filter(uuid=gone).exists()
    again = visit()
    again.token = tab.token
    welcome = again.hello()
    assert welcome["token"] != tab.token
    assert welcome["user"]["id"] != gone
    assert welcome["messages"] == []
    assert other.say("and am heard")
    assert [message.body for message in Message.objects.order_by("id")] == ["I stay", "and am heard"]
    assert VisitorToken.objects.count() == 2


def test_support_is_refused(server: Server, support: Account) -> None:
    person = make_person("Ana")
    staff = StaffBrowser(server, support)
    assert staff.get(f"/users/{person.uuid}/export/")[0] == 200
    assert staff.get(f"/users/{person.uuid}/delete/")[0] == 403
    assert staff.post(f"/users/{person.uuid}/delete/", confirm="ANA-0", reason="test")[0] == 403
    assert ChatUser.objects.exists()
