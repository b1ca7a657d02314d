"""What can happen to a widget: made, changed, given another identity secret."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction

from chatadmin.lib.bus import Event, announce
from staff import audit
from staff.models import OWN_ORIGIN, Account, Widget, new_identity_secret


def ensure_widget() -> Widget:
    """The first widget, made where there is none: for the product's own pages too in the demo.

    The sites that WIDGET_ORIGINS names may embed every widget, and are not copied into this one.
    """
    with transaction.atomic():
        widget = Widget.objects.order_by("pk").first()
        if widget is None:
            widget = Widget.objects.create(allowed_origins=[OWN_ORIGIN] if settings.DEMO else [])
    return widget


def change_widget(*, actor: Account, widget_id: int, changes: dict[str, Any]) -> Widget:
    """Sets the given fields to values that a form has checked. Raises Widget.DoesNotExist."""
    with transaction.atomic():
        widget = Widget.objects.select_for_update().get(pk=widget_id)
        changed = sorted(name for name, value in changes.items() if getattr(widget, name) != value)
        if changed:
            for name in changed:
                setattr(widget, name, changes[name])
            widget.save(update_fields=changed)
            audit.record(actor=actor, verb="widget.changed", detail={"widget": widget.pk, "fields": changed})
            announce(Event("widget.changed", data={"widget": widget.pk}))
    return widget


def renew_identity_secret(*, actor: Account, widget_id: int) -> Widget:
    """Makes a new secret; signatures made with the old one are refused from now on. Raises Widget.DoesNotExist."""
    return change_widget(actor=actor, widget_id=widget_id, changes={"identity_secret": new_identity_secret()})
