"""A server in the test's own hands that speaks the visitor socket, for what a real one does only when things go wrong."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from playwright.sync_api import BrowserContext, Page, Route, WebSocketRoute

from widget.script import embed_script

SHOP = "https://shop.example/"
TAG = '<script async src="https://chat.example/widget.js" data-key="wk_test"></script>'
HOST_PAGE = (
    '<!doctype html><html lang="en"><head><title>Shop</title>{head}</head>'
    '<body><main><h1>Shop</h1><p>Beans and more</p><input aria-label="Search"></main></body></html>'
)

Frame = dict[str, Any]


def until(page: Page, true: Callable[[], Any], what: str = "") -> Any:
    """Waits until `true()` is; returns it. Raises AssertionError after 10 s."""
    ends = time.monotonic() + 10
    while not (found := true()):
        assert time.monotonic() < ends, what or "waited in vain"
        page.wait_for_timeout(20)
    return found


class FakeChat:
    """Keeps people by token and every frame that came in; a test may switch parts of it off or write frames itself."""

    def __init__(self) -> None:
        self.people: dict[str, Frame] = {}
        self.frames: list[Frame] = []
        self.sockets: list[WebSocketRoute] = []
        self.joined: dict[WebSocketRoute, str] = {}
        self.ids = itertools.count(1)
        self.head = TAG
        self.headers: dict[str, str] = {}
        self.settings: Frame = {}
        self.refuses_with = 0  # a close code for whoever connects
        self.page_size = 200
        self.staff_online = True
        self.silent = False  # takes frames, answers none
        self.too_fast = 0  # that many messages are refused

    def serve(self, context: BrowserContext) -> None:
        def script(route: Route) -> None:
            route.fulfill(body=embed_script().body, content_type="text/javascript")

        def shop(route: Route) -> None:
            body = HOST_PAGE.format(head=self.head)
            route.fulfill(body=body, content_type="text/html", headers=self.headers)

        context.route("https://chat.example/widget.js", script)
        context.route(f"{SHOP}**", shop)
        context.route_web_socket("**/ws/widget/**", self._accept)

    def _accept(self, socket: WebSocketRoute) -> None:
        self.sockets.append(socket)
        if self.refuses_with:
            socket.close(code=self.refuses_with)
            return
        socket.on_message(lambda text: self._take(socket, json.loads(text)))

    def _take(self, socket: WebSocketRoute, frame: Frame) -> None:
        self.frames.append(frame)
        answer = getattr(self, f"_on_{frame['type']}", None)
        if answer and not self.silent:
            answer(socket, frame)

    def _on_hello(self, socket: WebSocketRoute, frame: Frame) -> None:
        token = frame["token"] if frame["token"] in self.people else str(uuid4())
        if token not in self.people:
            user = {"id": str(uuid4()), "name": None, "email": None, "verified": False}
            self.people[token] = {"user": user, "messages": [], "read": 0}
        self.joined[socket] = token
        self.welcome(socket, frame["after"])

    def welcome(self, socket: WebSocketRoute, after: int) -> None:
        """Says who the socket's person is, and what was said after that id."""
        token = self.joined[socket]
        person = self.people[token]
        messages = [message for message in person["messages"] if message["id"] > after]
        unread = [m for m in person["messages"] if m["from"] != "visitor" and m["id"] > person["read"]]
        welcome = {
            "token": token,
            "user": person["user"],
            "messages": messages[: self.page_size],
            "more": len(messages) > self.page_size,
            "unread": len(unread),
            "staff_online": self.staff_online,
        }
        self.say("welcome", socket, **welcome, **({"widget": self.settings} if self.settings else {}))

    def _on_message(self, socket: WebSocketRoute, frame: Frame) -> None:
        client_id = frame["client_id"]
        if self.too_fast:
            self.too_fast -= 1
            self.say("error", socket, code="too_fast", detail="", client_id=client_id)
            return
        said = [m for m in self.people[self.joined[socket]]["messages"] if m.get("client_id") == client_id]
        message = said[0] if said else self.keep("visitor", frame["body"], socket, client_id=client_id)
        self.say("ack", socket, client_id=client_id, id=message["id"], at=message["at"])

    def _on_read(self, socket: WebSocketRoute, frame: Frame) -> None:
        self.people[self.joined[socket]]["read"] = frame["up_to"]

    def _on_identify(self, socket: WebSocketRoute, frame: Frame) -> None:
        if "@" not in (frame.get("email") or "@"):
            self.say("error", socket, code="invalid", detail="email: not an address")
            return
        user = self.people[self.joined[socket]]["user"]
        user.update({name: frame[name] for name in ("name", "email") if name in frame})
        self.say("identified", socket, user=user, reload=False)

    def keep(self, sender: str, body: str, socket: WebSocketRoute | None = None, **more: Any) -> Frame:
        """Writes a message into the history of the socket's person (the last one's) without telling them."""
        token = self.joined[socket or self.sockets[-1]]
        at = datetime.now(UTC).isoformat()
        message = {"id": next(self.ids), "from": sender, "kind": "text", "body": body, "data": {}, "at": at}
        message |= {"author": "Dana" if sender == "staff" else None} | more
        self.people[token]["messages"].append(message)
        return message

    def reply(self, body: str, sender: str = "staff", **more: Any) -> Frame:
        """Staff write to whoever connected last."""
        message = self.keep(sender, body, **more)
        self.say("message", **message)
        return message

    def say(self, kind: str, socket: WebSocketRoute | None = None, /, **fields: Any) -> None:
        (socket or self.sockets[-1]).send(json.dumps({"type": kind, **fields}))

    def hang_up(self, code: int = 1012) -> None:
        self.sockets[-1].close(code=code)

    def heard(self, kind: str) -> list[Frame]:
        return [frame for frame in self.frames if frame["type"] == kind]

    def bodies(self) -> list[str]:
        """What visitors said, as the server holds it."""
        kept = [message for person in self.people.values() for message in person["messages"]]
        return [message["body"] for message in kept if message["from"] == "visitor"]


class WidgetPage:
    """The widget on a page, as a visitor meets it."""

    def __init__(self, page: Page, chat: FakeChat | None = None) -> None:
        self.page, self.chat = page, chat

    def visit(self, address: str = SHOP) -> WidgetPage:
        """Goes there; on the fake server, until it was greeted."""
        known = len(self.chat.heard("hello")) if self.chat else 0
        self.page.goto(address)
        if self.chat:
            chat = self.chat
            until(self.page, lambda: len(chat.heard("hello")) > known, "no hello")
        return self

    def open(self) -> WidgetPage:
        self.page.get_by_role("button", name="Open chat").click()
        return self

    def write(self, text: str) -> None:
        self.page.get_by_label("Write a message").fill(text)
        self.page.keyboard.press("Enter")

    def bubbles(self) -> list[str]:
        return self.page.get_by_role("log").locator(".bubble").all_inner_texts()
