"""What tests read off the user list."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from typing import cast

from django.http import HttpResponse
from django.test import Client

from users.models import ChatUser


def text_of(response: HttpResponse) -> str:
    """The page as it was sent."""
    return response.content.decode()


def asked(client: Client, **parameters: str) -> HttpResponse:
    """The list's answer, which is always a page."""
    response = client.get("/users/", parameters)
    assert response.status_code == 200
    return cast("HttpResponse", response)


def uuids(response: HttpResponse) -> list[str]:
    """Who is listed, in order."""
    return re.findall(r'<tr[^>]* data-user="([^"]+)"', text_of(response))


def names(response: HttpResponse) -> list[str]:
    """The same by name."""
    known = {str(person.uuid): person.name for person in ChatUser.objects.all()}
    return [known[uuid] for uuid in uuids(response)]


def total(response: HttpResponse) -> str:
    """What `data-total` says."""
    found = re.findall(r'data-total="([^"]*)"', text_of(response))
    assert len(found) == 1
    return str(found[0])


def errors(response: HttpResponse) -> set[str]:
    """The parameters that a message stands by."""
    return set(re.findall(r'data-error="([^"]+)"', text_of(response)))


def link(response: HttpResponse, rel: str) -> str | None:
    """Where the link to the next or previous page leads."""
    found = re.search(rf'<a [^>]*rel="{rel}" href="([^"]+)"', text_of(response))
    return unescape(found[1]) if found else None


def row(response: HttpResponse, person: ChatUser) -> str:
    """The HTML of one person's row."""
    found = re.search(rf'<tr[^>]* data-user="{person.uuid}">.*?</tr>', text_of(response), re.DOTALL)
    assert found
    return found[0]


class _Field(HTMLParser):
    """Gathers the words of one `data-field`."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.depth = 0
        self.found = False
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.depth:
            self.depth += 1
        elif ("data-field", self.name) in attrs:
            assert not self.found, f"{self.name} twice"
            self.found, self.depth = True, 1

    def handle_endtag(self, tag: str) -> None:
        self.depth = max(0, self.depth - 1)

    def handle_data(self, data: str) -> None:
        if self.depth:
            self.words.append(data)


def field(html: str, name: str) -> str:
    """The words of a `data-field`, which is there once."""
    parser = _Field(name)
    parser.feed(html)
    assert parser.found, name
    return " ".join("".join(parser.words).split())


def chips(response: HttpResponse, *, on: bool) -> dict[str, str]:
    """The chips that are on, or those that are offered: what each says, and where it leads."""
    found = re.findall(
        r'<a class="chip( on)? [^"]*" id="[^"]+" href="([^"]*)" data-chip="[^"]+">(.*?)</a>'
        if on
        else r'<a class="chip()" id="[^"]+" href="([^"]*)" data-chip="[^"]+">(.*?)</a>',
        text_of(response),
        re.DOTALL,
    )
    return {unescape(re.sub("<[^>]+>", "", words)).strip(): unescape(href) for _, href, words in found}
