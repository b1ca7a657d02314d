"""The addresses of this room."""

from django.urls import URLPattern, path

from exports import hold_views, list_views, views

urlpatterns: list[URLPattern] = [
    path("exports/list/", list_views.export, name="export_list"),
    path("users/<uuid:person>/export/", views.export_person, name="export_person"),
    path("users/<uuid:person>/delete/", views.delete_person, name="delete_person"),
    path("users/<uuid:person>/hold/", hold_views.hold, name="hold_person"),
]
