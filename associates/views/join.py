"""From an account to an associate: who on the roster are you?"""

from __future__ import annotations

import hashlib
from typing import cast

from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from associates import actions
from associates.access import associate_of
from associates.forms import JoinForm
from associates.models import Associate
from stores.models import User
from stores.refused import Refused

HOUR = 3600
TRIES_OF_ONE_ACCOUNT = 6
TRIES_FOR_ONE_EMPLOYEE = 12  # from all accounts together, so that nobody guesses a birthday with many of them


@sensitive_post_parameters()
@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest) -> HttpResponse:
    """Store number, employee number and birthday; then set-up. The answer never tells which of them was wrong."""
    user = cast(User, request.user)
    person = associate_of(user)
    if person is not None and person.state != Associate.State.LEFT:
        return redirect("setup" if person.state == Associate.State.SETTING_UP else "today")
    form = JoinForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            data = form.cleaned_data
            if too_many_tries(user, data["store_number"], data["employee_reference"]):
                form.add_error(None, _("Those were too many tries. Wait an hour, or ask your store’s people lead."))
                status = 429
            else:
                try:
                    actions.enrol(user=user, by=user, now=timezone.now(), **data)
                except Refused as refused:
                    form.add_error(None, str(refused.sentence))
                else:
                    return redirect("setup")
    return render(request, "associate/join.html", {"form": form, "back_again": person is not None}, status=status)


def too_many_tries(user: User, store_number: int, reference: str) -> bool:
    """Count this try, right or wrong, against the account and against the roster line it asks for."""
    asked = hashlib.sha256(f"{store_number}/{reference.strip().upper()}".encode()).hexdigest()[:24]
    counts = ((f"join/user/{user.pk}", TRIES_OF_ONE_ACCOUNT), (f"join/employee/{asked}", TRIES_FOR_ONE_EMPLOYEE))
    over = False
    for key, most in counts:
        cache.add(key, 0, timeout=HOUR)
        try:
            tries = cache.incr(key)
        except ValueError:  # it expired between the two calls
            continue
        over |= tries > most
    return over
