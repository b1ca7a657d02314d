"""Fills a database of the benchmark: bulk load first, indexes then, last the words to look for."""

from __future__ import annotations

import time
from dataclasses import replace

from django.core.management import call_command
from django.db import connection

from bench import indexes, marks, terms
from bench.marks import Mark
from bench.places import Size
from bench.progress import say
from conversations.demo import load_demo
from conversations.models import Message
from search.spans import fill_spans


def load(size: Size) -> Mark:
    """Makes schema, people, messages and indexes in an empty database, and marks it."""
    wanted = marks.wanted(size)
    marks.write(wanted)
    began = time.monotonic()
    call_command("migrate", verbosity=0, interactive=False)
    with indexes.resting():
        loaded = load_demo(
            users=size.people,
            messages=size.messages,
            seed=wanted.seed,
            now=wanted.moment,
            signature=wanted.signature,
        )
        say(f"  rows are in ({time.monotonic() - began:.0f} s); now the indexes")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM (ANALYZE)")
        else:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    mark = replace(wanted, rows=loaded.messages + loaded.system_lines, is_complete=True)
    marks.write(mark)
    say(f"  loaded in {time.monotonic() - began:.0f} s")
    return mark


def ready() -> Mark:
    """Brings marked data up to date: the newest schema, and words to look for. Returns their mark."""
    call_command("migrate", verbosity=0, interactive=False)
    # What a running server's sweep would have noticed bit by bit.
    fill_spans()
    mark = marks.read()
    assert mark is not None and mark.is_complete
    if mark.terms.get("version") != terms.VERSION:
        began = time.monotonic()
        rows = mark.rows or Message.objects.count()
        mark = replace(mark, rows=rows, terms=terms.measure(mark.seed, rows))
        marks.write(mark)
        say(f"  words counted in {time.monotonic() - began:.0f} s")
    return mark
