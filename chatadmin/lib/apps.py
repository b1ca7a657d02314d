from django.apps import AppConfig


class LibConfig(AppConfig):
    name = "chatadmin.lib"
    label = "lib"

    def ready(self) -> None:
        from chatadmin.lib import log

        log.configure()
