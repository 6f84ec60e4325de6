"""Offers go out, lapse, and are withdrawn. None of it says who did not want what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from associates.models import Associate
from deliveries import hours, live, notices
from deliveries.actors import Actor, system
from deliveries.models import Offer, OfferPackage, Package, Round
from deliveries.quoting import PlannedTrip
from deliveries.states import TRIP_OVER, OfferState, PackageState
from stores.models import Store

from . import Refused
from .moves import move


class OfferGone(Refused):
    code = "offer_gone"
    sentence = _("This offer is no longer open. Look at your offers for what there is now.")


class OfferWithdrawn(OfferGone):
    code = "offer_withdrawn"
    sentence = _("This offer was taken back. That says nothing about you, and there may be another one tonight.")


@dataclass(frozen=True, slots=True)
class Planned:
    """What a round found: figures for the Round row, and the trips to offer with the time each is open until."""

    packages: int
    associates: int
    status: str
    objective_ticks: int
    bound_ticks: int | None
    seconds: float
    trips: Sequence[tuple[PlannedTrip, datetime]]
    package_reasons: Mapping[str, str] = field(default_factory=dict)
    associate_reasons: Mapping[str, str] = field(default_factory=dict)


@transaction.atomic
def send_round(*, store: Store, slot_at: datetime, planned: Planned, by: Actor, now: datetime) -> Round | None:
    """Write one sealed round and its offers, all or nothing; None when this slot's round is already there.

    Between planning and now the world moved: a trip is left out when one of its packages is no longer staged, or
    its customer asked for something else, or its associate has an open offer, a trip, other shifts than were planned
    from, or rests tonight. The next round plans again.
    """
    round_, fresh = Round.objects.get_or_create(
        store=store,
        slot_at=slot_at,
        defaults={
            "made_at": now,
            "packages": planned.packages,
            "associates": planned.associates,
            "offers_sent": 0,
            "status": planned.status,
            "objective_ticks": planned.objective_ticks,
            "bound_ticks": planned.bound_ticks,
            "seconds": planned.seconds,
            "package_reasons": dict(planned.package_reasons),
            "associate_reasons": dict(planned.associate_reasons),
        },
    )
    if not fresh:
        return None
    people = {
        person.pk: person
        for person in Associate.objects.filter(pk__in=[trip.associate_id for trip, _until in planned.trips])
        .order_by("pk")
        .select_for_update()
    }
    wanted = [package_id for trip, _until in planned.trips for package_id in trip.quote.packages]
    staged = {p.pk: p for p in Package.objects.for_update(wanted) if p.state == PackageState.STAGED and p.may_go(now)}
    busy = set(Offer.objects.filter(associate__in=people, state=OfferState.SENT).values_list("associate_id", flat=True))
    busy |= set(
        store.trips.filter(associate__in=people).exclude(state__in=TRIP_OVER).values_list("associate_id", flat=True)
    )
    days = hours.spans(trip.shift_id for trip, _until in planned.trips)
    evening = store.evening(now)
    sent: list[tuple[Offer, list[Package]]] = []
    for trip, until in planned.trips:
        person = people[trip.associate_id]
        free = person.pk not in busy and person.state == Associate.State.ACTIVE and person.resting_on != evening
        day = days.get(trip.shift_id)
        free = free and day is not None and day.allows(trip.day)
        if free and until > now and all(package_id in staged for package_id in trip.quote.packages):
            offer = Offer(
                store=store, round=round_, associate=person, shift_id=trip.shift_id, sent_at=now, expires_at=until,
                quote=trip.quote.to_json(), quote_digest=trip.quote.digest, pay_cents=trip.quote.cents,
                extra_s=trip.quote.extra_s, extra_m=trip.quote.extra_m,
                stops=[asdict(stop) for stop in trip.stops],
            )  # fmt: skip
            sent.append((offer, [staged[package_id] for package_id in trip.quote.packages]))
    Offer.objects.bulk_create([offer for offer, _packages in sent])
    OfferPackage.objects.bulk_create(
        [
            OfferPackage(offer=offer, package=package, position=position)
            for offer, packages in sent
            for position, package in enumerate(packages)
        ]
    )
    move([package for _offer, packages in sent for package in packages], "offer", by=by, now=now)
    round_.offers_sent = len(sent)
    round_.save(update_fields=["offers_sent"])
    notices.owe_offers([offer for offer, _packages in sent], now=now)
    for offer, _packages in sent:
        _tell(offer)
    return round_


@transaction.atomic
def not_tonight(*, by: Associate, now: datetime, offer: Offer | None = None) -> None:
    """ "Not tonight": the open offer lapses like one whose time passed, and nothing more is sent this evening.

    Costs nothing and is counted nowhere. Without an open offer, or on one that is over, it only says "not tonight".
    """
    person = Associate.objects.select_for_update().get(pk=by.pk)
    person.resting_on = person.store.evening(now)
    person.save(update_fields=["resting_on"])
    mine = Offer.objects.select_for_update().filter(associate=person, state=OfferState.SENT)
    if offer is not None:
        mine = mine.filter(pk=offer.pk)
    for each in mine:
        _close(each, OfferState.LAPSED, by=system("offers"), now=now)


@transaction.atomic
def tonight_after_all(*, by: Associate, now: datetime) -> None:
    """Takes "not tonight" back."""
    Associate.objects.filter(pk=by.pk).update(resting_on=None)


@transaction.atomic
def lapse(*, offer: Offer, now: datetime) -> bool:
    """The offer's time has passed: its packages return to the next round. False when it was no longer open."""
    Associate.objects.select_for_update().get(pk=offer.associate_id)
    locked = Offer.objects.select_for_update().get(pk=offer.pk)
    if locked.state != OfferState.SENT or locked.expires_at > now:
        return False
    _close(locked, OfferState.LAPSED, by=system("offers"), now=now)
    return True


@transaction.atomic
def withdraw(*, offer: Offer, by: Actor, now: datetime, reason: str) -> None:
    """The store takes an open offer back, with a reason. Raises OfferGone when it is not open any more."""
    Associate.objects.select_for_update().get(pk=offer.associate_id)
    locked = Offer.objects.select_for_update().get(pk=offer.pk)
    if locked.state != OfferState.SENT:
        raise OfferGone
    _close(locked, OfferState.WITHDRAWN, by=by, now=now, reason=reason)


def _close(offer: Offer, state: OfferState, *, by: Actor, now: datetime, reason: str = "") -> None:
    """Close a locked, open offer and put its packages back on the bay."""
    packages = Package.objects.for_update(list(offer.lines.filter(open=True).values_list("package_id", flat=True)))
    move([p for p in packages if p.state == PackageState.OFFERED], "release", by=by, now=now, reason=reason)
    offer.lines.update(open=False)
    offer.state = state
    offer.save(update_fields=["state"])
    _tell(offer)


def _tell(offer: Offer) -> None:
    """The associate's own pages look again once this is committed."""
    associate_id = offer.associate_id
    transaction.on_commit(lambda: live.nudge_associate(associate_id), robust=True)
