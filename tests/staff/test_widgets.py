"""The first widget, and what can happen to it."""

import pytest
from pytest_django.fixtures import Settings

from chatadmin.lib.bus import Event
from staff import actions, queries
from staff.models import OWN_ORIGIN, Account, AuditEntry, Widget, new_widget_key
from tests.announcements import listen
from tests.factories import make_widget


def test_a_clean_installation_gets_one(db: None, settings: Settings) -> None:
    settings.DEMO = False
    first = actions.ensure_widget()
    assert first.allowed_origins == []
    assert actions.ensure_widget() == first
    assert Widget.objects.count() == 1
    assert queries.first_widget() == first
    assert len(first.identity_secret) == 64
    assert first.key not in first.identity_secret


def test_the_demo_s_may_be_tried_on_our_own_pages(db: None, settings: Settings) -> None:
    settings.DEMO = True
    assert actions.ensure_widget().allowed_origins == [OWN_ORIGIN]


def test_one_that_is_there_stays_as_it_is(db: None, settings: Settings) -> None:
    settings.DEMO = True
    widget = make_widget(title="Ours")
    assert actions.ensure_widget() == widget
    assert widget.allowed_origins == ["http://site.example"]


def test_a_change_is_audited_by_field_names(admin: Account) -> None:
    widget = make_widget(title="Before", greeting="Same")
    changes = {"title": "After words that nobody else should read", "greeting": "Same", "ask_name": False}
    changed = actions.change_widget(actor=admin, widget_id=widget.pk, changes=changes)
    widget.refresh_from_db()
    assert widget.title == changed.title == changes["title"]
    line = AuditEntry.objects.get()
    assert (line.actor, line.verb) == (admin, "widget.changed")
    assert line.detail == {"widget": widget.pk, "fields": ["ask_name", "title"]}


def test_a_change_is_announced_and_names_no_word_of_it(
    admin: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    widget = make_widget()
    heard = listen(monkeypatch)
    actions.change_widget(actor=admin, widget_id=widget.pk, changes={"title": "Another"})
    actions.renew_identity_secret(actor=admin, widget_id=widget.pk)
    assert heard == [Event("widget.changed", data={"widget": widget.pk})] * 2


def test_no_change_leaves_no_line(admin: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = make_widget()
    heard = listen(monkeypatch)
    actions.change_widget(actor=admin, widget_id=widget.pk, changes={"title": widget.title})
    assert not AuditEntry.objects.exists()
    assert heard == []


def test_a_new_secret_is_new_and_not_in_the_log(admin: Account) -> None:
    widget = make_widget()
    renewed = actions.renew_identity_secret(actor=admin, widget_id=widget.pk)
    assert renewed.identity_secret != widget.identity_secret
    assert len(renewed.identity_secret) == 64
    line = AuditEntry.objects.get()
    assert line.detail == {"widget": widget.pk, "fields": ["identity_secret"]}


def test_a_widget_that_is_not_there(admin: Account) -> None:
    with pytest.raises(Widget.DoesNotExist):
        actions.renew_identity_secret(actor=admin, widget_id=999_999)


def test_a_widgets_key_can_stand_after_an_option() -> None:
    """A key that began with a dash was taken for an option by the commands that are given one."""
    assert all(new_widget_key().isalnum() for _ in range(200))
