"""What `manage.py check` says of the register."""

from __future__ import annotations

from collections.abc import Sequence

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error

from exports.register import undeclared
from exports.unregistered import unlisted


def every_personal_table_is_declared(
    app_configs: Sequence[AppConfig] | None, **kwargs: object
) -> list[CheckMessage]:
    """An error for each table that holds something of a person and is not in the register, and for each of which
    nobody has said whether it does."""
    models = apps.get_models(include_auto_created=True)
    found = undeclared(models)
    unsaid: list[CheckMessage] = [
        Error(
            f"{model._meta.label} is neither in the personal-data register nor beside it.",
            hint="Declare it in exports/register.py, or say in exports/unregistered.py why no erasure deletes its rows.",
            obj=model,
            id="exports.E002",
        )
        for model in unlisted(models)
        if model not in found
    ]
    return unsaid + [
        Error(
            f"{model._meta.label} reaches a person and is not in the personal-data register.",
            hint="Declare it in exports/register.py: else it is neither exported nor erased.",
            obj=model,
            id="exports.E001",
        )
        for model in found
    ]
