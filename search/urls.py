"""The addresses of this room."""

from django.urls import path

from search import bulk_views, conversation_views, saved_views, views

urlpatterns = [
    path("", views.home, name="home"),
    path("users/", views.user_list, name="user_list"),
    path("users/count/", views.user_count),
    path("conversations/", conversation_views.conversation_list),
    path("users/bulk/", bulk_views.propose),
    path("users/bulk/<uuid:job>/", bulk_views.job),
    path("users/views/", saved_views.saved_views),
    path("users/views/<int:view_id>/", saved_views.change),
    path("users/views/<int:view_id>/delete/", saved_views.delete),
]
