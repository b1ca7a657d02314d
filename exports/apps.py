from django.apps import AppConfig
from django.core import checks


class ExportsConfig(AppConfig):
    name = "exports"

    def ready(self) -> None:
        from exports.checks import every_personal_table_is_declared

        checks.register(every_personal_table_is_declared, checks.Tags.models)
