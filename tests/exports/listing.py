"""The exported list as tests ask for it and read it, and the same people off the list's pages."""

from __future__ import annotations

import csv
import io
import json
from typing import Any, cast

from django.http.response import HttpResponseBase
from django.test import Client

from tests.search.pages import link, uuids

MOST_PAGES = 60


def posted(client: Client, query: str = "", form: str = "json", **fields: Any) -> HttpResponseBase:
    """The answer to a post to /exports/list/."""
    response = client.post("/exports/list/", {"query": query, "format": form, **fields})
    return cast("HttpResponseBase", response)


def content(response: HttpResponseBase) -> bytes:
    """What a download holds."""
    assert response.status_code == 200
    return b"".join(response.streaming_content)  # type: ignore[attr-defined]


def exported(client: Client, query: str = "", **fields: Any) -> list[dict[str, Any]]:
    """The rows of the JSON file."""
    return cast("list[dict[str, Any]]", json.loads(content(posted(client, query, **fields))))


def table(client: Client, query: str = "", **fields: Any) -> list[dict[str, str]]:
    """The rows of the CSV file."""
    text = content(posted(client, query, "csv", **fields)).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def on_pages(client: Client, query: str = "") -> list[str]:
    """Everyone by uuid, in the order of all pages of the list one after another."""
    found: list[str] = []
    address: str | None = f"/users/?{query}"
    for _ in range(MOST_PAGES):
        response = client.get(cast("str", address))
        assert response.status_code == 200
        found += uuids(response)
        address = link(response, "next")
        if address is None:
            return found
    raise AssertionError("the pages have no end")
