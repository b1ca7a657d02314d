"""One export in a process of its own: `python -m bench.export.inside ours|stock json|csv UUID`. Prints JSON.

`stock` is what django-import-export's documentation has one write: a ModelResource with these fields, its `export()`,
and the format asked for. Both write to /dev/null.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import django

from bench.export import memory

FIELDS = (*("id", "conversation", "sender", "kind", "body", "data", "created_at", "author_name", "read_at"),)


def main(words: list[str]) -> None:
    """Exports, and says how long it took and what it held."""
    exporter, form, person = words
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatadmin.settings")
    django.setup()
    work = {"ours": ours, "stock": stock}[exporter](form, person)
    memory.forget_peak()
    idle, began, size = memory.resident_mb(), time.perf_counter(), 0
    with open(os.devnull, "wb") as out:
        for block in work():
            size += out.write(block)
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "bytes": size, "peak_mb": memory.peak_mb() - idle}))


def ours(form: str, person: str) -> Callable[[], Iterable[bytes]]:
    """The product's own."""
    stream, models = importlib.import_module("exports.stream"), importlib.import_module("users.models")
    who = models.ChatUser.objects.get(uuid=person)
    return lambda: stream.export(who, stream.Form(form)).blocks


def stock(form: str, person: str) -> Callable[[], Iterable[bytes]]:
    """The library as it comes, of the messages alone."""
    resources = importlib.import_module("import_export.resources")
    models = importlib.import_module("conversations.models")

    class Stock(resources.ModelResource):  # type: ignore[name-defined]
        class Meta:
            model = models.Message
            fields: ClassVar[Any] = FIELDS

    said = models.Message.objects.filter(chat_user__uuid=person).order_by("created_at", "pk")

    def exported() -> Iterable[bytes]:
        data = Stock().export(said)
        yield str(data.json if form == "json" else data.csv).encode()

    return exported


if __name__ == "__main__":
    main(sys.argv[1:])
