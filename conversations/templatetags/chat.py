"""Filters with which templates show messages."""

from __future__ import annotations

from django import template

from conversations import shown

register = template.Library()
register.filter("linked", shown.linked)
register.filter("file_of", shown.file_of)
register.filter("answers_of", shown.answers_of)


@register.filter
def web_address(value: object) -> str:
    """`value` where it is an http or https address, else ""."""
    return shown.web_address(value)
