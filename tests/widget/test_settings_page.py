"""The widget's set-up page."""

import re
from html import unescape

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from staff.models import COLLECTABLE, OWN_ORIGIN, Account, AuditEntry, Widget
from tests.factories import make_widget
from users.models import Collected
from widget.appearance import appearance
from widget.edge import may_embed

GOOD = {
    "title": "Northpine",
    "greeting": "Hi",
    "accent": "#3F5BD8",
    "side": "right",
    "origins": "",
    "ask_name": "on",
}


def errors(page: str) -> list[str]:
    """The fields that something is wrong with."""
    return re.findall(r'data-error="(\w+)"', page)


def test_support_neither_sees_nor_changes_it(support_client: Client) -> None:
    widget = make_widget()
    for response in (
        support_client.get("/widget/"),
        support_client.post("/widget/", GOOD),
        support_client.post("/widget/secret/"),
    ):
        assert response.status_code == 403
        assert widget.identity_secret not in response.content.decode()
    fresh = Widget.objects.get()
    assert (fresh.title, fresh.identity_secret) == (widget.title, widget.identity_secret)


def test_the_tag_names_the_host_that_was_asked(admin_client: Client) -> None:
    widget = make_widget()
    page = admin_client.get("/widget/", headers={"Host": "localhost:8123"}).content.decode()
    assert (
        f'<script async src="http://localhost:8123/widget.js" data-key="{widget.key}"></script>'
        in unescape(page)
    )


def test_the_secret_is_folded_away(admin_client: Client) -> None:
    widget = make_widget()
    page = admin_client.get("/widget/").content.decode()
    assert page.count(widget.identity_secret) == 1
    before, after = page.split(widget.identity_secret)
    assert before.rindex("<details") > before.rfind("</details>")
    assert "<details" in before.split("<summary>")[-2][-60:]
    assert "</details>" in after
    assert "<details open" not in page


def test_the_snippets_sign_as_we_verify(admin_client: Client) -> None:
    make_widget()
    page = unescape(admin_client.get("/widget/").content.decode())
    code = page.split("<h3>Python</h3>")[1].split(">", 1)[1].split("</pre>")[0]
    names: dict[str, object] = {"external_id": "u-1", "SECRET": "5" * 64}
    exec(code, names)
    import hashlib
    import hmac

    signed = f"u-1\n{names['expires']}".encode()
    assert names["hash_"] == hmac.new(b"5" * 64, signed, hashlib.sha256).hexdigest()
    assert "createHmac" in page
    assert "chatadminIdentity" in page


def test_a_new_secret(admin: Account, admin_client: Client) -> None:
    widget = make_widget()
    response = admin_client.post("/widget/secret/", follow=True)
    assert "There is a new secret." in response.content.decode()
    fresh = Widget.objects.get()
    assert fresh.identity_secret != widget.identity_secret
    assert fresh.key == widget.key
    assert AuditEntry.objects.get().verb == "widget.changed"
    assert admin_client.get("/widget/secret/").status_code == 405


def test_what_is_saved(admin_client: Client) -> None:
    make_widget()
    fields = {
        **GOOD,
        "title": " Northpine <b> ",
        "greeting": "",
        "require_identity": "on",
        "own_origin": "on",
        "origins": " https://Shop.Example:443/ \r\n\r\nhttp://localhost:3000\nhttps://shop.example\nhttp://[2001:DB8::1]:81",
    }
    response = admin_client.post("/widget/", fields, follow=True)
    assert "Saved." in response.content.decode()
    widget = Widget.objects.get()
    assert (widget.title, widget.greeting, widget.accent) == ("Northpine <b>", "", "#3f5bd8")
    assert (widget.ask_name, widget.ask_email, widget.require_identity) == (True, False, True)
    assert widget.allowed_origins == [
        OWN_ORIGIN,
        "https://shop.example",
        "http://localhost:3000",
        "http://[2001:db8::1]:81",
    ]
    assert may_embed(widget, "https://shop.example", "chat.example")
    assert not may_embed(widget, "https://other.example", "chat.example")
    page = admin_client.get("/widget/").content.decode()
    assert "Northpine &lt;b&gt;" in page
    assert ">\nhttps://shop.example\nhttp://localhost:3000\nhttp://[2001:db8::1]:81</textarea>" in page


