"""The addresses of this room."""

from django.urls import URLPattern, path

from exports import views

urlpatterns: list[URLPattern] = [
    path("users/<uuid:person>/export/", views.export_person, name="export_person"),
    path("users/<uuid:person>/delete/", views.delete_person, name="delete_person"),
]
