"""What tests read off a page of the profile."""

from __future__ import annotations

import re
from html import unescape

from django.http import HttpResponse


def text_of(response: HttpResponse) -> str:
    """The page as it was sent."""
    return response.content.decode()


def errors_of(response: HttpResponse) -> dict[str, str]:
    """The message by each refused field."""
    found = re.findall(r'data-error="(\w+)"[^>]*>(.*?)</p>', text_of(response), re.DOTALL)
    return {field: unescape(message) for field, message in found}


def field_of(response: HttpResponse, name: str) -> str:
    """The words in a person's `data-field`."""
    found = re.search(
        rf'data-field="{name}"[^>]*>(.*?)</span>\s*</?(?:d|span|h1|div)', text_of(response), re.DOTALL
    )
    assert found, f"no data-field {name}"
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", found.group(1))).split())
