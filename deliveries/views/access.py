"""What every associate page of the evening has in common: who, and one answer for forms that came back incomplete."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from associates.access import for_associates
from associates.models import Associate
from stores.refused import Refused

from .answers import BadForm
from .reasons import refused

P = ParamSpec("P")


def associate_page(
    view: Callable[Concatenate[HttpRequest, Associate, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """`for_associates`; a Refused the view does not handle itself becomes the 409 page, a BadForm the 400 one."""

    @for_associates
    @functools.wraps(view)
    def page(request: HttpRequest, person: Associate, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return view(request, person, *args, **kwargs)
        except Refused as no:
            return refused(request, no)
        except BadForm:
            return refused(request, _("That page was out of date. Nothing was changed; open it again."), status=400)

    return page
