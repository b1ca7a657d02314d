"""What management commands that leave lines in the audit log are made of."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from staff.audit_sealing import seal_now


class AuditedCommand(BaseCommand):
    """A command that seals the audit log as it ends, however it ends: where no server runs, nobody else does, and a
    line that isn't sealed can be taken out unseen."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Runs the command. Raises what it raises."""
        try:
            return super().execute(*args, **options)
        finally:
            seal_now()
