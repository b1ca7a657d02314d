"""Mounts the rooms' addresses."""

from django.urls import include, path

from chatadmin import api, health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("api/v1/", api.urls),
    path("", include("staff.urls")),
    path("", include("users.urls")),
    path("", include("conversations.urls")),
    path("", include("search.urls")),
    path("", include("widget.urls")),
    path("", include("live.urls")),
    path("", include("exports.urls")),
]
