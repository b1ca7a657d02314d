"""`manage.py erase_user UUID --reason CODE [--ticket REF]`: the same erasure as the button."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.management.base import CommandError, CommandParser

from exports import approvals, erasure, ledger
from exports.models import Erasure, Reason
from exports.waiting import until_finished
from staff.commands import AuditedCommand
from users.models import ChatUser


class Command(AuditedCommand):
    help = "Erases a person for good and waits until it is done. There is no question: it can't be undone."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("uuid", type=uuid.UUID, metavar="UUID")
        parser.add_argument("--reason", required=True, choices=Reason.values)
        parser.add_argument("--ticket", default="", help="at most 40 letters, digits and dashes")

    def handle(self, *args: Any, **options: Any) -> None:
        asked = _file(options["uuid"], options["reason"], options["ticket"])
        filed = asked.erasure
        if asked.waits:
            raise CommandError(f"It waits for a second admin, on /erasures/{filed}/.", returncode=3)
        if not until_finished([filed]):
            raise CommandError(f"Erasure {filed} isn't finished yet: the server goes on with it.")
        done = Erasure.objects.get(pk=filed)
        rows = sum(done.counts.values())
        self.stdout.write(f"Erased for good: {rows} rows. Receipt: /erasures/{filed}/receipt/")
        if done.mentioned:
            self.stdout.write(f"{done.mentioned} messages of other people still name them.")
        left = sum(count or 0 for count in (done.checked or {}).values())
        if left:
            raise CommandError(f"Something of the person is left in {left} places: see /erasures/{filed}/.")


def _file(person: uuid.UUID, reason: str, ticket: str) -> approvals.Filed:
    try:
        return approvals.file(chat_user_uuid=person, actor=None, reason=reason, ticket=ticket)
    except ChatUser.DoesNotExist:
        raise CommandError("There is no person with this id.") from None
    except erasure.Held:
        raise CommandError("A legal hold keeps this person: nothing was erased.") from None
    except ledger.Unwritable as error:
        raise CommandError(f"The ledger can't be written, so nothing was erased. {error}") from None
    except ValueError:
        raise CommandError("--ticket takes at most 40 letters, digits and dashes.") from None
