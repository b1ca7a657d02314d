"""The pages of the team's tags: all of them, one to change, and what a merge or a deletion would do."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from staff.access import account_of, requires
from users import tag_actions, tag_queries
from users.frame import UNPROCESSABLE
from users.models import Tag
from users.tag_forms import MergeForm, SuggestForm, TagEditForm, TagListForm

ViewOfTag = Callable[[HttpRequest, Tag], HttpResponse]


def of_tag(view: ViewOfTag) -> Callable[..., HttpResponse]:
    """A view of one standing tag, which it gets instead of the id; a tag that goes while it works is a 404 too."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @requires("users.organise")
    @functools.wraps(view)
    def found(request: HttpRequest, tag: int) -> HttpResponse:
        try:
            return view(request, get_object_or_404(Tag, pk=tag))
        except tag_actions.TagGone as error:
            raise Http404 from error

    return found


@require_http_methods(["GET", "HEAD", "POST"])
def tags(request: HttpRequest) -> HttpResponse:
    """The tags' address: all of them, and a new one by POST."""
    return create(request) if request.method == "POST" else all_tags(request)


@requires("users.view")
def all_tags(request: HttpRequest) -> HttpResponse:
    """Every tag, by name."""
    return _list_page(request, TagEditForm())


@requires("users.organise")
def create(request: HttpRequest) -> HttpResponse:
    """Makes a tag that nobody wears yet."""
    form = TagEditForm(request.POST)
    if form.is_valid():
        try:
            tag = tag_actions.create_tag(**form.cleaned_data, actor=account_of(request))
        except tag_actions.NameTaken as taken:
            form.add_error("name", _taken_text(taken.tag))
        else:
            messages.success(request, _("The tag “%(name)s” is made.") % {"name": tag.name})
            return redirect("/tags/")
    return _list_page(request, form, status=UNPROCESSABLE)


@of_tag
def change(request: HttpRequest, tag: Tag) -> HttpResponse:
    """Renames a tag and gives it a colour. For htmx the form alone, as a row of the list."""
    back = TagListForm(request.POST if request.method == "POST" else request.GET)
    context: dict[str, Any] = {"tag": tag, "back": back}
    if request.method != "POST":
        said = {"name": tag.name, "color": tag.color}
        # The list has a field for a new tag's name besides.
        form = context["form"] = TagEditForm(initial=said, auto_id=f"tag-{tag.pk}-%s")
        is_part = request.headers.get("HX-Request") == "true"
        if is_part:
            form.fields["name"].widget.attrs["autofocus"] = True
        response = render(request, "users/tags/edit_row.html" if is_part else "users/tags/edit.html", context)
        patch_vary_headers(response, ["HX-Request"])
        return response
    form = context["form"] = TagEditForm(request.POST)
    if form.is_valid():
        try:
            tag_actions.change_tag(tag_id=tag.pk, **form.cleaned_data, actor=account_of(request))
        except tag_actions.NameTaken as taken:
            form.add_error("name", _taken_text(taken.tag))
            context["taken"] = taken.tag
        else:
            return redirect(f"{back.address()}#tag-{tag.pk}")
    return render(request, "users/tags/edit.html", context, status=UNPROCESSABLE)


@of_tag
def merge(request: HttpRequest, tag: Tag) -> HttpResponse:
    """GET: into which one; with `into` what that does, in numbers. POST `into`: does it."""
    asked = request.POST if request.method == "POST" else request.GET
    form = MergeForm(asked if "into" in asked or request.method == "POST" else None, tag=tag)
    context: dict[str, Any] = {"tag": tag, "form": form, "offered": tag_queries.suggested("")}
    if form.is_valid():
        into: Tag = form.cleaned_data["into"]
        if request.method == "POST":
            try:
                done = tag_actions.merge_tag(tag_id=tag.pk, into_id=into.pk, actor=account_of(request))
            except tag_actions.TagBusy:
                form.add_error("into", _busy_text())
            else:
                said = _("“%(tag)s” is merged into “%(into)s”.") % {"tag": tag, "into": into}
                return _gone(request, said if done else "")
        context |= {"into": into, "moving": tag_queries.moving(tag, into)}
    status = UNPROCESSABLE if request.method == "POST" else 200
    return render(request, "users/tags/merge.html", context, status=status)


@of_tag
def delete(request: HttpRequest, tag: Tag) -> HttpResponse:
    """GET: how many lose it. POST: does it."""
    context: dict[str, Any] = {"tag": tag, "people": tag_queries.wearers(tag)}
    if request.method == "POST":
        try:
            done = tag_actions.delete_tag(tag_id=tag.pk, actor=account_of(request))
        except tag_actions.TagBusy:
            context["problem"] = _busy_text()
            return render(request, "users/tags/delete.html", context, status=UNPROCESSABLE)
        return _gone(request, _("“%(tag)s” is deleted.") % {"tag": tag} if done else "")
    return render(request, "users/tags/delete.html", context)


@requires("users.view")
@require_safe
def suggest(request: HttpRequest) -> HttpResponse:
    """The best few tags for what is typed so far, as the options of a list box."""
    form = SuggestForm(request.GET)
    found = tag_queries.suggested(form.cleaned_data["q"]) if form.is_valid() else []
    return render(request, "users/tags/suggested.html", {"tags": found})


def _list_page(request: HttpRequest, form: TagEditForm, *, status: int = 200) -> HttpResponse:
    asked = TagListForm(request.GET)
    edges = {name: asked.cleaned_data.get(name) for name in ("after", "before")}
    page = tag_queries.tags_page(asked.words, **edges)
    context = {
        "asked": asked,
        "form": form,
        "page": page,
        "older": asked.address(after=page.after) if page.after else "",
        "newer": asked.address(before=page.before) if page.before else "",
        "first": asked.address(after=None),
        "counted": tag_queries.COUNTED,
        "going": tag_queries.going(),
    }
    return render(request, "users/tags/list.html", context, status=status)


def _gone(request: HttpRequest, said: str) -> HttpResponse:
    """To the list, which says of itself what is still going on."""
    if said:
        messages.success(request, said)
    return redirect("/tags/")


def _taken_text(tag: Tag) -> str:
    return _("There is a tag “%(name)s” already.") % {"name": tag.name}


def _busy_text() -> str:
    return _("Another tag is still being merged into this one. Try again in a moment.")
