"""How far a download is, and the profile's tab of what is held."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.test import Client

from exports import export_progress
from exports.stream import Form, export
from staff.models import Account
from tests.exports.people import make_marked
from tests.exports.test_export_page import address, content
from tests.factories import make_account, make_messages, make_person
from users.models import ChatUser

pytestmark = pytest.mark.django_db
TOKEN = "0123456789abcdef"


@pytest.fixture(autouse=True)
def every_block_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    cache.clear()
    monkeypatch.setattr(export_progress, "NOTED_SECONDS", 0)
    monkeypatch.setattr("exports.stream.BLOCK_BYTES", 1)
    monkeypatch.setattr("exports.reading.CHUNK_ROWS", 5)


def asked(client: Client, person: ChatUser, token: str = TOKEN) -> str:
    response = client.get(f"/users/{person.uuid}/export/progress/?token={token}")
    assert response.status_code == 200
    return response.content.decode()


def test_it_counts_the_rows_that_were_read(support_client: Client) -> None:
    person = make_person("Ana")
    make_messages(person, *[("visitor", f"number {number}") for number in range(12)])
    assert 'data-progress-state=""' in asked(support_client, person)
    response = support_client.post(address(person, "json"), {"token": TOKEN})
    pieces = iter(response.streaming_content)  # type: ignore[attr-defined]
    seen = set()
    for _ in pieces:
        page = asked(support_client, person)
        seen.add(page.split('data-rows="')[1].split('"')[0])
        if 'data-progress-state="begun"' in page:
            assert 'hx-trigger="every 1s"' in page
    assert len(seen) > 3
    page = asked(support_client, person)
    assert 'data-progress-state="whole"' in page and "hx-get" not in page
    # A conversation, its messages, and the line of the log about this export.
    assert 'data-rows="14"' in page


def test_one_that_breaks_off_says_so() -> None:
    person = make_person("Ana")
    make_messages(person, *[("visitor", f"number {number}") for number in range(12)])
    blocks = export_progress.watched(export(person, Form.JSON), "key").blocks
    next(blocks)
    assert export_progress.progress_of("key") == export_progress.Progress(0, "begun")
    blocks.close()
    assert export_progress.progress_of("key").state == "broken"


def test_nobody_else_hears_of_it(support_client: Client, signed_in: Callable[[Account], Client]) -> None:
    person = make_person("Ana")
    content(support_client.post(address(person, "json"), {"token": TOKEN}))
    assert 'state="whole"' in asked(support_client, person)
    assert 'state=""' in asked(signed_in(make_account("kim@team.example")), person)
    for wrong in ("", "x", "../../x", TOKEN + "0"):
        assert 'state=""' in asked(support_client, person, wrong)


def test_the_page_asks_by_a_token_of_its_own(support_client: Client) -> None:
    person = make_person("Ana")
    pages = {support_client.get(address(person)).content.decode() for _ in range(2)}
    tokens = {page.split('name="token" value="')[1][:16] for page in pages}
    assert len(tokens) == 2
    assert all(f"export/progress/?token={token}" in "".join(pages) for token in tokens)


def test_the_tab_of_what_is_held(support_client: Client, stranger: Client) -> None:
    person = make_marked("zebrafin").person
    page = support_client.get(f"/users/{person.uuid}/data/")
    text = page.content.decode()
    assert page.status_code == 200 and "no-store" in page.headers["Cache-Control"]
    assert "4 messages" in text and "No legal hold stands" in text
    assert f'href="/users/{person.uuid}/data/" aria-current="page"' in text
    ChatUser.objects.update(held_at=person.first_seen)
    assert "data-held" in support_client.get(f"/users/{person.uuid}/data/").content.decode()
    assert stranger.get(f"/users/{person.uuid}/data/").status_code == 302
