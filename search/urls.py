"""The addresses of this room."""

from django.urls import path

from search import bulk_views, conversation_views, views

urlpatterns = [
    path("", views.home, name="home"),
    path("users/", views.user_list, name="user_list"),
    path("conversations/", conversation_views.conversation_list),
    path("users/bulk/", bulk_views.propose),
    path("users/bulk/<uuid:job>/", bulk_views.job),
]