def test_a_host_beyond_ascii_is_kept_as_browsers_send_it(admin_client: Client) -> None:
    make_widget()
    admin_client.post("/widget/", {**GOOD, "origins": "https://bücher.example"})
    assert Widget.objects.get().allowed_origins == ["https://xn--bcher-kva.example"]


@pytest.mark.parametrize(
    "origin",
    [
        "shop.example",
        "https://",
        "https://shop.example/path",
        "https://shop.example?x",
        "https://shop.example/#x",
        "https://user@shop.example",
        "ftp://shop.example",
        "javascript:alert(1)",
        "https://*.example",
        "https://shop.example:99999",
        "https://shop.example:0",
        "https://shop.example:x",
        "https://sh op.example",
        "https://[nonsense]",
        "https://-shop.example",
        "https://shop..example",
        "https://1.2.3",
        "null",
        "self",
        "*",
        "\n".join(f"https://s{n}.example" for n in range(51)),
    ],
)
def test_an_origin_that_is_none(admin_client: Client, origin: str) -> None:
    make_widget()
    response = admin_client.post("/widget/", {**GOOD, "origins": f"https://good.example\n{origin}"})
    assert response.status_code == 422
    page = response.content.decode()
    assert errors(page) == ["origins"]
    assert "https://good.example" in page
    assert Widget.objects.get().allowed_origins == ["http://site.example"]


def test_every_origin_that_is_none_is_named(admin_client: Client) -> None:
    make_widget()
    response = admin_client.post(
        "/widget/", {**GOOD, "origins": "https://good.example\nshop\n*\nftp://x.example\nshop"}
    )
    assert response.status_code == 422
    page = unescape(response.content.decode())
    found = re.search(r'<ul class="errorlist" id="id_origins_error".*?</ul>', page, re.DOTALL)
    assert found is not None
    assert found[0].count("<li>") == 3
    for wrong in ("“shop” is not", "“*” would let", "“ftp://x.example” is not"):
        assert found[0].count(wrong) == 1
    assert "good.example” is not" not in page


def test_what_is_wrong_is_said_at_the_top_with_links_to_the_fields(admin_client: Client) -> None:
    make_widget()
    assert "data-error-summary" not in admin_client.get("/widget/").content.decode()
    page = admin_client.post("/widget/", {**GOOD, "title": "", "origins": "shop"}).content.decode()
    found = re.search(r"<div[^>]*data-error-summary.*?</div>", page, re.DOTALL)
    assert found is not None
    assert 'tabindex="-1" autofocus' in found[0]
    links = re.findall(r'<a href="#(\w+)">([^<]+)</a>', found[0])
    assert links == [("id_title", "Title"), ("id_origins", "Allowed origins")]
    assert all(f'id="{name}"' in page for name, _ in links)
    assert page.index(found[0]) < page.index('id="id_title"')


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "x" * 61),
        ("title", "a\nb"),
        ("greeting", "x" * 301),
        ("accent", "red"),
        ("accent", "#3f5bd8;}"),
        ("accent", ""),
        ("away", "x" * 121),
        ("away", "a\u2028b"),
        ("side", ""),
        ("side", "top"),
        ("collect", "network' OR 1=1"),
        ("collect", "everything"),
    ],
)
def test_what_is_wrong_is_said_by_its_field(admin_client: Client, field: str, value: str) -> None:
    widget = make_widget()
    response = admin_client.post("/widget/", {**GOOD, field: value})
    assert response.status_code == 422
    page = response.content.decode()
    assert errors(page) == [field]
    assert 'aria-invalid="true"' in page
    assert Widget.objects.get().title == widget.title


