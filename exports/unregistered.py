"""Every table that isn't in the register, and why no erasure deletes its rows.

A relation shows that a table is about people; a column with a person's id or its hash doesn't. So each table of the
installation is in the register, beside it as not personal, or here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.db.models import Model

from exports.register import NOT_PERSONAL, REGISTER

# Tables that name people by a keyed hash only, so that they say nothing of somebody who is gone.
BY_HASH: Mapping[str, str] = {
    "staff.AuditEntry": "what was done, and by whom of the team, has to be provable afterwards; cut by its own period",
    "exports.Erasure": "what remains of an erasure; what it knows of the person goes when it ends",
    "exports.Hold": "that something was kept on purpose has to be provable afterwards",
    "exports.ExportedPerson": "goes with the file; an erasure deletes the file by it",
    "users.MailStop": "an address that wants no mail must get none after an erasure either",
}

# Tables that name nobody. Where somebody could write a name in, the residue check looks.
NOBODY: Mapping[str, str] = {
    "lib.Job": "numbers, codes and ids, for as long as it runs; looked through after an erasure",
    "search.SavedView": "words of the team's; looked through after an erasure",
    "search.MessageSpan": "between which times messages of anybody were sent",
    "sessions.Session": "of the team only; looked through after an erasure",
    "exports.Export": "numbers of rows while it is written, emptied at its end; goes with its file",
    "exports.RetentionRule": "a period",
    "exports.RetentionRun": "counts",
    "exports.PublishedPage": "a switch",
    "users.CollectSetting": "a switch",
    "staff.Widget": "a place where the chat is embedded",
    "staff.Policy": "a switch",
    "staff.Invitation": "somebody who is to be of the team",
    "staff.ApiKey": "a program",
    "staff.AuditChain": "the end of the audit log's chain",
    "staff.AuditCheckpoint": "the beginning of the audit log's chain",
    "account.EmailAddress": "an address of a member of staff",
    "account.EmailConfirmation": "an address of a member of staff",
    "auth.Permission": "a right",
    "auth.Group": "a set of rights",
    "auth.Group_permissions": "a set of rights",
    "contenttypes.ContentType": "the name of a table",
}


def unlisted(models: Collection[type[Model]]) -> list[type[Model]]:
    """Those of `models` of which nobody has said whether they hold anything of a person."""
    registered = {declared.model for declared in REGISTER} | NOT_PERSONAL.keys()
    labels = BY_HASH.keys() | NOBODY.keys()
    left = [
        model
        for model in models
        if not (model._meta.proxy or model in registered or model._meta.label in labels)
    ]
    return sorted(left, key=lambda model: model._meta.label)
