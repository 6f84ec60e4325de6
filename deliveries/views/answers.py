"""Reading what a form sends back. What the page itself put in is there or the form is out of date; text is text."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest


class BadForm(ValueError):
    """A form came back without what the page put into it."""


def text(request: HttpRequest, name: str, most: int) -> str:
    """What somebody typed, at most `most` characters; without the NUL characters that PostgreSQL refuses."""
    return str(request.POST.get(name, "")).replace("\x00", "").strip()[:most]


def key_of(request: HttpRequest) -> UUID:
    """The key of a tap. Raises BadForm."""
    try:
        return UUID(str(request.POST["key"]))
    except (KeyError, ValueError) as error:
        raise BadForm from error


def shown(request: HttpRequest) -> str:
    """The digest of the quote that was on the screen. Raises BadForm."""
    if "shown" not in request.POST:
        raise BadForm
    return str(request.POST["shown"])
