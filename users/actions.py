"""What staff do to a person's record. Each action locks the row, refuses the erased, leaves its audit line and
announces what changed; one that changes nothing leaves and announces nothing."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from chatadmin.lib.bus import Event, announce
from chatadmin.lib.tokens import folded
from staff import audit
from staff.models import Account
from users.models import NAME_CHARS, ChatUser, Note, Tag, Tagging
from users.text import EMAIL_CHARS

TAGS_PER_PERSON = 50


class Gone(LookupError):
    """The person was erased, or never was."""


class TooManyTags(ValueError):
    """The person has TAGS_PER_PERSON tags already."""


class Held(PermissionError):
    """The person is under a legal hold: nothing that is written about them may go."""


class NotYours(PermissionError):
    """Somebody else wrote that note."""


def _locked(chat_user_id: int) -> ChatUser:
    person = ChatUser.objects.select_for_update().filter(pk=chat_user_id, erased_at=None).first()
    if person is None:
        raise Gone
    return person


def _changed(person: ChatUser, *fields: str) -> None:
    announce(Event("user.changed", str(person.uuid), {"fields": list(fields)}))


def correct_details(*, chat_user_id: int, name: str, email: str, actor: Account) -> list[str]:
    """Sets name and e-mail address, "" clearing either. Returns the fields that changed. Raises Gone."""
    with transaction.atomic():
        person = _locked(chat_user_id)
        changed = [
            field for field, value in (("name", name), ("email", email)) if getattr(person, field) != value
        ]
        if not changed:
            return []
        person.name, person.name_folded = name, folded(name, 4 * NAME_CHARS)
        person.email, person.email_folded = email, folded(email, 4 * EMAIL_CHARS)
        known = person.identified_at or timezone.now()
        person.identified_at = None if person.is_anonymous else known
        if "email" in changed:  # what the wrong address refused may go to the right one at once
            person.mail_again_at = None
        person.save(
            update_fields=["name", "name_folded", "email", "email_folded", "identified_at", "mail_again_at"]
        )
        audit.record(actor=actor, verb="user.edited", person=person.uuid, detail={"fields": changed})
        _changed(person, *changed)
    return changed


def set_vip(*, chat_user_id: int, vip: bool, actor: Account, reason: str | None = None) -> bool:
    """Marks a person as VIP, or not. `reason` says why: None leaves it, "" clears it, and it goes with the mark.

    Returns whether that changed anything. Raises Gone.
    """
    with transaction.atomic():
        person = _locked(chat_user_id)
        was, had = person.is_vip, person.vip_reason or None
        person.is_vip = vip
        person.vip_reason = ((had if reason is None else reason) or None) if vip else None
        if (person.is_vip, person.vip_reason) == (was, had):
            return False
        person.save(update_fields=["is_vip", "vip_reason"])
        # Not the words: they may name somebody.
        verb = "user.vip_reason" if was == vip else "user.vip_on" if vip else "user.vip_off"
        audit.record(actor=actor, verb=verb, person=person.uuid)
        _changed(person, "vip")
    return True


def set_blocked(*, chat_user_id: int, blocked: bool, actor: Account) -> ChatUser | None:
    """Blocks a person or lets them write again. Returns the locked row where that changed it. Raises Gone."""
    with transaction.atomic():
        person = _locked(chat_user_id)
        if (person.blocked_at is not None) == blocked:
            return None
        person.blocked_at = timezone.now() if blocked else None
        person.save(update_fields=["blocked_at"])
        audit.record(actor=actor, verb="user.blocked" if blocked else "user.unblocked", person=person.uuid)
        _changed(person, "blocked")
    return person


def add_tag(*, chat_user_id: int, name: str, actor: Account) -> Tag:
    """Puts a tag on a person, making it where there is none of that name (by folded form).

    Raises Gone, TooManyTags.
    """
    with transaction.atomic():
        person = _locked(chat_user_id)
        # Locked: a tag that is being deleted at this moment must not be put on anybody any more.
        standing = Tag.objects.select_for_update(no_key=True)
        tag, _ = standing.get_or_create(name_folded=folded(name), defaults={"name": name})
        if person.taggings.filter(tag=tag).exists():
            return tag
        if person.taggings.count() >= TAGS_PER_PERSON:
            raise TooManyTags
        Tagging.objects.create(chat_user=person, tag=tag)
        audit.record(actor=actor, verb="user.tagged", person=person.uuid, detail={"tag": tag.pk})
        _changed(person, "tags")
    return tag


def remove_tag(*, chat_user_id: int, name: str, actor: Account) -> bool:
    """Takes the tag of that name off a person. Returns whether it was there. Raises Gone."""
    with transaction.atomic():
        person = _locked(chat_user_id)
        tagging = person.taggings.filter(tag__name_folded=folded(name)).first()
        if tagging is None:
            return False
        tagging.delete()
        audit.record(actor=actor, verb="user.untagged", person=person.uuid, detail={"tag": tagging.tag_id})
        _changed(person, "tags")
    return True


def add_note(*, chat_user_id: int, body: str, actor: Account) -> Note:
    """Writes down an internal note. Raises Gone."""
    with transaction.atomic():
        person = _locked(chat_user_id)
        note = Note.objects.create(chat_user=person, author=actor, author_name=actor.display_name, body=body)
        audit.record(actor=actor, verb="note.added", person=person.uuid, detail={"note": note.pk})
        _changed(person, "notes")
    return note


def delete_note(*, chat_user_id: int, note_id: int, actor: Account) -> None:
    """Deletes a note of one's own. Raises Gone, Note.DoesNotExist, NotYours, Held."""
    with transaction.atomic():
        person = _locked(chat_user_id)
        note = Note.objects.get(pk=note_id, chat_user=person)
        if note.author_id != actor.pk:
            raise NotYours
        if person.held_at is not None:
            raise Held
        note.delete()
        audit.record(actor=actor, verb="note.deleted", person=person.uuid, detail={"note": note_id})
        _changed(person, "notes")
