"""The addresses of this room."""

from django.urls import path

from users import views

urlpatterns = [
    path("users/<uuid:person>/access/", views.access),
    path("users/<uuid:person>/edit/", views.edit),
    path("users/<uuid:person>/vip/", views.vip),
    path("users/<uuid:person>/tags/", views.tags),
    path("users/<uuid:person>/notes/", views.notes),
    path("users/<uuid:person>/notes/<int:note>/delete/", views.delete_note),
]
