"""`{% draw "users/leaf/dot.html" person=person %}`: shows what templates/jinja/ has."""

from __future__ import annotations

from django import template

from users.drawing import draw

register = template.Library()
register.simple_tag(draw)
