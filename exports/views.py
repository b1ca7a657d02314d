"""The pages of one person's data rights: hand over everything, delete for good."""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib import messages
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.cache import cache
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    QueryDict,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from exports import approvals, erasure, keeping, ledger, queries
from exports.download import as_download
from exports.export_progress import BEGUN, key_of, progress_of, watched
from exports.export_queries import exports_with
from exports.forms import DeleteForm, ExportForm, TokenForm, confirm_word
from exports.holds import holds_about
from exports.matters import matters_of
from exports.mentions import mentions_of
from exports.request_forms import DeletePrefill
from exports.stream import Form, LeaveOut, export
from staff import audit
from staff.access import account_of
from staff.policy import erasure_needs_second
from users.frame import of_person, page_of, unkept
from users.models import ChatUser
from users.queries import people

MENTIONS_SHOWN = 3


@require_http_methods(["GET", "HEAD", "POST"])
@of_person("users.export")
def export_person(request: HttpRequest, person: ChatUser) -> HttpResponseBase:
    """GET: what an export holds, and its forms. POST `?format=json|csv`: the file, as it is read."""
    if request.method != "POST":
        return _export_page(request, person, ExportForm(), status=200)
    form = ExportForm(_asked(request))
    if not form.is_valid():
        return _export_page(request, person, form, status=400)
    chosen, left_out = Form(form.cleaned_data["format"]), sorted(form.cleaned_data["leave_out"])
    detail = {"format": chosen.value} | ({"left_out": left_out} if left_out else {})
    audit.record(actor=account_of(request), verb="user.exported", person=person.uuid, detail=detail)
    file = export(person, chosen, [LeaveOut(part) for part in left_out])
    token = TokenForm(request.POST).given()
    return as_download(request, watched(file, key_of(account_of(request), person, token)) if token else file)


@require_safe
@of_person("users.export")
def download_progress(request: HttpRequest, person: ChatUser) -> HttpResponse:
    """GET `?token=`: how far the download is that was asked for from the page of that token."""
    token = TokenForm(request.GET).given()
    key = key_of(account_of(request), person, token)
    found = progress_of(key) if token else None
    total = cache.get_or_set(f"{key}:rows", lambda: queries.amounts_about(person).rows, 600) if found else 0
    context = {
        "rows": found.rows if found else 0,
        "state": found.state if found else "",
        "total": max(total or 0, found.rows if found else 0),
        "is_moving": bool(token) and (found is None or found.state == BEGUN),
        "address": request.get_full_path(),
    }
    return unkept(render(request, "exports/download_progress.html", context))


@require_safe
@of_person("users.view")
def data(request: HttpRequest, person: ChatUser) -> HttpResponse:
    """The profile's tab of what is held: how much, which holds, which exports."""
    amounts = queries.amounts_about(person)
    account = account_of(request)
    context = {
        "amounts": amounts,
        "sizes": queries.sizes_about(person, amounts),
        "holds": holds_about(person),
        "goes": keeping.goes(person),
        "exports": exports_with(person, account) if account.can("users.export") else [],
    }
    return page_of(request, person, "exports/data.html", context, tab="data")


@require_http_methods(["GET", "HEAD", "POST"])
@of_person("users.erase")
def delete_person(request: HttpRequest, person: ChatUser) -> HttpResponseBase:
    """GET: what goes, in numbers, and the word to type. POST `confirm`, `reason`, `ticket`: it goes."""
    amounts = queries.amounts_about(person)
    if request.method != "POST":
        known = DeletePrefill(request.GET).known()
        form = DeleteForm(person=person, messages=amounts.messages, known=known)
        return _delete_page(request, person, amounts, form)
    form = DeleteForm(request.POST, person=person, messages=amounts.messages)
    if not form.is_valid():
        return _delete_page(request, person, amounts, form)
    given = {name: form.cleaned_data[name] for name in ("reason", "ticket")}
    try:
        if erasure_needs_second() or not queries.goes_at_once(person):
            filed = approvals.file(chat_user_uuid=person.uuid, actor=account_of(request), **given)
            if not filed.is_new:
                messages.info(
                    request, _("Their deletion was asked for before, and waits. Yours was not added.")
                )
            return HttpResponseRedirect(f"/erasures/{filed.erasure}/")
        result = erasure.erase(chat_user_uuid=person.uuid, actor=account_of(request), **given)
    except erasure.Held:
        return _delete_page(request, ChatUser.objects.get(pk=person.pk), amounts, form)
    except ledger.Unwritable:
        form.add_error(None, _("The ledger of erasures can't be written, so nothing was deleted."))
        return _delete_page(request, person, amounts, form)
    except ChatUser.DoesNotExist as error:
        raise Http404 from error
    messages.success(request, _gone(result, amounts.notices))
    return HttpResponseRedirect("/users/")


def _asked(request: HttpRequest) -> QueryDict:
    """The address's parameters go before those of the body."""
    asked = request.POST.copy()
    for name in ("format", "leave_out"):
        if request.GET.getlist(name):
            asked.setlist(name, request.GET.getlist(name))
    return asked


def _export_page(request: HttpRequest, person: ChatUser, form: ExportForm, *, status: int) -> HttpResponse:
    amounts = queries.amounts_about(person)
    context = {
        "form": form,
        "person": people([person])[0],
        "amounts": amounts,
        "sizes": queries.sizes_about(person, amounts),
        "formats": list(Form),
        "token": secrets.token_hex(8),
    }
    return unkept(render(request, "exports/export.html", context, status=status))


def _delete_page(
    request: HttpRequest, person: ChatUser, amounts: queries.Amounts, form: DeleteForm
) -> HttpResponse:
    found, is_held = matters_of(person), person.held_at is not None
    context: dict[str, Any] = {
        "form": form,
        "waiting": found.waiting,
        "claims": found.claims,
        "joined": found.joined,
        "person": people([person])[0],
        "amounts": amounts,
        "word": confirm_word(person, amounts.messages),
        "backups_until": queries.backups_until(),
        "needs_second": erasure_needs_second(),
        "mentions": None if is_held else mentions_of(person, size=MENTIONS_SHOWN),
    }
    return unkept(render(request, "exports/delete.html", context))


def _gone(result: erasure.ErasureResult, notices: int) -> str:
    """What went, in numbers as the question named them and without a name, with a link to the erasure."""
    counts = result.counts
    conversations, rows, visits = (counts.get(name, 0) for name in ("conversations", "messages", "visits"))
    said = rows - min(notices, rows)
    parts = [
        ngettext("{n} conversation", "{n} conversations", conversations).format(n=intcomma(conversations)),
        ngettext("{n} message", "{n} messages", said).format(n=intcomma(said)),
        ngettext("{n} visit", "{n} visits", visits).format(n=intcomma(visits)),
    ]
    words = _("Deleted for good: one person, with {what}.").format(what=", ".join(parts))
    link = reverse("erasure", args=[result.erasure])
    return format_html('{} <a href="{}">{}</a>', words, link, _("The erasure and its receipt"))
