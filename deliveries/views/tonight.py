"""Tonight: one store's evening at a glance, for the people who run it. Reads; changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, F, Min, Prefetch, Q, QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from deliveries import switches
from deliveries.models import Claim, DeliveryException, Manifest, Offer, Package, RatingTally, Trip
from deliveries.states import TRIP_OPEN, OfferState, PackageState
from stores.models import Store
from stores.places import Precision

from .staff import Desk, show, staff_page

# A promise is at risk when less than this is left and the package has not left the store.
SOON = timedelta(minutes=90)
# How long a package may wait in a state before its age is marked. Staged ones wait for a round: their age is no sign.
LONG = {
    PackageState.RECEIVED: timedelta(hours=2), PackageState.CLAIMED: timedelta(hours=3),
    PackageState.LOADED: timedelta(minutes=20), PackageState.OUT: timedelta(hours=2),
    PackageState.ATTEMPTED: timedelta(minutes=15), PackageState.KEPT: timedelta(hours=20),
    PackageState.RETURNING: timedelta(minutes=60), PackageState.RETURNED: timedelta(hours=2),
}  # fmt: skip
IN_THE_STORE = (
    PackageState.RECEIVED, PackageState.STAGED, PackageState.OFFERED, PackageState.CLAIMED, PackageState.LOADED,
    PackageState.RETURNED,
)  # fmt: skip
# What the figures add up, in the order of an evening: heading, states, whether only tonight's are counted.
FIGURES: tuple[tuple[str | Promise, tuple[PackageState, ...], bool], ...] = (
    (_("Waiting for the bay"), (PackageState.RECEIVED,), False),
    (_("Staged"), (PackageState.STAGED,), False),
    (_("Offered"), (PackageState.OFFERED,), False),
    (_("Claimed"), (PackageState.CLAIMED,), False),
    (_("Loaded"), (PackageState.LOADED,), False),
    (_("On the road"), (PackageState.OUT,), False),
    (_("Delivered tonight"), (PackageState.DELIVERED,), True),
    (_("Not delivered"), (PackageState.ATTEMPTED, PackageState.KEPT), False),
    (_("Coming back"), (PackageState.RETURNING,), False),
    (_("Returns shelf"), (PackageState.RETURNED,), False),
    (_("With the carrier tonight"), (PackageState.WITH_CARRIER,), True),
    (_("Held for pick-up"), (PackageState.HELD_FOR_PICKUP,), False),
)
MOST_ROWS = 30
RATED_OVER, FEWEST_RATINGS = 30, 10  # days; fewer would lead to somebody
# What the board can be cut down to; the figures stay, because each is a filter of its own.
PARTS: dict[str, str | Promise] = {
    "": _("Everything"), "risk": _("At risk"), "trips": _("Trips"), "problems": _("Problems"), "carrier": _("Carrier"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the board. `url` lists exactly the packages it counts; `oldest` is how long the first one waits."""

    label: str | Promise
    state: str
    count: int
    url: str
    oldest: timedelta | None
    long: bool


@dataclass(frozen=True, slots=True)
class TripRow:
    """One trip of the board: doors and packages, and how many of them are done or in the associate's hands."""

    trip: Trip
    stops: int
    stops_done: int
    in_hand: int
    packages: int


@dataclass(frozen=True, slots=True)
class Stranded:
    """A trip whose associate cannot go on, and the packages that are still to come back from it."""

    trip: Trip
    packages: int
    at: datetime
    since: timedelta | None


def age(since: datetime, now: datetime) -> timedelta | None:
    """How long ago `since` was; None when it is still to come, which the demo's walk ahead of the clock makes it."""
    return now - since if since <= now else None


def at_risk(packages: QuerySet[Package], now: datetime) -> QuerySet[Package]:
    """Those still in the store whose promise is late or less than SOON away, most urgent first."""
    return packages.filter(ended=False, state__in=IN_THE_STORE, deliver_by__lte=now + SOON).order_by("deliver_by", "pk")


def packages_url(store: Store, **query: str) -> str:
    """The admin's list of this store's packages, filtered."""
    return f"{reverse('admin:deliveries_package_changelist')}?{urlencode({'in_store': str(store.pk), **query})}"


def figures(store: Store, now: datetime) -> list[Figure]:
    """The numbers of the evening; one query."""
    lasting = Q(state__in=[state for _label, states, tonight in FIGURES if not tonight for state in states])
    counted = {
        row["state"]: row
        for row in Package.objects.filter(lasting | Q(state_since__gte=store.evening_began(now)), store=store)
        .order_by()
        .values("state")
        .annotate(n=Count("pk"), since=Min("state_since"))
    }
    found = []
    for label, states, tonight in FIGURES:
        rows = {state: counted[state] for state in states if state in counted}
        query = {"state__in": ",".join(states)} if len(states) > 1 else {"state__exact": str(states[0])}
        found.append(
            Figure(
                label=label,
                state=states[0],
                count=sum(row["n"] for row in rows.values()),
                url=packages_url(store, **query, **({"evening": "tonight"} if tonight else {})),
                oldest=age(min(row["since"] for row in rows.values()), now) if rows and not tonight else None,
                long=any(state in LONG and now - row["since"] > LONG[state] for state, row in rows.items()),
            )
        )
    return found


