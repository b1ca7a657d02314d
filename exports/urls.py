"""The addresses of this room."""

from django.urls import URLPattern, path

from exports import hold_views, list_views, privacy_views, request_views, views

urlpatterns: list[URLPattern] = [
    path("privacy/", privacy_views.privacy, name="privacy"),
    path("privacy/confirm/<str:token>/", privacy_views.confirm, name="privacy_confirm"),
    path("requests/", request_views.queue, name="requests"),
    path("requests/<uuid:asked>/", request_views.one, name="request"),
    path("requests/<uuid:asked>/<int:claim>/", request_views.decide, name="request_decide"),
    path("exports/list/", list_views.export, name="export_list"),
    path("users/<uuid:person>/export/", views.export_person, name="export_person"),
    path("users/<uuid:person>/delete/", views.delete_person, name="delete_person"),
    path("users/<uuid:person>/hold/", hold_views.hold, name="hold_person"),
]
