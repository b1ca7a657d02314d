from django.apps import AppConfig
from django.core import checks


class ExportsConfig(AppConfig):
    name = "exports"

    def ready(self) -> None:
        from exports.checks import every_personal_table_is_declared
        from exports.collecting import Item
        from exports.models import HoldReason, Reason, Refusal
        from exports.retention_models import What, Whose
        from staff.audit_words import CODES

        for codes in (Reason, HoldReason, Refusal, What, Whose, Item):
            CODES.update(codes.choices)
        checks.register(every_personal_table_is_declared, checks.Tags.models)
