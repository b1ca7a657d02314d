"""The pages of retention: the rules, one of them with its forecast, and when a person's data goes."""

from __future__ import annotations

import datetime as dt
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from chatadmin.lib.paging import Order, page
from exports import keeping, retention
from exports.models import Hold
from exports.plot import plot
from exports.retention_forecast import forecast
from exports.retention_forms import ON, REMOVE, RuleForm, SwitchForm
from exports.retention_models import RetentionRule, RetentionRun
from staff.access import account_of, requires
from staff.policy import WaitsForSecond
from users.forms import CursorForm
from users.frame import of_person, unkept
from users.models import ChatUser

RUNS = 20
RUN_ORDER = Order("started_at", descending=True, value_type=dt.datetime)
MOST_HOLDS = 1_000


@require_http_methods(["GET", "HEAD", "POST"])
@requires("retention.manage")
def rules(request: HttpRequest) -> HttpResponse:
    """GET: the rules, and what ran lately. POST `whose`, `what`, `amount`, `unit`: a new one, switched off."""
    if request.method != "POST":
        return _rules_page(request, RuleForm(), HTTPStatus.OK)
    form = RuleForm(request.POST)
    if form.is_valid():
        try:
            rule = retention.add_rule(actor=account_of(request), **form.cleaned_data)
        except retention.Doubled:
            form.add_error("what", _("There is such a rule already. Remove it first."))
        else:
            return redirect("retention_rule", rule=rule.pk)
    return _rules_page(request, form, HTTPStatus.UNPROCESSABLE_ENTITY)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("retention.manage")
def rule(request: HttpRequest, rule: int) -> HttpResponse:
    """GET: a rule and its forecast. POST `do=on|off|remove`."""
    found = RetentionRule.objects.filter(pk=rule).first()
    if found is None:
        raise Http404
    form = SwitchForm(request.POST) if request.method == "POST" else SwitchForm()
    if form.is_valid() and _switched(request, found, form):
        return redirect("retention")
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    expected = forecast(found)
    context = {"rule": found, "form": form, "forecast": expected, "plot": plot(expected.months)}
    return render(request, "exports/retention_rule.html", context, status=status)


def _switched(request: HttpRequest, rule: RetentionRule, form: SwitchForm) -> bool:
    do, actor = form.cleaned_data["do"], account_of(request)
    try:
        if do == REMOVE:
            retention.remove_rule(rule_id=rule.pk, actor=actor)
            messages.success(request, _("The rule is removed."))
        elif retention.switch_rule(rule_id=rule.pk, on=do == ON, actor=actor):
            said = _("The rule is on: it runs within ten minutes, then once a day.")
            messages.success(
                request, said if do == ON else _("The rule is off: nothing goes by it any more.")
            )
    except WaitsForSecond:
        messages.warning(
            request, _("It stays off until a second admin switches it on: deleting somebody needs two.")
        )
    except retention.IsOn:
        form.add_error("do", _("Switch the rule off first."))
    except RetentionRule.DoesNotExist as error:
        raise Http404 from error
    return form.is_valid()


def _rules_page(request: HttpRequest, form: RuleForm, status: int) -> HttpResponse:
    cursors = CursorForm(request.GET, order=RUN_ORDER)
    edges = cursors.edges()
    ran = RetentionRun.objects.select_related("rule")
    runs = page(ran, RUN_ORDER, size=RUNS, after=edges["after"], before=edges["before"])
    held = Hold.objects.filter(lifted_at=None)[:MOST_HOLDS].count()
    context: dict[str, Any] = {
        "form": form,
        "cursors": cursors,
        "rules": RetentionRule.objects.order_by("what", "whose"),
        "runs": runs,
        "held": held,
        "held_and_more": held == MOST_HOLDS,
    }
    return render(request, "exports/retention.html", context, status=status)


@require_safe
@of_person("users.view")
def kept(request: HttpRequest, person: ChatUser) -> HttpResponse:
    """When this person's data goes: a page, or for the card of the profile one line of it."""
    is_part = request.headers.get("HX-Request") == "true"
    template = "exports/kept_line.html" if is_part else "exports/kept.html"
    context = {"chat_user": person, "goes": keeping.goes(person), "page": reverse("kept", args=[person.uuid])}
    return unkept(render(request, template, context))
