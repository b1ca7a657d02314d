"""The addresses of this room."""

from django.urls import path

from widget import views

urlpatterns = [
    path("widget.js", views.script, name="widget_script"),
    path("widget/demo/", views.demo, name="widget_demo"),
]
