"""Who may open an associate's page: somebody signed in, who is one, and only as themselves."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache

from stores.models import User

from .models import Associate

P = ParamSpec("P")


def associate_of(user: User) -> Associate | None:
    """The associate that `user` is, with store, employee and user at hand; None for anybody else."""
    return Associate.objects.select_related("store", "employee", "user").filter(user=user).first()


def for_associates(
    view: Callable[Concatenate[HttpRequest, Associate, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Gives the view the signed-in associate as its second argument; every query of the view starts from it.

    Nobody signed in: to the sign-in page and back. Not an associate, or one who has left: to `/join/`.
    """

    @login_required
    @never_cache
    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        person = associate_of(cast(User, request.user))
        if person is None or person.state == Associate.State.LEFT:
            return redirect("join")
        return view(request, person, *args, **kwargs)

    return cast(Callable[Concatenate[HttpRequest, P], HttpResponse], guarded)
