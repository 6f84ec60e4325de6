"""Addresses of the live sockets."""

from django.urls import URLPattern, path, re_path

from . import consumers

websocket_urlpatterns: list[URLPattern] = [
    path("ws/t/<str:token>/", consumers.for_anybody(consumers.TrackPackage)),
    path("ws/associate/", consumers.for_people(consumers.AssociateFeed)),
    path("ws/store/<int:number>/", consumers.for_people(consumers.StoreBoard)),
    re_path(r"", consumers.for_anybody(consumers.Nowhere)),
]
