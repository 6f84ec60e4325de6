"""A package comes in, onto the bay, into waiting, or out of the books."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from deliveries import carrier_only
from deliveries.actors import Actor
from deliveries.carriers import rates
from deliveries.models import Event, Package
from deliveries.models.package import PIN_MOVES_IN
from deliveries.states import PackageState
from stores.models import Store
from stores.places import Located, Point, Precision, distance_m

from . import Refused
from .moves import WrongState, move, note, speak_after_commit


class NothingThere(Refused):
    code = "unknown_label"
    sentence = _("No package here has that code. Check the label, or type its letters and digits again.")


@transaction.atomic
def receive(*, packages: Sequence[Package], by: Actor, now: datetime) -> list[Package]:
    """Take new, unsaved packages into the books, in bulk, each with its first Event.

    The caller (`deliveries/intake`) has checked them; a reference or label that exists raises IntegrityError.
    """
    for package in packages:
        package.state, package.version = PackageState.RECEIVED, 1
        package.state_since = package.received_at = now
    for package, wants_the_carrier in zip(packages, carrier_only.asked(packages), strict=True):
        package.carrier_asked = wants_the_carrier
    rates.price(packages, now=now)
    created = Package.objects.bulk_create(packages, batch_size=1000)
    events = Event.objects.bulk_create(
        [
            Event(
                package=package, store_id=package.store_id, version=1, verb="receive", from_state="",
                to_state=PackageState.RECEIVED, at=now, happened_at=now, by_kind=by.kind, by_user_id=by.user_id,
                by_name=by.name,
            )
            for package in created
        ],
        batch_size=1000,
    )  # fmt: skip
    speak_after_commit([event.pk for event in events])
    return created


@transaction.atomic
def stage(*, packages: Sequence[Package], by: Actor, now: datetime) -> list[Package]:
    """Scanned onto the bay: bench-ready, and from now on offerable. Twice is once."""
    locked = Package.objects.for_update([package.pk for package in packages])
    move([package for package in locked if package.state != PackageState.STAGED], "stage", by=by, now=now)
    return locked


@transaction.atomic
def hold(*, package: Package, by: Actor, now: datetime, reason: str) -> Package:
    """Keep it in the store; the customer comes for it."""
    [locked] = Package.objects.for_update([package.pk])
    move([locked], "hold", by=by, now=now, reason=reason)
    return locked


@transaction.atomic
def collect(*, package: Package, by: Actor, now: datetime) -> Package:
    """The customer has come for it."""
    [locked] = Package.objects.for_update([package.pk])
    move([locked], "collect", by=by, now=now)
    return locked


@transaction.atomic
def confirm_pin(*, package: Package, point: Point, by: Actor, now: datetime) -> Package:
    """Somebody looked at the map and says: the door is there. Only while the package is in the store."""
    [locked] = Package.objects.for_update([package.pk])
    if locked.state not in PIN_MOVES_IN:
        raise WrongState
    locked.lat, locked.lon, locked.precision = point.lat, point.lon, Precision.MANUAL
    locked.locate_after = None
    locked.save(update_fields=["lat", "lon", "precision", "locate_after"])
    return locked


@transaction.atomic
def locate(*, packages: Sequence[Package], place: Located | None, by: Actor, now: datetime) -> list[Package]:
    """Their address was looked up: it is at `place`, or nobody knows (None). Those whose pin is no longer asked for stay.

    A ZIP-precise place is only a better point to begin from: staff and the customer are still asked. A door beyond the
    store's radius is the carrier's. Returns those that can be driven to now.
    """
    locked = [each for each in Package.objects.for_update([each.pk for each in packages]) if each.asks_for_pin]
    for package in locked:
        package.locate_after = None
        if place is None:
            continue
        package.lat, package.lon, package.precision = place.point.lat, place.point.lon, place.precision
        if distance_m(place.point, Point(package.store.lat, package.store.lon)) > package.store.radius_m:
            package.associate_ok = False
    Package.objects.bulk_update(locked, ["lat", "lon", "precision", "associate_ok", "locate_after"])
    found = [package for package in locked if package.precision != Precision.ZIP]
    note(found, "locate", by=by, now=now)
    return found


@transaction.atomic
def take_to_look_up(*, store: Store, most: int, now: datetime, until: datetime) -> list[Package]:
    """Packages of `store` whose address is due to be looked up, the most urgent first; nobody else takes them `until`
    then. Whoever takes them and dies leaves them to be taken again after that."""
    due = Package.objects.to_be_located(now).filter(store=store).order_by("deliver_by", "pk")
    taken = list(due.select_for_update(skip_locked=True, of=("self",))[:most])
    Package.objects.filter(pk__in=[package.pk for package in taken]).update(locate_after=until)
    return taken


def look_again(*, packages: Sequence[Package], after: datetime | None, tried: bool) -> None:
    """Look their addresses up again `after` then, never where it is None; `tried` when somebody was asked in vain."""
    tries = F("locate_tries") + (1 if tried else 0)
    Package.objects.filter(pk__in=[package.pk for package in packages], locate_after__isnull=False).update(
        locate_after=after, locate_tries=tries
    )
