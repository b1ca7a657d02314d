"""This process's message writer: whoever writes at the same moment shares a transaction."""

from __future__ import annotations

from django.db import connection

from chatadmin.lib.writer import Writer
from conversations.writing import NewMessage, Stored, write_message, write_messages

WRITER: Writer[NewMessage, Stored] = Writer("chatadmin-writer", write_messages)


async def send_soon(item: NewMessage) -> Stored:
    """`write_message` from the event loop, together with what others write."""
    return await WRITER.ask(item)


def send(item: NewMessage) -> Stored:
    """`write_message` from a thread, together with what others write; within the caller's transaction, if it has one."""
    return write_message(item) if connection.in_atomic_block else WRITER.ask_and_wait(item)