def trips_tonight(store: Store) -> list[TripRow]:
    """Trips claimed, being loaded or on the road; three queries."""
    live = Prefetch("claims", Claim.objects.filter(released_at=None).select_related("package"), to_attr="live_claims")
    trips = (
        Trip.objects.filter(store=store, state__in=TRIP_OPEN)
        .select_related("associate", "shift")
        .defer("quote")
        .prefetch_related(live, "stops")
        .order_by("shift__ends_at", "pk")
    )
    rows = []
    for trip in trips:
        claims: list[Claim] = trip.live_claims
        waiting = (PackageState.CLAIMED, PackageState.LOADED, PackageState.OUT)
        to_do = {claim.stop_id for claim in claims if claim.package.state in waiting}
        stops = list(trip.stops.all())
        rows.append(
            TripRow(
                trip=trip,
                stops=len(stops),
                stops_done=sum(stop.pk not in to_do for stop in stops),
                in_hand=sum(claim.package.holder_id is not None for claim in claims),
                packages=len(claims),
            )
        )
    return rows


def board(store: Store, now: datetime) -> dict[str, Any]:
    """Everything the board shows; a constant number of queries however long the evening."""
    mine = Package.objects.filter(store=store)
    risky = list(at_risk(mine, now)[: MOST_ROWS + 1])
    weak_pins = mine.not_ended().filter(state__in=[PackageState.RECEIVED, PackageState.STAGED], precision=Precision.ZIP)
    problems = (
        DeliveryException.objects.filter(trip__store=store, resolved_at=None)
        .select_related("package", "trip__associate")
        .order_by("at")
    )
    stranded: dict[int, Stranded] = {}
    for problem in problems:
        if problem.reason == DeliveryException.Reason.CANNOT_GO_ON:
            known = stranded.get(problem.trip_id)
            count = known.packages + 1 if known else 1
            stranded[problem.trip_id] = Stranded(problem.trip, count, problem.at, age(problem.at, now))
    offers = (
        Offer.objects.filter(store=store, state=OfferState.SENT, expires_at__gt=now)
        .only("pk", "pay_cents", "expires_at")
        .annotate(held=Count("lines"))
        .order_by("expires_at", "pk")
    )
    carried = (
        Manifest.objects.filter(store=store, made_at__gte=store.evening_began(now))
        .select_related("carrier")
        .annotate(held=Count("tenders"), cents=Sum("tenders__cents"))
    )
    cutoff = store.cutoff(store.evening(now))
    return {
        "store": store,
        "now": now,
        "halts": switches.open_in(store.pk).select_related("off_user"),
        "figures": figures(store, now),
        "risky": [(package, package.deliver_by - now, package.deliver_by <= now) for package in risky[:MOST_ROWS]],
        "risky_more": len(risky) > MOST_ROWS,
        "risky_url": packages_url(store, promise="soon"),
        "weak_pins": weak_pins.count(),
        "weak_pins_url": packages_url(store, precision__exact=Precision.ZIP, state__in="received,staged"),
        "trips": trips_tonight(store),
        "stranded": list(stranded.values()),
        "problems": [(problem, age(problem.at, now)) for problem in list(problems)[:MOST_ROWS]],
        "problems_url": packages_url(store, problem="open"),
        "offers": [(offer, offer.expires_at - now) for offer in offers[:MOST_ROWS]],
        "manifests": list(carried[:MOST_ROWS]),
        "rating": rating(store, now),
        "cutoff": cutoff,
        "before_cutoff": cutoff - now,
        "cutoff_passed": cutoff <= now,
    }


def rating(store: Store, now: datetime) -> dict[str, Any] | None:
    """What customers of the last month said, as one number for the store; None while so few have that it would be a
    person's."""
    since = store.evening(now) - timedelta(days=RATED_OVER)
    told = RatingTally.objects.filter(store=store, day__gte=since).aggregate(
        n=Sum("count"), stars=Sum(F("stars") * F("count"))
    )
    if (told["n"] or 0) < FEWEST_RATINGS:
        return None
    return {"count": told["n"], "stars": told["stars"] / told["n"]}


@staff_page
def tonight_view(request: HttpRequest, desk: Desk) -> HttpResponse:
    """The page, or with `?part=1` only what changes: the script asks for that when something moved. `?show=trips` cuts it
    down to one part, for a handheld."""
    wanted = request.GET.get("show", "")
    if wanted not in PARTS:
        raise Http404
    context = {**board(desk.store, timezone.now()), "wanted": wanted}
    if request.GET.get("part"):
        response: HttpResponse = TemplateResponse(request, "admin/staff/tonight_board.html", context)
    else:
        page = {
            "title": _("Tonight"), "stores": desk.stores, "page_url": reverse("staff:tonight"), "parts": PARTS.items(),
        }  # fmt: skip
        response = show(request, "admin/staff/tonight.html", {**context, **page})
    response["Cache-Control"] = "private, no-store"
    return response
