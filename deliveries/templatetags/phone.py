"""The person's name on their own phone."""

from __future__ import annotations

from django import template

from deliveries.views.phone import key_of_person

register = template.Library()
register.filter("phone_key", key_of_person)
