"""SQL in migrations that the two databases each need in their own words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def statements(*, postgresql: Sequence[str], sqlite: Sequence[str]) -> Callable[[Any, Any], None]:
    """What RunPython calls: runs the statements of the database that is migrated, in order."""

    def run(apps: Any, schema_editor: Any) -> None:
        for statement in postgresql if schema_editor.connection.vendor == "postgresql" else sqlite:
            schema_editor.execute(statement)

    return run
