"""Photos of drop-offs go out here and nowhere else; who may see one is decided before `photo_response` is called."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from deliveries.models import Proof
from stores import scope
from stores.models import User


def photo_response(proof: Proof) -> HttpResponse:
    """The photo of `proof`, for its reader alone: kept by no cache. Raises Http404 when there is none (any more)."""
    if not proof.photo:
        raise Http404
    try:
        with proof.photo.open("rb") as file:
            # At most 1600 pixels a side (`photos.clean`), so small enough to send in one piece.
            picture = file.read()
    except FileNotFoundError as error:
        raise Http404 from error
    return HttpResponse(
        picture, content_type="image/jpeg",
        headers={"Cache-Control": "private, no-store", "Content-Disposition": 'inline; filename="drop-off.jpg"'},
    )  # fmt: skip


@require_GET
@login_required
def proof_photo(request: HttpRequest, proof_id: int) -> HttpResponse:
    """For the trip's associate and for staff of its store; for everybody else it is not there."""
    user = cast(User, request.user)
    found = Proof.objects.filter(pk=proof_id)
    mine = found.filter(trip__associate__user=user).first()
    seen = mine or scope.rows(found, user, store="trip__store").first()
    if seen is None:
        raise Http404
    return photo_response(seen)
