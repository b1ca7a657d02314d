"""A bulk job's pages in a browser: the numbers move by themselves and take no focus away, and axe."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from chatadmin.lib.models import Job
from staff.models import Account
from tests.search.bulking import make_crowd, make_tag, own, proposed, wearers

pytestmark = pytest.mark.django_db(transaction=True)
AtWork = Callable[..., BrowserContext]


def sound(page: Page) -> None:
    """Axe finds nothing, and nothing sticks out of a narrow window."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_asked_watched_and_done(at_work: AtWork, support: Account, scheme: str) -> None:
    people = make_crowd(20_000)
    job = proposed("tag", people, support, make_tag("refund", *people[:37]))
    page = at_work(support, color_scheme=scheme, viewport={"width": 360, "height": 640}).new_page()
    page.goto(f"{own(job)}?query=q%3Dcrowd")
    expect(page.get_by_role("heading", level=1)).to_have_text("Put “refund” on 20,000 people?")
    expect(page.get_by_text("37 have it already.")).to_be_visible()
    sound(page)
    page.get_by_role("button", name="Put it on").click()
    stop = page.get_by_role("button", name="Stop")
    stop.focus()
    expect(page.locator("[data-bulk=running]:not([data-done='0'])")).to_be_attached()
    expect(stop).to_be_focused()
    done = re.compile("Done: “refund” put on 19,963 people")
    expect(page.get_by_role("heading", level=1)).to_have_text(done, timeout=60_000)
    expect(page).to_have_title(done)
    expect(page.get_by_text("37 have it already")).to_be_visible()
    sound(page)
    assert len(wearers("refund")) == 20_000
    page.get_by_role("link", name="Back to the list").click()
    expect(page).to_have_url(f"{page.url.split('/users/')[0]}/users/?q=crowd")


def test_what_is_refused_is_readable(at_work: AtWork, support: Account) -> None:
    job = proposed("tag", make_crowd(3), support, None)
    page = at_work(support, viewport={"width": 360, "height": 640}).new_page()
    page.goto(own(job))
    page.get_by_role("button", name="Put it on").click()
    expect(page.get_by_label("Tag")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("Name one tag.")).to_be_visible()
    sound(page)
    assert Job.objects.get().detail["tag"] is None
