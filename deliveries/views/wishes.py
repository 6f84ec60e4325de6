"""What a customer can do, one page each behind their private link: a form, or the sentence that says why not.

As on the messages page, the link in the address is what allows it: no cookie is involved, so there is nothing a foreign page
could use, and Django's form token is not needed. A GET shows; only a POST changes, through one verb, and is answered with a
redirect. When what is possible is the verbs' business (`deliveries/controls.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import dateformat, timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from deliveries import carrier_only, controls
from deliveries.actions import chat, wishes
from deliveries.controls import Control
from deliveries.live import snapshots
from deliveries.live.snapshots import Facts
from deliveries.models import FirstPin, GateCode, Package, SafePlace, TrackingLink
from stores import units
from stores.opening import weeks_of
from stores.places import EARTH_RADIUS_M, Point, Precision
from stores.refused import Refused

from . import link_limits, tracking
from .answers import text

HEADINGS: dict[Control, str | Promise] = {
    Control.INSTRUCTIONS: gettext_lazy("Where to leave it"),
    Control.PIN: gettext_lazy("Where your door is"),
    Control.ANOTHER_DAY: gettext_lazy("Bring it another day"),
    Control.PICK_UP: gettext_lazy("Pick it up at the store"),
    Control.CARRIER: gettext_lazy("Who brings your packages"),
    Control.WRITE: gettext_lazy("Write to whoever brings it"),
    Control.NOT_RECEIVED: gettext_lazy("I did not get it"),
    Control.RATING: gettext_lazy("How was it?"),
}
STARS: tuple[tuple[str, str | Promise], ...] = (
    ("5", gettext_lazy("Very good")), ("4", gettext_lazy("Good")), ("3", gettext_lazy("All right")),
    ("2", gettext_lazy("Not so good")), ("1", gettext_lazy("Bad")),
)  # fmt: skip
TOWARD: dict[str, tuple[str | Promise, int]] = {
    "n": (gettext_lazy("north"), 0), "ne": (gettext_lazy("northeast"), 45), "e": (gettext_lazy("east"), 90),
    "se": (gettext_lazy("southeast"), 135), "s": (gettext_lazy("south"), 180), "sw": (gettext_lazy("southwest"), 225),
    "w": (gettext_lazy("west"), 270), "nw": (gettext_lazy("northwest"), 315),
}  # fmt: skip
FEET = (25, 50, 100, 150, 200, 300, 500, 750, 950)
METRES_A_FOOT = 0.3048

Do = Callable[[HttpRequest, Package, datetime], str]
Show = Callable[[HttpRequest, Package, Facts, datetime], dict[str, Any]]


class Incomplete(Refused):
    code = "incomplete"
    sentence = gettext_lazy("Choose one of the answers, then send it again.")


def page(control: Control, do: Do, show: Show) -> Callable[..., Any]:
    """The view of one control. `do` calls the verb and names a sentence of `tracking.DONE`; `show` is what its template reads."""
    template = f"tracking/{control.replace('-', '_')}.html"

    def view(request: HttpRequest, link: TrackingLink) -> HttpResponse:
        now, package = timezone.now(), Package.objects.select_related("store").get(pk=link.package_id)
        language = tracking.language_of(request, link)
        refusal, status = "", 200
        with translation.override(language), timezone.override(package.store.zone):
            if request.method == "POST":
                if seconds := link_limits.write_waits(package.pk):
                    return tracking.too_many(request, "writes", seconds, language)
                try:
                    done = do(request, package, now)
                except Refused as no:
                    refusal, status = str(no), 409
                else:
                    return _back(request, language, done)
            facts = snapshots.load([package.pk], now=now)[package.pk]
            written = sum(line.from_customer for line in facts.own.chat)
            verbs = list(package.events.order_by("version").values_list("verb", flat=True))
            why_not = controls.why_not(control, package, verbs=verbs, written=written, now=now)
            if control == Control.NOT_RECEIVED and facts.own.missing:
                why_not = None  # there is still a form: "I have it after all"
            context = {
                "heading": HEADINGS[control], "refusal": "" if refusal == why_not else refusal, "why_not": why_not,
                "facts": facts, "store": package.store, "LANGUAGE_CODE": language,
                "other": "en" if language == "es" else "es", **({} if why_not else show(request, package, facts, now)),
            }  # fmt: skip
            return HttpResponse(render_to_string(template, context), status=status)

    view.__name__ = str(control).replace("-", "_")
    return csrf_exempt(require_http_methods(["GET", "HEAD", "POST"])(tracking.with_link(view)))


def _back(request: HttpRequest, language: str, done: str) -> HttpResponse:
    token = request.resolver_match.kwargs["token"] if request.resolver_match else ""
    answer = redirect(f"{reverse('tracking', args=[token])}?lang={language}&done={done}")
    answer.status_code = 303
    return answer


@csrf_exempt
@require_POST
@tracking.with_link
def language(request: HttpRequest, link: TrackingLink) -> HttpResponse:
    """Of the page and of the messages about this package."""
    if seconds := link_limits.write_waits(link.package_id):
        return tracking.too_many(request, "writes", seconds, tracking.language_of(request, link))
    chosen = snapshots.language_or(request.POST.get("language"), link.package.language)
    package = Package.objects.get(pk=link.package_id)
    wishes.choose_language(package=package, language=chosen, now=timezone.now())
    return _back(request, chosen, "language")


# --- Each of them ---------------------------------------------------------------------------------------------------
def _instruct(request: HttpRequest, package: Package, now: datetime) -> str:
    code = text(request, "gate_code", 24)
    wishes.instruct(
        package=package, instructions=text(request, "instructions", 280), safe_place=text(request, "safe_place", 12),
        gate_code="" if "forget" in request.POST else code or None, now=now,
    )  # fmt: skip
    return Control.INSTRUCTIONS


def _instructions(request: HttpRequest, package: Package, facts: Facts, now: datetime) -> dict[str, Any]:
    return {
        "places": SafePlace.choices, "has_code": GateCode.objects.filter(package=package).exists(),
        "safe_place": text(request, "safe_place", 12) or package.safe_place,
        "instructions": text(request, "instructions", 280) or package.instructions,
    }  # fmt: skip


def _move_pin(request: HttpRequest, package: Package, now: datetime) -> str:
    wishes.move_pin(package=package, point=_point_of(request, package), now=now)
    return Control.PIN


def _point_of(request: HttpRequest, package: Package) -> Point:
    """Where the form puts the pin: degrees from the map or the phone, or so many feet in a direction. Raises Incomplete."""
    try:
        if "lat" in request.POST:
            lat, lon = float(text(request, "lat", 30)), float(text(request, "lon", 30))
            if not (math.isfinite(lat) and math.isfinite(lon) and abs(lat) <= 90 and abs(lon) <= 180):
                raise Incomplete
            return Point(lat, lon)
        away_m, bearing = (
            int(text(request, "feet", 5)) * METRES_A_FOOT,
            math.radians(TOWARD[text(request, "toward", 2)][1]),
        )
    except (ValueError, KeyError) as error:
        raise Incomplete from error
    north, east = away_m * math.cos(bearing), away_m * math.sin(bearing)
    # The earth is flat within a few streets.
    lat = package.lat + math.degrees(north / EARTH_RADIUS_M)
    return Point(lat, package.lon + math.degrees(east / EARTH_RADIUS_M / math.cos(math.radians(package.lat))))


def _pin(request: HttpRequest, package: Package, facts: Facts, now: datetime) -> dict[str, Any]:
    first = FirstPin.objects.filter(package=package).first()
    precision = Precision(first.precision if first else package.precision)
    planned = package.state not in controls.IN_STORE
    limit_m = controls.PLANNED_PIN_LIMIT_M if planned else controls.PIN_LIMIT_M[precision]
    limit = wishes.feet(limit_m)
    return {
        "pin": package.point, "first": first.point if first else package.point, "limit_m": limit_m,
        "limit_feet": limit, "weak": package.asks_for_pin,
        "distances": [(str(feet), _("%(feet)d feet") % {"feet": feet}) for feet in FEET if feet <= limit],
        "directions": [(value, label) for value, (label, _degrees) in TOWARD.items()],
        "asked_feet": text(request, "feet", 5), "asked_toward": text(request, "toward", 2),
        "tiles": settings.MAP_TILES_URL, "attribution": settings.MAP_TILES_ATTRIBUTION,
    }  # fmt: skip


def _choose_day(request: HttpRequest, package: Package, now: datetime) -> str:
    try:
        day = date.fromisoformat(text(request, "day", 10))
    except ValueError as error:
        raise Incomplete from error
    wishes.another_day(package=package, day=day, now=now)
    return Control.ANOTHER_DAY


def _days(request: HttpRequest, package: Package, facts: Facts, now: datetime) -> dict[str, Any]:
    days = controls.days(package.store, package, now)
    by = dateformat.format(package.store.local(package.deliver_by), "P")
    return {"days": [(day.isoformat(), dateformat.format(day, _("l, F j"))) for day in days], "by": by}


def _keep(request: HttpRequest, package: Package, now: datetime) -> str:
    wishes.pick_up(package=package, now=now)
    return Control.PICK_UP


def _pick_up(request: HttpRequest, package: Package, facts: Facts, now: datetime) -> dict[str, Any]:
    cents, week = package.store.pickup_credit_cents, weeks_of([package.store], now=now).get(package.store_id)
    return {
        "credit": units.dollars(cents) if cents else "", "opening": week.say(now) if week else "",
        "hours": week.lines() if week else [],
    }  # fmt: skip


def _who_brings(request: HttpRequest, package: Package, now: datetime) -> str:
    if request.POST.get("want") == "associate":
        wishes.associate_after_all(package=package, now=now)
        return "associate"
    return "carrier" if wishes.no_associate(package=package, now=now) else "carrier-later"


def _carrier(request: HttpRequest, package: Package, facts: Facts, now: datetime) -> dict[str, Any]:
    return {"remembered": carrier_only.asked([package])[0], "holds": package.state in controls.IN_STORE}


def _write(request: HttpRequest, package: Package, now: datetime) -> str:
    chat.write(package=package, words=text(request, "words", 160), key=_key(request), now=now)
    return Control.WRITE


def _chat(request: HttpRequest, package: Package, facts: Facts, now: datetime) -> dict[str, Any]:
    left = controls.MOST_MESSAGES - sum(line.from_customer for line in facts.own.chat)
    return {"left": left, "words": text(request, "words", 160), "key": uuid4()}


def _tell_missing(request: HttpRequest, package: Package, now: datetime) -> str:
    if request.POST.get("want") == "found":
        wishes.found(package=package, now=now)
        return "found"
    wishes.not_received(package=package, words=text(request, "words", 280), key=_key(request), now=now)
    return Control.NOT_RECEIVED


def _missing(request: HttpRequest, package: Package, facts: Facts, now: datetime) -> dict[str, Any]:
    return {"missing": facts.own.missing, "photo": facts.photo, "words": text(request, "words", 280), "key": uuid4()}


def _rate(request: HttpRequest, package: Package, now: datetime) -> str:
    stars = text(request, "stars", 1)
    wishes.rate(
        package=package, stars=int(stars) if stars.isdecimal() else None, words=text(request, "words", 160), now=now
    )
    return Control.RATING


def _rating(request: HttpRequest, package: Package, facts: Facts, now: datetime) -> dict[str, Any]:
    verbs = set(package.events.values_list("verb", flat=True))
    return {
        "rate": "rate" not in verbs, "thank": "thank" not in verbs, "courier": facts.courier,
        "stars": [(value, (label, range(int(value)))) for value, label in STARS],
        "asked": text(request, "stars", 1), "words": text(request, "words", 160),
    }  # fmt: skip


def _key(request: HttpRequest) -> UUID:
    """The key of the form, so that sending it twice is once; a form without one is a new one each time."""
    try:
        return UUID(text(request, "key", 40))
    except ValueError:
        return uuid4()


instructions = page(Control.INSTRUCTIONS, _instruct, _instructions)
pin = page(Control.PIN, _move_pin, _pin)
another_day = page(Control.ANOTHER_DAY, _choose_day, _days)
pick_up = page(Control.PICK_UP, _keep, _pick_up)
carrier = page(Control.CARRIER, _who_brings, _carrier)
write = page(Control.WRITE, _write, _chat)
not_received = page(Control.NOT_RECEIVED, _tell_missing, _missing)
rating = page(Control.RATING, _rate, _rating)
