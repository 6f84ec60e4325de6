"""Addresses of the tracking pages."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
