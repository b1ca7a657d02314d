"""The pages of what went wrong: they say what to do, and stand without anybody's session or data."""

import pytest
from django.template.loader import render_to_string
from django.test import Client


@pytest.mark.parametrize("template", ["400.html", "403.html", "403_csrf.html", "404.html", "500.html"])
def test_each_stands_without_a_request(template: str) -> None:
    page = render_to_string(template)
    assert page.count("<h1>") == 1
    assert "</html>" in page


def test_a_broken_layout_does_not_break_the_last_page(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.contrib.staticfiles.storage import staticfiles_storage

    def lost(name: str) -> str:
        raise ValueError(name)

    monkeypatch.setattr(staticfiles_storage, "url", lost)
    with pytest.raises(ValueError, match="icon"):
        render_to_string("404.html")
    assert "That went wrong" in render_to_string("500.html")


def test_an_address_that_is_not_there(stranger: Client, db: None) -> None:
    response = stranger.get("/nowhere/<script>/")
    assert response.status_code == 404
    page = response.content.decode()
    assert "Not here" in page
    assert "nowhere" not in page


def test_a_role_that_is_too_small(support_client: Client) -> None:
    response = support_client.get("/widget/")
    assert response.status_code == 403
    assert "Not for your role" in response.content.decode()


def test_staff_keep_their_menu(support_client: Client, stranger: Client) -> None:
    for address in ("/nowhere/", "/widget/"):
        assert 'href="/account/"' in support_client.get(address).content.decode()
    assert 'href="/account/"' not in stranger.get("/nowhere/").content.decode()
