"""From a user-agent string to browser, version, system and kind; the string itself is not kept."""

from __future__ import annotations

import functools

from ua_parser import parse

from users.visits import DeviceInfo

USER_AGENT_CHARS = 1_000
_SAME_BROWSER = (" Mobile WebView", " WebView", " Mobile iOS", " iOS", " Mobile")


def device_of(user_agent: str) -> DeviceInfo:
    """What `user_agent` says; empty where it says nothing known."""
    # Cut before it is remembered: what a stranger sends may be as long as they like.
    return _device_of(user_agent[:USER_AGENT_CHARS])


@functools.lru_cache(maxsize=4096)
def _device_of(user_agent: str) -> DeviceInfo:
    result = parse(user_agent)
    browser, system = result.user_agent, result.os
    family = browser.family if browser else ""
    os_name = {"Mac OS X": "macOS"}.get(system.family, system.family) if system else ""
    return DeviceInfo(
        browser=_browser(family)[:60],
        browser_version=((browser.major or "") if browser else "")[:20],
        os=os_name[:60],
        device_kind=_kind(user_agent, os_name),
    )


def _browser(family: str) -> str:
    for ending in _SAME_BROWSER:
        family = family.removesuffix(ending)
    return family.removeprefix("Mobile ")


def _kind(user_agent: str, os_name: str) -> str:
    if not os_name:
        return ""
    if "iPad" in user_agent or "Tablet" in user_agent:
        return "tablet"
    if os_name == "Android":
        return "phone" if "Mobile" in user_agent else "tablet"
    return "phone" if os_name == "iOS" or "Mobile" in user_agent else "desktop"
