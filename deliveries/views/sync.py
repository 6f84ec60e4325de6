"""One thing at a time from a phone's queue: it arrived, was dropped off, or did not work. Sent once however often.

The phone says how long ago it happened, not when: its clock may be wrong, but seconds are seconds. Everything else is
up to the verbs, whose keys make a repeat harmless.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid5

from django.core.files.base import ContentFile
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from associates.access import associate_of
from associates.models import Associate
from deliveries import photos
from deliveries.actions import dropoffs, exceptions, trips
from deliveries.models import DeliveryException, Package, Proof, Stop
from stores.models import User
from stores.refused import Refused

from . import dropoffs as forms
from .answers import BadForm, key_of, text
from .phone import key_of_person
from .trips import AT_ONE_DOOR, stop_of

# The phone's own patience (static/js/save.js): what is told later than this, nobody stands waiting for.
WAITS_FOR_AN_ANSWER = timedelta(seconds=6)
LONGEST_AGO = timedelta(days=7)  # older than any trip; whatever a phone says, it was not before that


@never_cache
@require_http_methods(["GET", "POST"])
def sync(request: HttpRequest) -> HttpResponse:
    """GET: who is signed in, and a fresh CSRF token. POST: one thing of the queue.

    Answers JSON. `result` is `done`, `already` (this key was here before), `refused` with a `sentence` for the person,
    or `sign_in`; anything else, and no answer at all, means "keep it and try again".
    """
    person = associate_of(request.user) if isinstance(request.user, User) else None
    if person is None or person.state == Associate.State.LEFT:
        return JsonResponse({"result": "sign_in"}, status=401)
    if request.method == "GET":
        return JsonResponse({"person": key_of_person(person), "csrf": get_token(request)})
    if request.POST.get("person") != key_of_person(person):
        # Somebody else holds the phone now. What the first person did waits for them.
        return JsonResponse({"result": "sign_in"}, status=401)
    now = timezone.now()
    try:
        new = _take(request, person, now)
    except Refused as no:
        return _refused(str(no), no.code, 409)
    except photos.NotAPicture as no:
        return _refused(str(forms.NOT_A_PICTURE[no.code]), no.code, 422)
    except Http404:
        return _refused(_("That stop is no longer on your trip. Ask the store."), "not_here", 404)
    except BadForm:
        return _refused(_("The phone sent something we do not understand. Open the stop and do it again."), "bad", 400)
    return JsonResponse({"result": "done" if new else "already", "at": timezone.now().isoformat()})


def _refused(sentence: str, code: str, status: int) -> HttpResponse:
    return JsonResponse({"result": "refused", "code": code, "sentence": sentence}, status=status)


def _take(request: HttpRequest, person: Associate, now: datetime) -> bool:
    """Call the verb. False when it was here before. Raises Refused, NotAPicture, Http404, BadForm."""
    try:
        stop = stop_of(person, int(text(request, "stop", 18)))
    except ValueError as error:
        raise BadForm from error
    key, happened_at = key_of(request), now - ago(request)
    kind = text(request, "kind", 20)
    if kind == "arrived":
        new = stop.arrived_at is None
        trips.arrive(stop=stop, by=person, now=now, happened_at=happened_at)
        return new
    packages = _named(request, stop)
    if kind == "drop_off":
        return _drop_off(request, person, packages, key, now, happened_at)
    if kind == "problem":
        return _problem(request, person, packages, key, now, happened_at)
    raise BadForm


def _drop_off(
    request: HttpRequest, person: Associate, packages: list[Package], key: UUID, now: datetime, happened_at: datetime
) -> bool:
    keys = {package.pk: uuid5(key, str(package.pk)) for package in packages}
    known = Proof.objects.filter(key__in=keys.values(), trip__associate=person).count()
    photo = forms.photo_of(request) if known < len(keys) else None
    for package in packages:
        dropoffs.deliver(
            package=package, by=person, now=now, key=keys[package.pk], happened_at=happened_at,
            photo=ContentFile(photo) if photo is not None else None, position=forms.position_of(request, person),
            far_reason=text(request, "far_reason", 200),
            pin=forms.pin_of(request, package, later=now - happened_at > WAITS_FOR_AN_ANSWER),
        )  # fmt: skip
    return known < len(keys)


def _problem(
    request: HttpRequest, person: Associate, packages: list[Package], key: UUID, now: datetime, happened_at: datetime
) -> bool:
    reason, note = text(request, "reason", 20), text(request, "note", 280)
    if reason not in AT_ONE_DOOR:
        raise BadForm
    known = DeliveryException.objects.filter(key=key, package__in=packages, trip__associate=person).count()
    for package in packages:
        exceptions.attempt(
            package=package, reason=reason, note=note, by=person, now=now, key=key, happened_at=happened_at
        )  # fmt: skip
    return known < len(packages)


def _named(request: HttpRequest, stop: Stop) -> list[Package]:
    """The stop's packages that the phone names. Raises BadForm when one of them is not the stop's, or none is named."""
    wanted = set(request.POST.getlist("package"))
    found = {str(claim.package_id): claim.package for claim in stop.claims.select_related("package")}
    if not wanted or not wanted <= found.keys():
        raise BadForm
    return [package for pk, package in found.items() if pk in wanted]


def ago(request: HttpRequest) -> timedelta:
    """How long ago it happened, by the phone. Nonsense counts as "just now"."""
    try:
        said = timedelta(milliseconds=int(text(request, "age_ms", 12)))
    except ValueError:
        return timedelta(0)
    return min(max(said, timedelta(0)), LONGEST_AGO)
