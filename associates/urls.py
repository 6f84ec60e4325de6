"""Sign-up and settings of an associate."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
