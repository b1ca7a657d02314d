"""The addresses of this room."""

from django.urls import URLPattern, path

from exports import (
    audit_views,
    collect_views,
    erasure_views,
    erasures_bulk_views,
    export_views,
    held_data_views,
    hold_views,
    list_views,
    mention_views,
    privacy_views,
    request_views,
    retention_views,
    views,
)

urlpatterns: list[URLPattern] = [
    path("audit/export/", audit_views.export, name="export_audit"),
    path("privacy/", privacy_views.privacy, name="privacy"),
    path("privacy/confirm/<str:token>/", privacy_views.confirm, name="privacy_confirm"),
    path("requests/", request_views.queue, name="requests"),
    path("requests/<uuid:asked>/", request_views.one, name="request"),
    path("requests/<uuid:asked>/<int:claim>/", request_views.decide, name="request_decide"),
    path("exports/", export_views.exports, name="exports"),
    path("exports/<int:export>/", export_views.export_many, name="export_many"),
    path("exports/<int:export>/file/", export_views.export_file, name="export_file"),
    path("exports/list/", list_views.export, name="export_list"),
    path("erasures/", erasure_views.all_erasures, name="erasures"),
    path("erasures/bulk/", erasures_bulk_views.propose, name="erasures_bulk"),
    path("erasures/bulk/<uuid:job>/", erasures_bulk_views.batch, name="erasures_batch"),
    path("erasures/<uuid:erasure>/", erasure_views.one_erasure, name="erasure"),
    path("erasures/<uuid:erasure>/receipt/", erasure_views.receipt, name="erasure_receipt"),
    path("users/<uuid:person>/export/", views.export_person, name="export_person"),
    path("users/<uuid:person>/export/progress/", views.download_progress, name="download_progress"),
    path("users/<uuid:person>/data/", views.data, name="data_of_person"),
    path("users/<uuid:person>/delete/", views.delete_person, name="delete_person"),
    path("users/<uuid:person>/mentions/", mention_views.mentions, name="mentions"),
    path("users/<uuid:person>/hold/", hold_views.hold, name="hold_person"),
    path("users/<uuid:person>/kept/", retention_views.kept, name="kept"),
    path("retention/", retention_views.rules, name="retention"),
    path("retention/collecting/", collect_views.collecting_page, name="collecting"),
    path("retention/what-we-hold/", held_data_views.held_page, name="held_data"),
    path("what-we-hold/", held_data_views.what_we_hold, name="what_we_hold"),
    path("retention/<int:rule>/", retention_views.rule, name="retention_rule"),
]
