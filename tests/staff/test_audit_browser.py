"""The audit log in a real browser: narrow and dark, with axe, without scripts, and the file that it downloads."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, expect

from staff import audit
from staff.models import Account, AuditEntry
from tests.factories import make_person
from tests.staff.chain import sealed
from tests.staff.test_in_browser import NARROW, WIDE, check

AtWork = Callable[..., BrowserContext]


@pytest.mark.parametrize(("viewport", "scheme"), [(NARROW, "light"), (NARROW, "dark"), (WIDE, "dark")])
def test_the_page_is_sound(at_work: AtWork, admin: Account, viewport: dict[str, int], scheme: str) -> None:
    admin.name = "Long" * 20
    admin.save()
    sealed(60, actor=admin)
    page = at_work(admin, color_scheme=scheme, viewport=viewport).new_page()
    for query in (
        "",
        "?verb=nothing&actor=x&person=x&from=x&after=x",
        "?verb=user.edited",
        "?verb=user.viewed",
    ):
        page.goto(f"/audit/{query}")
        check(page)
    page.get_by_role("link", name="Older").click()
    expect(page.locator("tr[data-verb]")).to_have_count(10)
    check(page)


def test_from_a_profile_to_its_lines_and_their_file(at_work: AtWork, admin: Account, tmp_path: Path) -> None:
    ada, bo = make_person("Ada"), make_person("Bo")
    audit.record(actor=admin, verb="user.edited", person=ada.uuid)
    audit.record(actor=admin, verb="user.edited", person=bo.uuid)
    AuditEntry.objects.update(at=timezone.now() - dt.timedelta(days=2))
    page = at_work(admin, java_script_enabled=False).new_page()
    page.goto(f"/users/{ada.uuid}/access/")
    page.get_by_role("link", name="In the audit log").click()
    rows = page.locator("tr[data-verb]")
    expect(rows).to_have_count(2)
    page.get_by_label("What").select_option("user.edited")
    page.get_by_role("button", name="Filter").click()
    expect(rows).to_have_count(1)
    with page.expect_download() as started:
        page.get_by_role("button", name="Export as JSON").click()
    path = tmp_path / "audit.json"
    started.value.save_as(path)
    (line,) = json.loads(path.read_text())
    assert (line["verb"], line["person"]) == ("user.edited", audit.person_hash(ada.uuid))
    page.get_by_role("link", name="Show everything").click()
    expect(page.locator('tr[data-verb="audit.exported"]')).to_have_count(1)
