"""The addresses of this room."""

from django.urls import path

from conversations import views

urlpatterns = [
    path("users/<uuid:person>/", views.conversations),
    path("users/<uuid:person>/conversations/", views.conversations),
    path("users/<uuid:person>/activity/", views.activity),
    path("users/<uuid:person>/sessions/", views.sessions),
    path("users/<uuid:person>/messages/", views.reply),
    path("users/<uuid:person>/block/", views.block),
    path("conversations/<int:conversation>/status/", views.status),
]
