"""The addresses of this room."""

from django.urls import path

from widget import mail_views, settings_views, views

urlpatterns = [
    path("widget.js", views.script, name="widget_script"),
    path("widget/demo/", views.demo, name="widget_demo"),
    path("mail/stop/<token>/", mail_views.mail_stop, name="mail_stop"),
    path("widget/", settings_views.setup, name="widget_setup"),
    path("widget/secret/", settings_views.renew_secret, name="widget_secret"),
]
