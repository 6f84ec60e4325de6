"""The box that a code is asked for with, on the sign-in page, which is allauth's view with another form."""

from __future__ import annotations

from django import template

from associates.sign_in import CodeForm

register = template.Library()


@register.simple_tag
def ask_for_code() -> CodeForm:
    """An empty form; the page it is sent to shows what was wrong with it."""
    return CodeForm()
