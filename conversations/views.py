"""The profile's tabs about what was said and done, and what staff post from them."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from conversations import actions, blocking, queries
from conversations.forms import HistoryForm, ReplyForm, StatusForm
from conversations.history import history
from conversations.models import Conversation, Message, Sender
from conversations.sessions import ORDER as SESSION_ORDER
from conversations.sessions import sessions as sessions_of
from conversations.timeline import ORDER as TIMELINE_ORDER
from conversations.timeline import timeline
from conversations.writer import send
from staff.access import account_of, requires
from users.forms import BlockForm, CursorForm
from users.frame import UNPROCESSABLE, of_person, page_of, refused_page, unkept
from users.models import ChatUser


def is_fragment(request: HttpRequest) -> bool:
    """Whether a page asks for a part of itself."""
    return request.headers.get("HX-Request") == "true"


def part_or_page(
    request: HttpRequest, chat_user: ChatUser, names: tuple[str, str], context: dict[str, Any], *, tab: str
) -> HttpResponse:
    """The part that goes on a page that is open already, else the whole page; `names` are their templates."""
    part, whole = names
    if is_fragment(request):
        response = unkept(render(request, part, {**context, "chat_user": chat_user}))
    else:
        response = page_of(request, chat_user, whole, context, tab=tab)
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_safe
@of_person("users.view")
def conversations(request: HttpRequest, chat_user: ChatUser) -> HttpResponse:
    """What was said in all conversations, and the reply."""
    form = HistoryForm(request.GET)
    part = form.part()
    shown = history(chat_user, **part)
    context: dict[str, Any] = {"form": form}
    if is_fragment(request):
        # The page that this part goes on has what lies on the other side.
        context["history"] = replace(shown, older=None) if part["newer"] else replace(shown, newer=None)
    else:
        context |= {"history": shown, **talk_context(chat_user)}
    names = ("conversations/history_part.html", "conversations/history.html")
    return part_or_page(request, chat_user, names, context, tab="conversations")


def talk_context(chat_user: ChatUser, reply_form: ReplyForm | None = None) -> dict[str, Any]:
    """What stands around the history: the conversation's status and the reply, with a fresh id for it."""
    return {
        "conversation": queries.latest_conversation(chat_user),
        "reply_form": reply_form or ReplyForm(),
        "client_id": uuid.uuid4(),
    }


@require_safe
@of_person("users.view")
def activity(request: HttpRequest, chat_user: ChatUser) -> HttpResponse:
    """What the person did and when."""
    form = CursorForm(request.GET, order=TIMELINE_ORDER)
    after = form.edges()["after"]
    context = {"timeline": timeline(chat_user, after=after), "form": form, "is_newest": after is None}
    names = ("conversations/activity_part.html", "conversations/activity.html")
    return part_or_page(request, chat_user, names, context, tab="activity")


@require_safe
@of_person("users.view")
def sessions(request: HttpRequest, chat_user: ChatUser) -> HttpResponse:
    """The person's visits."""
    form = CursorForm(request.GET, order=SESSION_ORDER)
    context = {"page": sessions_of(chat_user, **form.edges()), "form": form}
    return page_of(request, chat_user, "conversations/sessions.html", context, tab="sessions")


@require_POST
@of_person("users.reply")
def reply(request: HttpRequest, chat_user: ChatUser) -> HttpResponse:
    """Says something to the person: once, however often the same form is posted."""
    form = ReplyForm(request.POST)
    message = said(chat_user, form, request) if form.is_valid() else None
    if is_fragment(request):
        answer = {"chat_user": chat_user, "message": message, "reply_form": form}
        response = render(request, "conversations/reply_answer.html", answer)
        response.status_code = 200 if message else UNPROCESSABLE
        return unkept(response)
    if message is not None:
        return redirect(chat_user)
    context = {"history": history(chat_user), "form": HistoryForm({}), **talk_context(chat_user, form)}
    return page_of(
        request, chat_user, "conversations/history.html", context, tab="conversations", status=UNPROCESSABLE
    )


def said(chat_user: ChatUser, form: ReplyForm, request: HttpRequest) -> Message | None:
    """The stored message; None where it can't be said, and the form says why. Raises Http404."""
    if chat_user.blocked_at is not None:
        form.add_error("body", _("This person is blocked: unblock them to reply."))
        return None
    item = actions.NewMessage(
        chat_user_id=chat_user.pk,
        sender=Sender.STAFF,
        body=form.cleaned_data["body"],
        client_id=form.cleaned_data["client_id"],
        author=account_of(request),
    )
    try:
        stored = send(item)
    except actions.Gone as error:
        raise Http404 from error
    if stored.message.body != item.body:
        # The browser's "back" shows a form that was sent: what is in it now must not be taken for a repeat.
        form.add_error(
            "body", _("The text before this one was sent already. Send again to send this one too.")
        )
        return None
    return stored.message


@require_POST
@of_person("users.block")
def block(request: HttpRequest, chat_user: ChatUser) -> HttpResponse:
    """Blocks a person or lets them write again."""
    form = BlockForm(request.POST)
    if not form.is_valid():
        return refused_page(request, chat_user, form, title=_("Block"), button=_("Save"), fields=("blocked",))
    wanted = form.cleaned_data["blocked"] or ("no" if chat_user.blocked_at else "yes")
    blocked = wanted == "yes"
    blocking.set_blocked(chat_user_id=chat_user.pk, blocked=blocked, actor=account_of(request))
    return redirect(chat_user)


@require_POST
@requires("users.reply")
def status(request: HttpRequest, conversation: int) -> HttpResponse:
    """Closes a conversation or opens it again."""
    form = StatusForm(request.POST)
    found = (
        Conversation.objects.filter(pk=conversation, chat_user__erased_at=None)
        .select_related("chat_user")
        .first()
    )
    if found is None:
        raise Http404
    if not form.is_valid():
        return refused_page(
            request, found.chat_user, form, title=_("Conversation"), button=_("Save"), fields=("status",)
        )
    try:
        actions.set_status(
            conversation_id=found.pk, status=form.cleaned_data["status"], actor=account_of(request)
        )
    except (actions.Gone, Conversation.DoesNotExist) as error:
        raise Http404 from error
    return redirect(found.chat_user)
