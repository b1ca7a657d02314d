"""How a widget is set up."""

from __future__ import annotations

import ipaddress
import re
from typing import Any
from urllib.parse import urlsplit

import idna
from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from staff.forms import MarkedForm, one_line
from staff.models import OWN_ORIGIN, PageSide, Widget
from users.models import Collected

MAX_ORIGINS = 50
DEFAULT_PORTS = {"http": 80, "https": 443}
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


def origin_of(text: str) -> str:
    """`scheme://host[:port]` as browsers send it. Raises ValidationError with a sentence that names the line."""
    wrong = ValidationError(
        gettext("“%(line)s” is not an origin. Give scheme://host or scheme://host:port, without a path."),
        code="origin",
        params={"line": text[:80]},
    )
    try:
        parts = urlsplit(text.lower())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise wrong from None
    path = parts.path not in {"", "/"} or parts.query or parts.fragment or parts.username is not None
    if parts.scheme not in DEFAULT_PORTS or path or "?" in text or "#" in text or "@" in text:
        raise wrong
    host = _host(host)
    if not host or port == 0:
        raise wrong
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != DEFAULT_PORTS[parts.scheme] else "")


def _host(host: str) -> str:
    """The host as a browser writes it in an Origin header, or "" for what is none."""
    if ":" in host:
        try:
            return f"[{ipaddress.IPv6Address(host).compressed}]"
        except ValueError:
            return ""
    try:
        host = host if host.isascii() else idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        return ""
    labels = host.split(".")
    fits = len(host) <= 253 and all(_LABEL.fullmatch(label) for label in labels)
    if not fits:
        return ""
    if labels[-1].isdigit():
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            return ""
    return host


class OriginsField(forms.CharField):
    """Origins, one a line; a list of them in the form that browsers send, each once. Each line that is none is named."""

    widget = forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocapitalize": "off"})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        text = super().clean(value)
        lines = [line for line in (part.strip() for part in text.splitlines()) if line]
        if len(lines) > MAX_ORIGINS:
            raise ValidationError(gettext("Give 50 origins at most."), code="many")
        found: dict[str, None] = {}
        wrong: list[ValidationError] = []
        for line in dict.fromkeys(lines):
            try:
                found[_origin_in(line)] = None
            except ValidationError as error:
                wrong.append(error)
        if wrong:
            raise ValidationError(wrong)
        return list(found)


def _origin_in(line: str) -> str:
    if line == "*":
        raise ValidationError(
            gettext("“*” would let every site speak for yours. Name the sites, one a line."), code="star"
        )
    return origin_of(line)


class WidgetForm(MarkedForm):
    """What the widget says, asks, collects and allows."""

    title = forms.CharField(label=_("Title"), max_length=60, validators=[one_line])
    greeting = forms.CharField(
        label=_("Greeting"),
        max_length=300,
        required=False,
        validators=[one_line],
        help_text=_("The first line a visitor sees."),
    )
    away = forms.CharField(
        label=_("Text while nobody is here"),
        max_length=120,
        required=False,
        validators=[one_line],
        help_text=_(
            "Under the title, while nobody on the team has a page open. Left empty, the widget says when you'll answer."
        ),
    )
    accent = forms.RegexField(
        label=_("Accent colour"),
        regex=r"\A#[0-9a-fA-F]{6}\Z",
        error_messages={"invalid": _("Give a colour as # and six hexadecimal digits, like #3f5bd8.")},
        widget=forms.TextInput(attrs={"type": "color"}),
    )
    side = forms.ChoiceField(label=_("Corner of the page"), choices=PageSide.choices)
    ask_name = forms.BooleanField(label=_("Ask for a name"), required=False)
    ask_email = forms.BooleanField(label=_("Ask for an e-mail address"), required=False)
    mail_replies = forms.BooleanField(
        label=_("E-mail replies that stay unread"),
        required=False,
        help_text=_(
            "After ten minutes, to people who wrote and whose address is known: one e-mail an hour at most, with a"
            " link that stops them."
        ),
    )
    collect = forms.MultipleChoiceField(
        label=_("What to collect about visitors"),
        choices=[(item.value, capfirst(item.label)) for item in Collected],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_(
            "Besides what they write and which pages they open. What is not ticked is not stored from now on."
        ),
    )
    require_identity = forms.BooleanField(
        label=_("Require a signed identity"),
        required=False,
        help_text=_("Only visitors whom your site vouches for can chat."),
    )
    own_origin = forms.BooleanField(
        label=_("Allow the try-out page on this server"),
        required=False,
        help_text=_("The page /widget/demo/ shows the widget as a visitor sees it."),
    )
    origins = OriginsField(
        label=_("Allowed origins"),
        required=False,
        max_length=10_000,
        help_text=_("The sites that may embed the widget, one a line, like https://www.example.com."),
    )

    def __init__(self, *args: Any, widget: Widget, **kwargs: Any) -> None:
        initial = {name: getattr(widget, name) for name in self.base_fields if hasattr(widget, name)}
        initial["own_origin"] = OWN_ORIGIN in widget.allowed_origins
        initial["origins"] = [origin for origin in widget.allowed_origins if origin != OWN_ORIGIN]
        super().__init__(*args, initial=initial, **kwargs)

    def changes(self) -> dict[str, Any]:
        """The widget's fields as the form has them."""
        values = dict(self.cleaned_data)
        own, origins = values.pop("own_origin"), values.pop("origins")
        values["accent"] = values["accent"].lower()
        values["collect"] = [item for item in Collected.values if item in values["collect"]]
        return {**values, "allowed_origins": [*([OWN_ORIGIN] if own else []), *origins]}


class MailStopForm(forms.Form):
    """What to do with mails about replies; a mail program's one click says nothing, and stops."""

    action = forms.ChoiceField(choices=[("stop", "stop"), ("resume", "resume")], required=False)
