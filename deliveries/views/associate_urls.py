"""Addresses of the associate pages."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
