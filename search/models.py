"""Searches that staff keep as tabs of the user list."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from search.spans import MessageSpan

__all__ = ["MessageSpan", "SavedView"]

NAME_CHARS = 60
FOLDED_NAME_CHARS = 4 * NAME_CHARS
QUERY_CHARS = 8_000


class SavedView(models.Model):
    """A search with a name: a tab for its owner, or for the whole team where it is shared.

    `owner`: None for those that came with the installation. `query`: the list's canonical query string.
    No column leads to a chat user, but the words of a name or a query may name one: whoever erases a person
    has to look for what was known of them in these two columns as well.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    name = models.CharField(_("name"), max_length=NAME_CHARS)
    name_folded = models.CharField(max_length=FOLDED_NAME_CHARS)
    query = models.CharField(max_length=QUERY_CHARS)
    is_shared = models.BooleanField(default=False)
    position = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "name_folded"], name="savedview_own_name_once"),
            models.UniqueConstraint(
                fields=["name_folded"], condition=Q(is_shared=True), name="savedview_shared_name_once"
            ),
            models.CheckConstraint(
                condition=Q(is_shared=True) | Q(owner__isnull=False), name="savedview_is_somebodys"
            ),
            models.CheckConstraint(condition=~Q(query=""), name="savedview_looks_for_something"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"/users/?view={self.pk}"
