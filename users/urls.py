"""The addresses of this room."""

from django.urls import path

from users import tag_views, views

urlpatterns = [
    path("users/<uuid:person>/access/", views.access),
    path("users/<uuid:person>/edit/", views.edit),
    path("users/<uuid:person>/vip/", views.vip),
    path("users/<uuid:person>/tags/", views.tags),
    path("users/<uuid:person>/notes/", views.notes),
    path("users/<uuid:person>/notes/<int:note>/delete/", views.delete_note),
    path("tags/", tag_views.tags),
    path("tags/suggest/", tag_views.suggest),
    path("tags/<int:tag>/", tag_views.change),
    path("tags/<int:tag>/merge/", tag_views.merge),
    path("tags/<int:tag>/delete/", tag_views.delete),
]
