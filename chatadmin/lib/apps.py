from django.apps import AppConfig


class LibConfig(AppConfig):
    name = "chatadmin.lib"
    label = "lib"
