"""The addresses of this room."""

from django.urls import path

from live import views

urlpatterns = [
    path("live/", views.here),
]
