"""What a phone may keep: which pages, for whom, and how it knows that somebody else holds it now."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

from associates.models import Associate

P = ParamSpec("P")
# An answer with this header may be kept by the service worker (static/js/sw.js), no other may.
KEEP = "Homeward-Keep"


def key_of_person(person: Associate) -> str:
    """A name for this person on their own phone: always the same, says nothing, and is no key to anything."""
    return salted_hmac("homeward.phone", str(person.pk), algorithm="sha256").hexdigest()[:20]


def kept(
    view: Callable[Concatenate[HttpRequest, Associate, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, Associate, P], HttpResponse]:
    """Under `associate_page`: the phone may keep this page for when there is no signal.

    Only what the person needs on the road is marked. What is kept for one person is thrown away when a page of another
    arrives, at sign-out, and after twelve hours.
    """

    @functools.wraps(view)
    def page(request: HttpRequest, person: Associate, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        answer = view(request, person, *args, **kwargs)
        if request.method == "GET" and answer.status_code == 200:
            answer.headers[KEEP] = key_of_person(person)
        return answer

    return page
