"""One thing at a time from a phone's queue: arrived, dropped off, did not work, kept, undone. Sent once however often.

The phone says how long before the server's own "now", told it at the beginning of the sending, something happened: its
clock may be wrong, but seconds are seconds, and how long each item was on its way changes nothing about their order.
Everything else is up to the verbs, whose keys make a repeat harmless.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
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
from deliveries.models import DeliveryException, Package, Proof, RoadAct, Stop
from deliveries.states import TRIP_OVER, PackageState, TripState
from stores.models import User
from stores.refused import Refused

from . import chat, mine
from . import dropoffs as forms
from .answers import BadForm, key_of, text
from .order import legs
from .phone import key_of_person
from .reasons import DOES_NOT_FIT
from .trips import AT_ONE_DOOR, STOPS_THE_TRIP, stop_of

# The phone's own patience (static/js/save.js): what is told later than this, nobody stands waiting for.
WAITS_FOR_AN_ANSWER = timedelta(seconds=6)
LONGEST_AGO = timedelta(days=7)  # older than any trip; whatever a phone says, it was not before that
LONGEST_SENDING = timedelta(hours=1)  # many photos on a bad line


# For so long what follows an attempt waits for the attempt itself, which may come after it.
ATTEMPT_COMES_WITHIN = timedelta(minutes=10)


class TooEarly(Exception):
    """What it builds on has not been told yet: keep it and try again."""


class NoRoad(Refused):
    code = "no_path"
    sentence = DOES_NOT_FIT["no_path"]


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
        asked = {"now_ms": int(timezone.now().timestamp() * 1000)}
        return JsonResponse({"person": key_of_person(person), "csrf": get_token(request), **asked})
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
    except TooEarly:
        return JsonResponse({"result": "later"}, status=425)
    except Http404:
        return _refused(_("That stop is no longer on your trip. Ask the store."), "not_here", 404)
    except BadForm:
        return _refused(_("The phone sent something we do not understand. Open the stop and do it again."), "bad", 400)
    return JsonResponse({"result": "done" if new else "already", "at": timezone.now().isoformat()})


def _refused(sentence: str, code: str, status: int) -> HttpResponse:
    return JsonResponse({"result": "refused", "code": code, "sentence": sentence}, status=status)


def _take(request: HttpRequest, person: Associate, now: datetime) -> bool:
    """Call the verb. False when it was here before. Raises Refused, NotAPicture, Http404, BadForm, TooEarly."""
    key, happened_at = key_of(request), _asked_at(request, now) - ago(request)
    kind = text(request, "kind", 20)
    if kind in AFTER_AN_ATTEMPT:
        return _after_attempt(request, person, kind, key, now, happened_at)
    if kind in WHOLE_TRIP:
        return WHOLE_TRIP[kind](request, person, key, now, happened_at)
    stop = stop_of(person, _number(request, "stop"))
    if kind == "arrived":
        new = stop.arrived_at is None
        trips.arrive(stop=stop, by=person, now=now, happened_at=happened_at)
        return new
    if kind == "answer":
        return chat.answer(request, chat.about(request, stop), person, key, now)
    packages = _named(request, stop)
    if kind == "drop_off":
        return _drop_off(request, person, packages, key, now, happened_at)
    if kind == "problem":
        return _problem(request, person, packages, key, now, happened_at)
    raise BadForm


def _after_attempt(
    request: HttpRequest, person: Associate, kind: str, key: UUID, now: datetime, happened_at: datetime
) -> bool:
    """Keep it, bring it back, or try the door again."""
    package = Package.objects.filter(pk=_number(request, "package"), claims__trip__associate=person).first()
    if package is None:
        raise Http404
    if _was_told(key):
        return False
    if package.state == PackageState.OUT and now - happened_at < ATTEMPT_COMES_WITHIN:
        raise TooEarly  # why it could not be left is still on its way
    AFTER_AN_ATTEMPT[kind](package=package, by=person, now=now, key=key, happened_at=happened_at)
    return True


def _undo(request: HttpRequest, person: Associate, key: UUID, now: datetime, happened_at: datetime) -> bool:
    proof = Proof.objects.filter(pk=_number(request, "proof"), trip__associate=person).first()
    if proof is None:
        raise Http404
    new = proof.undone_at is None
    dropoffs.undo(proof=proof, by=person, now=now, happened_at=happened_at)
    return new


def _reorder(request: HttpRequest, person: Associate, key: UUID, now: datetime, happened_at: datetime) -> bool:
    """`order`: ids of stops. Those that are done meanwhile are left out, those it does not name come last."""
    if _was_told(key):
        return False
    trip = mine.open_trip(person)
    wanted = [int(part) for part in text(request, "order", 400).split() if part.isdecimal()]
    if trip is None or trip.state != TripState.UNDER_WAY or not wanted:
        raise Http404
    doors = mine.doors(person, trip)
    ahead = mine.ahead(doors)
    place = {pk: number for number, pk in enumerate(wanted)}
    order = sorted((door.stop for door in ahead), key=lambda stop: (place.get(stop.pk, len(place)), stop.position))
    drives = legs(trip, [door.stop for door in doors if door not in ahead], order)
    if any(leg.seconds < 0 for leg in drives):
        raise NoRoad
    trips.reorder(trip=trip, legs=drives, by=person, now=now, key=key, happened_at=happened_at)
    return True


def _cannot_go_on(request: HttpRequest, person: Associate, key: UUID, now: datetime, happened_at: datetime) -> bool:
    trip = mine.trips(person).filter(pk=_number(request, "trip")).first()
    reason = text(request, "reason", 20)
    if trip is None:
        raise Http404
    if reason not in STOPS_THE_TRIP:
        raise BadForm
    new = trip.state not in TRIP_OVER
    exceptions.cannot_go_on(
        trip=trip, reason=reason, note=text(request, "note", 280), by=person, now=now, key=key, happened_at=happened_at
    )
    return new


AFTER_AN_ATTEMPT = {"retry": exceptions.retry, "keep": exceptions.keep, "return": exceptions.bring_back}
WHOLE_TRIP = {"undo": _undo, "reorder": _reorder, "cannot_go_on": _cannot_go_on}


def _was_told(key: UUID) -> bool:
    return RoadAct.objects.filter(key=key).exists()


def _number(request: HttpRequest, name: str) -> int:
    try:
        return int(text(request, name, 18))
    except ValueError as error:
        raise BadForm from error


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


def _asked_at(request: HttpRequest, now: datetime) -> datetime:
    """The `now_ms` that the phone was told before it sent this, from which it counts; `now` if that cannot be."""
    try:
        asked = datetime.fromtimestamp(int(text(request, "asked_ms", 15)) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return now
    return asked if now - LONGEST_SENDING <= asked <= now else now


def ago(request: HttpRequest) -> timedelta:
    """How long before that it happened, by the phone. Nonsense counts as "just then"."""
    try:
        said = timedelta(milliseconds=int(text(request, "age_ms", 12)))
    except ValueError:
        return timedelta(0)
    return min(max(said, timedelta(0)), LONGEST_AGO)
