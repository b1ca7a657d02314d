"""What a browser says of itself, cut to what helps to help."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from users import device
from users.device import device_of
from users.models import Device
from users.visits import DeviceInfo

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/131.0.0.0 Safari/537.36",
            ("Chrome", "131", "Windows", "desktop"),
        ),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
            ("Edge", "131", "Windows", "desktop"),
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
            ("Firefox", "130", "Linux", "desktop"),
        ),
        (
            f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {APPLE} Version/18.1 Safari/605.1.15",
            ("Safari", "18", "macOS", "desktop"),
        ),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) {APPLE} Version/18.1 Mobile/15E148 Safari/604.1",
            ("Safari", "18", "iOS", "phone"),
        ),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {APPLE} CriOS/126.0.6478.35 Mobile/15E148 Safari/604.1",
            ("Chrome", "126", "iOS", "phone"),
        ),
        (
            f"Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) {APPLE} Version/17.5 Mobile/15E148 Safari/604.1",
            ("Safari", "17", "iOS", "tablet"),
        ),
        (
            f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/131.0.0.0 Mobile Safari/537.36",
            ("Chrome", "131", "Android", "phone"),
        ),
        (
            f"Mozilla/5.0 (Linux; Android 14; Pixel 8; wv) {WEBKIT} Version/4.0 Chrome/126.0.0.0 Mobile Safari/537.36",
            ("Chrome", "126", "Android", "phone"),
        ),
        (
            f"Mozilla/5.0 (Linux; Android 13; SM-X710) {WEBKIT} Chrome/131.0.0.0 Safari/537.36",
            ("Chrome", "131", "Android", "tablet"),
        ),
        (
            "Mozilla/5.0 (Android 14; Mobile; rv:130.0) Gecko/130.0 Firefox/130.0",
            ("Firefox", "130", "Android", "phone"),
        ),
        ("curl/8.4.0", ("curl", "8", "", "")),
        ("", ("", "", "", "")),
        ("nothing known", ("", "", "", "")),
        ("x" * 100_000, ("", "", "", "")),
    ],
)
def test_devices(user_agent: str, expected: tuple[str, ...]):
    assert device_of(user_agent) == DeviceInfo(*expected)


def test_only_so_much_is_looked_at_and_remembered():
    known = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/131.0.0.0 Safari/537.36"
    device._device_of.cache_clear()
    assert device_of(known + " " * 2_000 + "Firefox/130.0").browser == "Chrome"
    assert device_of(known + " " * 3_000).browser == "Chrome"
    assert device._device_of.cache_info().currsize == 1


@settings(deadline=None, max_examples=200, database=None)
@given(
    st.text(max_size=300)
    | st.lists(
        st.sampled_from(
            [
                "Mozilla/5.0",
                "(",
                ")",
                "Chrome/",
                "131",
                ".0",
                "<b>",
                "Android",
                "iPad",
                "; ",
                "Version/",
                "é",
                "\x00",
                "%s",
                "A" * 90,
            ]
        ),
        max_size=12,
    ).map("".join)
)
def test_anything_fits_its_columns(user_agent: str):
    found = device_of(user_agent)
    for name in ("browser", "browser_version", "os", "device_kind"):
        most = Device._meta.get_field(name).max_length
        assert most is not None
        assert len(getattr(found, name)) <= most
        assert "\x00" not in getattr(found, name)
