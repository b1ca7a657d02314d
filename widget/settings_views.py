"""The widget's set-up page."""

from __future__ import annotations

from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from conversations import mailing
from staff import actions
from staff.access import account_of, requires
from staff.models import Widget
from widget.forms import WidgetForm


@requires("widget.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def setup(request: HttpRequest) -> HttpResponse:
    """GET, POST /widget/: how to embed the widget, and what it says, asks and allows."""
    widget = actions.ensure_widget()
    if request.method != "POST":
        return _page(request, widget, WidgetForm(widget=widget))
    form = WidgetForm(request.POST, widget=widget)
    if not form.is_valid():
        return _page(request, widget, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    actions.change_widget(actor=account_of(request), widget_id=widget.pk, changes=form.changes())
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse("widget_setup"))


@requires("widget.manage")
@require_POST
def renew_secret(request: HttpRequest) -> HttpResponse:
    """POST /widget/secret/: a new identity secret."""
    widget = actions.ensure_widget()
    actions.renew_identity_secret(actor=account_of(request), widget_id=widget.pk)
    messages.success(request, _("There is a new secret. Give it to your site: the old one no longer signs."))
    return HttpResponseRedirect(reverse("widget_setup"))


def _page(
    request: HttpRequest, widget: Widget, form: WidgetForm, status: int = HTTPStatus.OK
) -> HttpResponse:
    context = {
        "widget": widget,
        "form": form,
        "script_url": request.build_absolute_uri(reverse("widget_script")),
        "always_allowed": settings.WIDGET_ORIGINS,
        "mail_missing": mailing.missing(),
    }
    return render(request, "widget/settings.html", context, status=status)
