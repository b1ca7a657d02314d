"""The visitor client: every message once and in order, whatever the connection does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from tests.widget.stub import Stub
from widget.client import Forgotten, Frame, Place, Refused, Visitor

USER = {"id": "u", "name": None, "email": None, "verified": False}


def message(number: int, sender: str = "staff", **fields: Any) -> dict[str, Any]:
    return {"id": number, "from": sender, "kind": "text", "body": f"body {number}", "at": "", **fields}


def against(stub: Stub, what: Callable[[Place], Awaitable[None]]) -> None:
    async def main() -> None:
        async with stub.running() as place, asyncio.timeout(20):
            await what(place)

    asyncio.run(main())


def test_the_address_of_the_socket() -> None:
    assert Place("http://127.0.0.1:8000", "a b").socket_url == "ws://127.0.0.1:8000/ws/widget/?key=a%20b"
    assert Place("https://chat.example", "k").socket_url == "wss://chat.example/ws/widget/?key=k"


def test_hello_says_who_and_where_and_from_when() -> None:
    stub = Stub()

    async def what(place: Place) -> None:
        page = {"url": "http://x.example/", "title": "X", "referrer": ""}
        async with Visitor(
            Place(place.url, "k", "http://x.example"), token="t", after=7, page=page
        ) as visitor:
            await visitor.ready()
            assert (visitor.token, visitor.user["verified"]) == ("t", False)

    against(stub, what)
    assert stub.frames == [
        {
            "type": "hello",
            "v": 1,
            "token": "t",
            "page": {"url": "http://x.example/", "title": "X", "referrer": ""},
            "after": 7,
        }
    ]
    assert stub.headers[0]["Origin"] == "http://x.example"


def test_a_long_history_is_asked_for_piece_by_piece() -> None:
    history = [message(number) for number in range(-3, 8) if number]

    async def answer(stub: Stub, socket: ServerConnection, frame: dict[str, Any]) -> None:
        after = frame["after"]
        rest = [item for item in history if after == 0 or item["id"] > after]
        await stub.tell(socket, "welcome", token="t", user=USER, messages=rest[:4], more=len(rest) > 4)

    seen: list[Frame] = []

    async def what(place: Place) -> None:
        async with Visitor(place, on_frame=seen.append) as visitor:
            await visitor.ready()

    stub = Stub(answer)
    against(stub, what)
    assert [frame["id"] for frame in seen if frame["type"] == "message"] == [item["id"] for item in history]
    assert [frame["after"] for frame in stub.frames] == [0, 1, 5]


def test_an_ack_that_overtakes_an_older_message_hides_nothing() -> None:
    """Theirs is 1, ours 2; the ack of 2 comes first, and the connection breaks before 1 does."""
    seen: list[Frame] = []

    async def answer(stub: Stub, socket: ServerConnection, frame: dict[str, Any]) -> None:
        if frame["type"] == "hello":
            first = stub.kinds()["hello"] == 1
            held = [] if first else [message(1), message(2, "visitor", client_id=stub.frames[1]["client_id"])]
            rest = [item for item in held if item["id"] > frame["after"]]
            await stub.tell(socket, "welcome", token="t", user=USER, messages=rest, more=False)
        else:
            await stub.tell(socket, "ack", client_id=frame["client_id"], id=2, at="")

    async def what(place: Place) -> None:
        async with Visitor(place, on_frame=seen.append) as visitor:
            await visitor.ready()
            assert (await visitor.send("mine"))["id"] == 2
            await visitor.cut()
            while not any(frame["type"] == "message" for frame in seen):
                await asyncio.sleep(0.01)

    stub = Stub(answer)
    against(stub, what)
    assert [frame["id"] for frame in seen if frame["type"] == "message"] == [1]


def test_what_was_committed_before_the_cut_is_not_sent_again() -> None:
    async def answer(stub: Stub, socket: ServerConnection, frame: dict[str, Any]) -> None:
        if frame["type"] == "message":
            socket.transport.abort()
            return
        said = [item for item in stub.frames if item["type"] == "message"]
        held = [message(1, "visitor", client_id=item["client_id"]) for item in said]
        await stub.tell(socket, "welcome", token="t", user=USER, messages=held, more=False)

    seen: list[Frame] = []

    async def what(place: Place) -> None:
        async with Visitor(place, on_frame=seen.append) as visitor:
            ack = await visitor.send("mine")
            assert (ack["type"], ack["id"]) == ("ack", 1)
            assert visitor.counts.reconnected == 1
            assert visitor.counts.sent_again == 0

    stub = Stub(answer)
    against(stub, what)
    assert stub.kinds()["message"] == 1
    assert not [frame for frame in seen if frame["type"] == "message"]


def test_messages_given_at_once_go_out_one_by_one() -> None:
    outstanding: list[int] = []

    async def answer(stub: Stub, socket: ServerConnection, frame: dict[str, Any]) -> None:
        if frame["type"] == "message":
            outstanding.append(stub.kinds()["message"] - stub.last_id)
            stub.last_id += 1
            await stub.tell(socket, "ack", client_id=frame["client_id"], id=stub.last_id, at="")
        else:
            await stub.tell(socket, "welcome", token="t", user=USER, messages=[], more=False)

    async def what(place: Place) -> None:
        async with Visitor(place) as visitor:
            acks = await asyncio.gather(*(visitor.send(f"line {number}") for number in range(20)))
            assert [ack["id"] for ack in acks] == list(range(1, 21))

    stub = Stub(answer)
    against(stub, what)
    assert [frame["body"] for frame in stub.frames[1:]] == [f"line {number}" for number in range(20)]
    assert set(outstanding) == {1}


@pytest.mark.parametrize("code", [4400, 4401, 4403, 4413])
def test_a_refusal_ends_it(code: int) -> None:
    async def answer(stub: Stub, socket: ServerConnection, frame: dict[str, Any]) -> None:
        await socket.close(code)

    async def what(place: Place) -> None:
        async with Visitor(place) as visitor:
            with pytest.raises(Refused) as refused:
                await visitor.ready()
            assert refused.value.code == code
            with pytest.raises(Refused):
                await visitor.send("too late")

    stub = Stub(answer)
    against(stub, what)
    assert len(stub.frames) == 1


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1012, 4408])
def test_any_other_close_brings_it_back(code: int) -> None:
    async def answer(stub: Stub, socket: ServerConnection, frame: dict[str, Any]) -> None:
        if stub.kinds()["hello"] == 1:
            await socket.close(code)
        else:
            await Stub.answered(stub, socket, frame)

    async def what(place: Place) -> None:
        async with Visitor(place) as visitor:
            await visitor.send("still there")
            assert visitor.counts.reconnected == 1

    against(Stub(answer), what)


def test_an_erased_person_is_told_so() -> None:
    async def answer(stub: Stub, socket: ServerConnection, frame: dict[str, Any]) -> None:
        if frame["type"] == "message":
            await stub.tell(socket, "forget")
            await socket.close(1000)
        else:
            await Stub.answered(stub, socket, frame)

    async def what(place: Place) -> None:
        async with Visitor(place) as visitor:
            await visitor.ready()
            with pytest.raises(Forgotten):
                await visitor.send("hello?")

    against(Stub(answer), what)


def test_a_message_that_is_refused_is_given_up() -> None:
    async def answer(stub: Stub, socket: ServerConnection, frame: dict[str, Any]) -> None:
        if frame["type"] == "message" and len(frame["body"]) > 10:
            await stub.tell(socket, "error", code="too_big", detail="over", client_id=frame["client_id"])
        else:
            await Stub.answered(stub, socket, frame)

    async def what(place: Place) -> None:
        async with Visitor(place) as visitor:
            with pytest.raises(Refused) as refused:
                await visitor.send("x" * 11)
            assert (refused.value.code, refused.value.detail) == ("too_big", "over")
            assert await visitor.send("x")

    against(Stub(answer), what)


def test_frames_of_a_closed_socket_are_dropped() -> None:
    async def what(place: Place) -> None:
        visitor = Visitor(place)
        assert not await visitor.frame("ping")
        async with visitor:
            await visitor.ready()
            assert await visitor.frame("ping")
        assert not await visitor.frame("ping")

    against(Stub(), what)