def test_text_while_away_and_corner(admin_client: Client) -> None:
    make_widget()
    admin_client.post("/widget/", {**GOOD, "away": " Back on Monday <b> ", "side": "left"})
    widget = Widget.objects.get()
    assert (widget.away, widget.side) == ("Back on Monday <b>", "left")
    page = admin_client.get("/widget/").content.decode()
    assert 'value="Back on Monday &lt;b&gt;"' in page
    assert '<option value="left" selected>' in page


def test_what_to_collect_is_ticked(admin_client: Client) -> None:
    """Everything at first; an empty form means nothing, for what isn't ticked isn't sent."""
    make_widget()
    assert Widget.objects.get().collect == list(COLLECTABLE) == Collected.values
    assert ticked(admin_client) == Collected.values
    admin_client.post("/widget/", {**GOOD, "collect": ["device", "referrer", "device"]})
    assert Widget.objects.get().collect == ["referrer", "device"]
    assert ticked(admin_client) == ["referrer", "device"]
    admin_client.post("/widget/", GOOD)
    assert Widget.objects.get().collect == []
    assert ticked(admin_client) == []
    assert AuditEntry.objects.latest("pk").detail["fields"] == ["collect"]


def ticked(client: Client) -> list[str]:
    page = client.get("/widget/").content.decode()
    boxes = re.findall(r'<input type="checkbox" name="collect" value="(\w+)"([^>]*)>', page)
    assert [name for name, _ in boxes] == Collected.values
    return [name for name, rest in boxes if "checked" in rest]


@pytest.mark.parametrize("mail_on", [True, False])
@pytest.mark.parametrize("public_url", ["https://chat.example", ""])
@pytest.mark.parametrize("wanted", [True, False])
def test_mail_is_promised_where_there_is_some(
    settings: Settings, db: None, mail_on: bool, public_url: str, wanted: bool
) -> None:
    settings.MAIL_ON, settings.PUBLIC_URL = mail_on, public_url
    promised = appearance(make_widget(mail_replies=wanted))["mail"]
    assert promised is (mail_on and bool(public_url) and wanted)


def test_mailing_unread_replies_is_off_until_it_is_ticked(admin_client: Client) -> None:
    make_widget()
    box = re.compile(r'<input type="checkbox" name="mail_replies"([^>]*)>')
    for fields, on in (({}, False), ({"mail_replies": "on"}, True), ({}, False)):
        admin_client.post("/widget/", {**GOOD, **fields})
        assert Widget.objects.get().mail_replies is on
        found = box.search(admin_client.get("/widget/").content.decode())
        assert found is not None
        assert ("checked" in found[1]) is on
    assert AuditEntry.objects.latest("pk").detail["fields"] == ["mail_replies"]


@pytest.mark.parametrize(
    ("mail_on", "public_url", "missing"),
    [
        (True, "https://chat.example", None),
        (False, "https://chat.example", "EMAIL_URL"),
        (True, "", "PUBLIC_URL"),
        (False, "", "EMAIL_URL PUBLIC_URL"),
    ],
)
def test_it_says_which_settings_mail_is_waiting_for(
    admin_client: Client, settings: Settings, mail_on: bool, public_url: str, missing: str | None
) -> None:
    settings.MAIL_ON, settings.PUBLIC_URL = mail_on, public_url
    make_widget(mail_replies=True)
    page = admin_client.get("/widget/").content.decode()
    found = re.search(r'data-mail-missing="([^"]*)"(.*?)</div>', page, re.DOTALL)
    assert (found[1] if found else None) == missing
    for name in ("EMAIL_URL", "PUBLIC_URL"):
        assert (name in (found[2] if found else "")) is (name in (missing or ""))


def test_a_clean_installation_has_one_to_set_up(admin_client: Client) -> None:
    assert admin_client.get("/widget/").status_code == 200
    assert Widget.objects.count() == 1


def test_what_the_environment_allows_is_shown(admin_client: Client, settings: Settings) -> None:
    settings.WIDGET_ORIGINS = ["https://www.example"]
    widget = make_widget()
    assert "https://www.example" in admin_client.get("/widget/").content.decode()
    assert may_embed(widget, "https://www.example", "chat.example")
