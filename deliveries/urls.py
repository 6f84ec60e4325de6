"""Offers, trips, tracking, the store's board and the retailer's API."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
