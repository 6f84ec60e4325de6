"""Drop-off: photo, position, confirm; and undo within a minute."""

from __future__ import annotations

import math
from typing import Any
from uuid import uuid4, uuid5

from django.contrib import messages
from django.core.files.base import ContentFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from associates.models import Associate
from deliveries import photos, pins
from deliveries.actions import dropoffs
from deliveries.models import Package, Proof, Stop
from deliveries.states import PackageState
from stores.places import Point

from . import mine
from .access import associate_page
from .answers import key_of, text
from .phone import kept
from .trips import may_locate, stop_of

NOT_A_PICTURE = {
    "unreadable": gettext_lazy("That file is not a picture we can read. Take a photo, or choose a JPEG or PNG."),
    "too_large": gettext_lazy("That picture is too large. Take it again with the usual camera settings."),
}


@require_http_methods(["GET", "POST"])
@associate_page
@kept
def drop_off(request: HttpRequest, person: Associate, stop_id: int) -> HttpResponse:
    """Confirm one stop: all its packages together, or those that are ticked. The same tap twice is one drop-off."""
    stop = stop_of(person, stop_id)
    if request.method == "GET":
        if not _here(stop):
            return redirect("trip")
        return _page(request, person, stop)
    key, now = key_of(request), timezone.now()
    wanted = set(request.POST.getlist("package"))
    named = [c.package for c in stop.claims.select_related("package") if str(c.package_id) in wanted]
    if not named:
        return _page(request, person, stop, said=_("Tick the package that you drop off."), status=422)
    try:
        photo = photo_of(request)
        for package in named:
            dropoffs.deliver(
                package=package, by=person, now=now, key=uuid5(key, str(package.pk)),
                photo=ContentFile(photo) if photo is not None else None, position=position_of(request, person),
                far_reason=text(request, "far_reason", 200), pin=pin_of(request, package),
            )  # fmt: skip
    except photos.NotAPicture as no:
        return _page(request, person, stop, said=str(NOT_A_PICTURE[no.code]), status=422)
    except (dropoffs.PinNeeded, dropoffs.WrongPin, dropoffs.NoMoreTries) as no:
        return _page(request, person, stop, said=str(no), status=409)
    except (dropoffs.ProofNeeded, dropoffs.FarFromThePin) as no:
        far = isinstance(no, dropoffs.FarFromThePin)
        return _page(request, person, stop, said=str(no), far=far, status=409)
    said = ngettext("%(number)d package delivered.", "%(number)d packages delivered.", len(named))
    messages.success(request, said % {"number": len(named)})
    return HttpResponseClientRedirect("/trip/") if request.htmx else redirect("trip")  # type: ignore[attr-defined]


@require_POST
@associate_page
def undo(request: HttpRequest, person: Associate, proof_id: int) -> HttpResponse:
    """Take a drop-off back, within 60 seconds."""
    proof = Proof.objects.filter(pk=proof_id, trip__associate=person).first()
    if proof is None:
        raise Http404
    dropoffs.undo(proof=proof, by=person, now=timezone.now())
    messages.success(request, _("Taken back. The package is in your hands again."))
    return redirect("trip")


def _here(stop: Stop) -> list[Package]:
    """What is still to be dropped off at this stop."""
    live = stop.claims.filter(released_at=None).select_related("package").order_by("package_id")
    return [claim.package for claim in live if claim.package.state == PackageState.OUT]


def photo_of(request: HttpRequest) -> bytes | None:
    """The photo of the form, clean; None when none was taken. Raises photos.NotAPicture."""
    upload = request.FILES.get("photo")
    return photos.clean(upload) if upload else None


def pin_of(request: HttpRequest, package: Package, *, later: bool = False) -> dropoffs.AtTheDoor:
    """What the form says of this package's PIN."""
    return dropoffs.AtTheDoor(text(request, f"pin-{package.pk}", 8), later, text(request, "pin_reason", 200))


def position_of(request: HttpRequest, person: Associate) -> dropoffs.Position | None:
    """The phone's position from the form; None when there is none, it makes no sense, or there is no consent to it."""
    try:
        lat, lon, accuracy = (float(text(request, name, 30)) for name in ("lat", "lon", "accuracy"))
    except ValueError:
        return None
    if not (abs(lat) <= 90 and abs(lon) <= 180 and math.isfinite(accuracy) and accuracy >= 0):
        return None
    if not may_locate(person):
        return None
    return dropoffs.Position(Point(lat, lon), min(round(accuracy), 100_000))


def _page(
    request: HttpRequest, person: Associate, stop: Stop, *, said: str = "", far: bool = False, status: int = 200
) -> HttpResponse:
    packages = _here(stop)
    wanted = set(request.POST.getlist("package")) if request.method == "POST" else {str(p.pk) for p in packages}
    context: dict[str, Any] = {
        "tab": "today", "person": person, "store": stop.trip.store, "stop": stop, "said": said, "far": far,
        "packages": [
            {
                "package": package, "ticked": str(package.pk) in wanted, "tries": pins.tries_left(package),
                "pin": text(request, f"pin-{package.pk}", 8),
            }
            for package in packages
        ],
        "no_tries": any(package.pin_required and not pins.tries_left(package) for package in packages),
        "pin_reason": text(request, "pin_reason", 200), "pin_sentence": dropoffs.PinNeeded.sentence,
        "no_more_tries": dropoffs.NoMoreTries.sentence,
        "may_locate": may_locate(person), "key": request.POST.get("key") or uuid4(),
        "far_reason": text(request, "far_reason", 200),
        "total": len(mine.doors(person, stop.trip)), "far_sentence": dropoffs.FarFromThePin.sentence,
        "proof_sentence": dropoffs.ProofNeeded.sentence,
    }  # fmt: skip
    return render(request, "associate/drop_off.html", context, status=status)
