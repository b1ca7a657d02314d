"""Mounts the rooms' addresses."""

from django.urls import include, path

urlpatterns = [
    path("", include("staff.urls")),
    path("", include("users.urls")),
    path("", include("conversations.urls")),
    path("", include("search.urls")),
    path("", include("widget.urls")),
    path("", include("exports.urls")),
]
