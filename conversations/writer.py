"""This process's message writer: whoever writes at the same moment shares a transaction."""

from __future__ import annotations

from django.db import connection

from chatadmin.lib.writer import Lanes
from conversations.writing import NewMessage, Stored, write_message, write_messages

# PostgreSQL works on the one batch while Python makes the other; a third made it slower. SQLite has one writer anyhow.
WRITER: Lanes[NewMessage, Stored] = Lanes(
    "chatadmin-writer",
    write_messages,
    count=2 if connection.vendor == "postgresql" else 1,
    key=lambda item: item.chat_user_id,
)


async def send_soon(item: NewMessage) -> Stored:
    """`write_message` from the event loop, together with what others write."""
    return await WRITER.ask(item)


def send(item: NewMessage) -> Stored:
    """`write_message` from a thread, together with what others write; within the caller's transaction, if it has one."""
    return write_message(item) if connection.in_atomic_block else WRITER.ask_and_wait(item)
