"""People with replies that wait to be read, and a mail server that answers as it is told."""

from __future__ import annotations

import contextlib
import datetime as dt
import socketserver
import threading
import uuid
from types import TracebackType
from typing import Any

from django.utils import timezone
from pytest_django.fixtures import Settings

from conversations.models import Message, Sender
from staff.models import Widget
from tests.factories import make_messages, make_person, make_widget
from users.models import ChatUser

PUBLIC_URL = "https://chat.example"


def switch_on(settings: Settings, **fields: Any) -> Widget:
    """Mail is on, and a widget sends unread replies."""
    settings.MAIL_ON, settings.PUBLIC_URL = True, PUBLIC_URL
    return make_widget(mail_replies=True, title="Northpine", **fields)


def new_address() -> str:
    """An address that no other test has: mails are counted by address, for a day."""
    return f"{uuid.uuid4().hex}@site.example"


def make_waiting(
    *replies: str, minutes: float = 11, email: str | None = None, **fields: Any
) -> tuple[ChatUser, list[Message]]:
    """Somebody who wrote, and our replies, unread for so many minutes."""
    person = make_person("Ada", new_address() if email is None else email, **fields)
    since = timezone.now() - dt.timedelta(minutes=minutes)
    make_messages(person, (Sender.VISITOR, "Where is my parcel?"), start=since - dt.timedelta(minutes=5))
    return person, reply(person, *(replies or ("It left today.",)), at=since)


def reply(person: ChatUser, *replies: str, at: dt.datetime | None = None, **fields: Any) -> list[Message]:
    """Replies of ours to that person, all of one moment."""
    fields = {"author_name": "Dana Whitfield", **fields}
    when = at or timezone.now()
    return [
        make_messages(person, (Sender.STAFF, body), start=when + dt.timedelta(microseconds=number), **fields)[
            0
        ]
        for number, body in enumerate(replies)
    ]


class MailServer:
    """An SMTP server on a free port. `answers`: what it says to a command, by its name, and to the mail itself
    (`END`), instead of yes; an empty answer hangs up."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers
        self.heard: list[str] = []
        self.mails: list[str] = []
        server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):
                    server.talk(self)

        self.listener = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.port: int = self.listener.server_address[1]
        self.thread = threading.Thread(target=self.listener.serve_forever, args=(0.05,))

    def __enter__(self) -> MailServer:
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.listener.shutdown()
        self.listener.server_close()
        self.thread.join(5)

    def use(self, settings: Settings) -> None:
        """Has the product send its mail here."""
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", self.port, 2

    def talk(self, wire: socketserver.StreamRequestHandler) -> None:
        """One connection, from its greeting to its end."""
        wire.wfile.write(b"220 ready\r\n")
        while line := wire.rfile.readline().decode():
            command = line.split(maxsplit=1)[0].upper()
            self.heard.append(line.strip())
            told = self.answers.get(command, "354 go on" if command == "DATA" else "250 yes")
            if not told:
                return
            wire.wfile.write(f"{told}\r\n".encode())
            if command == "QUIT":
                return
            if command == "DATA" and told.startswith("354"):
                self._take(wire)

    def _take(self, wire: socketserver.StreamRequestHandler) -> None:
        lines = []
        while (line := wire.rfile.readline()) != b".\r\n":
            if not line:
                return
            lines.append(line.decode())
        told = self.answers.get("END", "250 queued")
        if told.startswith("250"):
            self.mails.append("".join(lines))
        wire.wfile.write(f"{told}\r\n".encode())
