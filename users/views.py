"""The profile's own pages: who had access, notes, tags, VIP and the correction of details."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from staff.access import account_of
from staff.audit_words import lines
from users import actions, profile_queries
from users.forms import BackForm, CursorForm, DetailsForm, NoteForm, TagForm, VipForm
from users.frame import UNPROCESSABLE, of_person, page_of, refused_page, tab_address
from users.models import ChatUser, Note


def back(request: HttpRequest, chat_user: ChatUser) -> HttpResponse:
    """To the tab from which something was posted."""
    form = BackForm(request.POST)
    form.is_valid()
    return redirect(tab_address(chat_user, form.cleaned_data.get("tab", "")))


@require_safe
@of_person("users.view")
def access(request: HttpRequest, chat_user: ChatUser) -> HttpResponse:
    """Who looked, exported, changed."""
    form = CursorForm(request.GET, order=profile_queries.ENTRY_ORDER)
    page = profile_queries.entries_page(chat_user, **form.edges())
    context = {"page": page, "lines": lines(page.rows), "form": form}
    return page_of(request, chat_user, "users/access.html", context, tab="access")


@require_http_methods(["GET", "HEAD", "POST"])
@of_person("users.edit")
def edit(request: HttpRequest, chat_user: ChatUser) -> HttpResponse:
    """Corrects name and e-mail address."""
    if request.method != "POST":
        form = DetailsForm(chat_user=chat_user)
        return page_of(request, chat_user, "users/edit.html", {"form": form}, tab="")
    form = DetailsForm(request.POST, chat_user=chat_user)
    if not form.is_valid():
        return page_of(request, chat_user, "users/edit.html", {"form": form}, tab="", status=UNPROCESSABLE)
    actions.correct_details(chat_user_id=chat_user.pk, actor=account_of(request), **form.cleaned_data)
    return redirect(chat_user)


@require_POST
@of_person("users.organise")
def vip(request: HttpRequest, chat_user: ChatUser) -> HttpResponse:
    """Marks a person as VIP, with a reason or without, or not."""
    form = VipForm(request.POST)
    if not form.is_valid():
        shown = ("vip", "reason")
        return refused_page(request, chat_user, form, title=_("VIP"), button=_("Save"), fields=shown)
    actions.set_vip(
        chat_user_id=chat_user.pk,
        vip=form.cleaned_data["vip"] == "yes",
        reason=form.cleaned_data["reason"],
        actor=account_of(request),
    )
    return back(request, chat_user)


@require_POST
@of_person("users.organise")
def tags(request: HttpRequest, chat_user: ChatUser) -> HttpResponse:
    """Puts a tag on a person, or takes one off."""
    form = TagForm(request.POST)
    if form.is_valid():
        _tag(request, chat_user, form)
    if form.errors:
        return refused_page(request, chat_user, form, title=_("Tags"), button=_("Add tag"), fields=("add",))
    return back(request, chat_user)


def _tag(request: HttpRequest, chat_user: ChatUser, form: TagForm) -> None:
    given, actor = form.cleaned_data, account_of(request)
    if given["remove"]:
        actions.remove_tag(chat_user_id=chat_user.pk, name=given["remove"], actor=actor)
        return
    try:
        actions.add_tag(chat_user_id=chat_user.pk, name=given["add"], actor=actor)
    except actions.TooManyTags:
        form.add_error(
            "add", _("Nobody can have more than %(most)d tags.") % {"most": actions.TAGS_PER_PERSON}
        )


@require_safe
@of_person("users.view")
def all_notes(request: HttpRequest, chat_user: ChatUser) -> HttpResponse:
    """Every note, newest first."""
    form = CursorForm(request.GET, order=profile_queries.NOTE_ORDER)
    page = profile_queries.notes_page(chat_user, **form.edges())
    return page_of(request, chat_user, "users/notes.html", {"page": page, "form": form}, tab="")


@of_person("users.organise")
def add_note(request: HttpRequest, chat_user: ChatUser) -> HttpResponse:
    """Adds a note."""
    form = NoteForm(request.POST)
    if not form.is_valid():
        return refused_page(request, chat_user, form, title=_("Note"), button=_("Add note"), fields=("body",))
    actions.add_note(chat_user_id=chat_user.pk, body=form.cleaned_data["body"], actor=account_of(request))
    return back(request, chat_user)


@require_http_methods(["GET", "HEAD", "POST"])
def notes(request: HttpRequest, **address: object) -> HttpResponseBase:
    """The notes' address: all of them, and a new one by POST."""
    return (add_note if request.method == "POST" else all_notes)(request, **address)


@require_POST
@of_person("users.organise")
def delete_note(request: HttpRequest, chat_user: ChatUser, note: int) -> HttpResponse:
    """Deletes a note of one's own."""
    try:
        actions.delete_note(chat_user_id=chat_user.pk, note_id=note, actor=account_of(request))
    except Note.DoesNotExist as error:
        raise Http404 from error
    except actions.NotYours as error:
        raise PermissionDenied from error
    except actions.Held:
        messages.error(request, _("A legal hold keeps this person's notes until it is lifted."))
    return back(request, chat_user)
