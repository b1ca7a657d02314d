"""Takes the README's screenshots from the running demo: `make run` in one terminal, `make screenshots` in another."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from scripts.chromium import find

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "screenshots"
SIZE: ViewportSize = {"width": 1280, "height": 800}
QUESTION = "Hi, has the refund for order 88121 gone through?"
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
ANSWER = "It left us this morning. Banks take up to two days."


def main() -> None:
    """Signs in as the demo's admin and looks at the pages that the README shows."""
    var = Path(os.environ.get("CHATADMIN_VAR") or ROOT / "var")
    try:
        demo = json.loads((var / "demo.json").read_text())
    except OSError:
        sys.exit("screenshots: start the demo first, with `make run`.")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=["--no-sandbox", "--disable-gpu"])
        visitor = chat(browser, demo["url"])
        schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
        for scheme in schemes:
            staff = sign_in(browser, demo, scheme)
            staff.goto(f"{demo['url']}/users/?sort=messages")
            shot(staff, "users" if scheme == "light" else "users-dark")
            if scheme == "light":
                profile(staff, demo["url"], visitor)
                found(staff, demo["url"])
        browser.close()


def sign_in(browser: Browser, demo: dict[str, Any], scheme: Literal["light", "dark"]) -> Page:
    """A page of the demo's admin, in a browser of its own."""
    context = browser.new_context(viewport=SIZE, color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{demo['url']}/login/")
    page.locator("[name=login]").fill(demo["admin"]["email"])
    page.locator("[name=password]").fill(demo["admin"]["password"])
    page.locator("[name=password]").press("Enter")
    page.wait_for_url("**/users/")
    return page


def chat(browser: Browser, url: str) -> Page:
    """A visitor on the demo's host page who has asked something."""
    context = browser.new_context(viewport=SIZE, reduced_motion="reduce", user_agent=BROWSER)
    page = context.new_page()
    page.goto(f"{url}/widget/demo/")
    page.get_by_role("button", name="Open the chat").click()
    box = page.get_by_role("textbox", name="message")
    box.fill(QUESTION)
    box.press("Enter")
    expect(page.get_by_role("log")).to_contain_text(QUESTION)
    return page


def profile(staff: Page, url: str, visitor: Page) -> None:
    """Answers the visitor, and looks at both sides; then at somebody with a long history."""
    answer(staff, url)
    expect(visitor.get_by_role("log")).to_contain_text(ANSWER)
    shot(visitor, "widget")
    staff.goto(f"{url}/users/?q=Mariam+Okafor")
    staff.locator("tr[data-user] a").first.click()
    shot(staff, "profile")
    staff.get_by_role("link", name="Delete user").click()
    shot(staff, "delete")


def found(staff: Page, url: str) -> None:
    """Looks for people by what they said, and at the conversations that wait."""
    staff.goto(f"{url}/users/?q=refund&in=messages&has_email=yes&active=30")
    shot(staff, "search")
    staff.goto(f"{url}/conversations/")
    shot(staff, "conversations")


def answer(staff: Page, url: str) -> None:
    """Finds the visitor who asked among those who wait, and answers."""
    staff.goto(f"{url}/users/")
    waiting = staff.locator("tr[data-user]", has=staff.locator("[data-unread]:not([data-unread='0'])"))
    for address in [link.get_attribute("href") for link in waiting.locator("[data-row-link]").all()]:
        staff.goto(f"{url}{address}")
        if staff.get_by_text(QUESTION).count():
            reply = staff.locator("[data-composer] [name=body]")
            reply.fill(ANSWER)
            reply.press("Enter")
            return
    sys.exit("screenshots: the visitor's question isn't in the list.")


def shot(page: Page, name: str) -> None:
    """Writes one picture, once the page is quiet."""
    page.wait_for_load_state("load")
    page.wait_for_timeout(800)
    page.screenshot(path=PICTURES / f"{name}.png")
    print(f"docs/screenshots/{name}.png")


if __name__ == "__main__":
    main()
