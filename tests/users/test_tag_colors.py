"""Every colour that a tag may have can be read, in light and in dark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from users.models import TagColor
from users.templatetags.people import tag_look

STYLES = (
    Path(settings.BASE_DIR, "static/css/tags.css").read_text()
    + Path(settings.BASE_DIR, "static/css/base.css").read_text()
)
READABLE = 4.5


def pair(token: str) -> tuple[str, str]:
    """A token's colours in light and in dark, as `rrggbb`."""
    found = re.search(rf"--{token}: light-dark\(#([0-9a-f]{{6}}), #([0-9a-f]{{6}})\)", STYLES)
    assert found, token
    return found[1], found[2]


def luminance(color: str) -> float:
    """WCAG 2.2, relative luminance."""
    channels = [int(color[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


def test_the_measure_is_right() -> None:
    assert contrast("000000", "ffffff") == pytest.approx(21)
    assert contrast("777777", "ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("color", [*TagColor.values, "vip"])
def test_words_stand_out_from_their_ground(color: str, scheme: int) -> None:
    token = color if color == "vip" else f"tag-{color}"
    assert contrast(pair(token)[scheme], pair(f"{token}-soft")[scheme]) >= READABLE


@pytest.mark.parametrize("color", TagColor.values)
def test_every_colour_has_its_class(color: str) -> None:
    rule = f".tag-{color} {{ color: var(--tag-{color}); background: var(--tag-{color}-soft);"
    assert rule in STYLES
    assert tag_look(color) == f"tag-{color}"


def test_a_colour_that_nobody_knows_has_none() -> None:
    assert tag_look("mauve") == tag_look("") == ""
