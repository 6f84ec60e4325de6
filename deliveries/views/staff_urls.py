"""Addresses of the store's own pages, under /admin/ and before the admin's: its last pattern catches everything."""

from django.urls import path

from . import bay, labels, message_previews, staff, tonight

app_name = "staff"
urlpatterns = [
    path("", staff.home_view, name="home"),
    path("tonight/", tonight.tonight_view, name="tonight"),
    path("bay/", bay.bay_view, name="bay"),
    path("labels/", labels.labels_view, name="labels"),
    path("messages/", message_previews.previews_view, name="messages"),
]
