"""A store in the middle of an evening, made through the verbs: something in every state that staff look at, each with
words that can be searched for in what other people are shown."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import uuid4

from django.core.files.base import ContentFile
from django.db.models import Model

from associates.models import Associate, Shift
from deliveries import actors, hours, pay, payroll, quoting
from deliveries.actions import (
    approving,
    carriers,
    claims,
    dropoffs,
    exceptions,
    handover,
    ledger,
    offers,
    receiving,
    running,
    trips,
    webhooks,
)
from deliveries.models import (
    Carrier,
    CarrierRate,
    DeliveryException,
    Event,
    Import,
    LedgerEntry,
    Manifest,
    Offer,
    Package,
    PayApproval,
    Proof,
    Round,
    StopRule,
    Trip,
    WebhookDelivery,
)
from deliveries.states import OfferState
from stores.models import ApiKey, Holiday, PayPlan, Store
from stores.places import Point, Precision
from tests import make

NOW = make.EVENING
_slots = itertools.count()
HOME_AREA = "Canary Heights"
# The home cell of Ana, as any page would have to print it.
HOME = Point(40.6991, -74.1313)


@dataclass
class World:
    """One store and one row of every model that staff see there."""

    store: Store
    word: str
    people: dict[str, Associate] = field(default_factory=dict)
    packages: dict[str, Package] = field(default_factory=dict)
    rows: list[Model] = field(default_factory=list)
    imported: list[Import] = field(default_factory=list)
    approved: list[PayApproval] = field(default_factory=list)

    @property
    def canaries(self) -> list[str]:
        """Words that only this store's rows hold."""
        return [self.word, *[package.label for package in self.packages.values()]]

    def one(self, model: type[Model]) -> Any:
        return next(row for row in self.rows if isinstance(row, model))


def offer_to(person: Associate, shift: Shift, packages: list[Package], *, now: datetime, until: datetime) -> Offer:
    """An open offer of exactly these packages, by the verb that sends rounds; quoted by hand, which is quicker."""
    ids = tuple(package.pk for package in packages)
    rates = quoting.rates(PayPlan.on(person.store, now.date()), now.date())
    planned = quoting.PlannedTrip(
        person.pk,
        shift.pk,
        hours.span_of(shift),
        tuple(quoting.PlannedStop((package.pk,), package.lat, package.lon, 300, 1500) for package in packages),
        pay.quote(rates, ids, paid_s=300 * len(ids), paid_m=1500 * len(ids), extra_s=200, extra_m=900),
    )
    offers.send_round(
        store=person.store,
        slot_at=now + timedelta(seconds=next(_slots)),
        planned=offers.Planned(len(packages), 1, "optimal", 0, 0, 0.1, [(planned, until)]),
        by=actors.system("rounds"),
        now=now,
    )
    return Offer.objects.get(associate=person, state=OfferState.SENT)


def claimed(person: Associate, shift: Shift, packages: list[Package], *, now: datetime) -> Trip:
    offer = offer_to(person, shift, packages, now=now, until=now + timedelta(minutes=30))
    return claims.claim(
        planned=claims.planned_from(offer), shown=offer.quote_digest, by=person, now=now, key=uuid4(), offer=offer
    )


def name_of_list(model: type[Model]) -> str:
    """A model as the admin's addresses name it: "deliveries_package"."""
    return f"{model._meta.app_label}_{model._meta.model_name}"


def build(word: str = "Zanzibar", *, store: Store | None = None, now: datetime = NOW) -> World:
    """The evening at `now`, in a store of its own or once more in `store`. `word` is in every name of it."""
    store = store or make.store(name=f"{word} store")
    world = World(store, word)
    early = now - timedelta(hours=2)

    def package(name: str, **more: Any) -> Package:
        made = make.package(
            store, now=early, recipient=f"{word} {name}", address1=f"{next(_slots) + 1} {word} Lane",
            deliver_by=now + timedelta(hours=4), **more,
        )  # fmt: skip
        world.packages[name] = made
        return made

    def person(name: str, ends_at: datetime) -> tuple[Associate, Shift]:
        worker = make.employee(store, first_name=f"{name}{word}", last_name=word)
        made = make.associate(store, employee=worker, lives=HOME, area=HOME_AREA, insured_until=date(2027, 3, 1))
        world.people[name] = made
        return made, make.shift(made, ends_at=ends_at)

    package("received", staged=False)
    package("weak", staged=False, precision=Precision.ZIP)
    package("staged")
    package("soon").deliver_by = now + timedelta(minutes=30)
    Package.objects.filter(pk=world.packages["soon"].pk).update(deliver_by=now + timedelta(minutes=30))

    # An offer that is open, and one that somebody did not want.
    ben, ben_shift = person("Ben", now + timedelta(hours=1))
    offer_to(ben, ben_shift, [package("offered")], now=early, until=now + timedelta(minutes=40))
    cyd, cyd_shift = person("Cyd", now + timedelta(hours=1))
    lapsed = offer_to(cyd, cyd_shift, [package("lapsed")], now=early, until=now + timedelta(minutes=40))
    offers.not_tonight(offer=lapsed, by=cyd, now=early)

    # A trip still at the bay.
    dee, dee_shift = person("Dee", now + timedelta(minutes=10))
    claimed(dee, dee_shift, [package("claimed"), package("claimed too")], now=early)

    # A trip that is over, paid, with a proof.
    eve, eve_shift = person("Eve", early)
    done = claimed(eve, eve_shift, [package("delivered")], now=early - timedelta(minutes=20))
    handover.load(trip=done, label=world.packages["delivered"].label, by=actors.associate(eve.user_id), now=early)
    trips.depart(trip=done, by=eve, now=early)
    dropoffs.deliver(
        package=world.packages["delivered"], by=eve, now=early + timedelta(minutes=20), key=uuid4(),
        photo=ContentFile(b"\xff\xd8 a photo"), position=dropoffs.Position(world.packages["delivered"].point, 10),
    )  # fmt: skip
    done.refresh_from_db()
    trips.settle(trip=done, now=early + timedelta(minutes=25))

    # A trip on the road with a problem at the door, and a return on the shelf.
    ana, ana_shift = person("Ana", now - timedelta(minutes=40))
    loads = [package("attempted"), package("out"), package("returned")]
    out = claimed(ana, ana_shift, loads, now=early)
    for load in loads:
        handover.load(trip=out, label=load.label, by=actors.associate(ana.user_id), now=now - timedelta(minutes=38))
    trips.depart(trip=out, by=ana, now=now - timedelta(minutes=35))
    for load in (loads[0], loads[2]):
        exceptions.attempt(
            package=load, reason="nobody_home", by=ana, now=now - timedelta(minutes=10), key=uuid4(), note=f"{word} dog"
        )
    exceptions.bring_back(package=loads[2], by=ana, now=now - timedelta(minutes=9))
    exceptions.receive_return(package=loads[2], by=actors.system("test"), now=now - timedelta(minutes=2))

    carriers.tender(
        store=store, packages=[package("carried")], by=actors.system("test"), now=now - timedelta(minutes=5),
        reason=f"{word} was late",
    )  # fmt: skip
    receiving.hold(package=package("held"), by=actors.system("test"), now=now, reason=f"{word} asked")
    for made in world.packages.values():
        made.refresh_from_db()

    lead = make.staff(store, first_name=f"Lead{word}")
    imported = Import.objects.create(
        kind="packages", media="csv", file_name=f"{word}.csv", by_user=lead, status="done", rows=1, taken=1, rejected=1,
        made_at=now, started_at=now, ended_at=now,
    )  # fmt: skip
    imported.stores.add(store)
    fault = {"row": 2, "column": "zip", "value": f"{word} zip", "code": "zip", "message": "Write a ZIP of five digits."}
    imported.troubled.create(row=2, outcome="rejected", cells={"recipient": f"{word} name"}, faults=[fault])
    world.imported = [imported]
    # The pay week before this one, in which nothing was earned.
    week = payroll.calendar(store).recent(now, 2)[1]
    world.approved = [
        approving.approve(
            store=store, first=week.first, last=week.last, by=actors.staff(lead.pk), now=now, reason=f"{word} looked",
            shown=payroll.make_file(store, week.first, week.last, now=now).digest,
        )
    ]  # fmt: skip
    days = Holiday.objects.filter(store=store).count()
    Holiday.objects.create(store=store, day=date(2026, 12, 25 + days), name=f"{word} Day")
    key = ApiKey.objects.create(name=f"{word} orders", scopes=["packages:write"])
    key.secrets.create(slot=1, secret_hash=uuid4().bytes, made_at=now, expires_at=now + timedelta(days=90))
    key.stores.add(store)
    webhook, _secret = webhooks.set_up(key=key, url="https://orders.example.com/in", stores=[store], now=now)
    told = Event.objects.filter(store=store).earliest("pk")
    world.rows = [
        store,
        lead.staff_roles.get(),
        PayPlan.objects.get(store=store),
        Holiday.objects.filter(store=store).latest("pk"),
        key,
        webhook,
        WebhookDelivery.objects.create(
            webhook=webhook,
            event=told,
            store=store,
            package=told.package,
            version=told.version,
            made_at=now,
            due_at=now,
        ),
        ana.employee,
        ana_shift,
        ana,
        world.packages["received"],
        Offer.objects.filter(store=store, state=OfferState.SENT).latest("pk"),
        Round.objects.filter(store=store).earliest("pk"),
        out,
        Proof.objects.get(trip=done),
        DeliveryException.objects.filter(trip=out).earliest("pk"),
        Event.objects.filter(store=store).latest("pk"),
        LedgerEntry.objects.filter(store=store).earliest("pk"),
        ledger.dispute(trip=done, words=f"{word} toll", by=done.associate, now=now),
        Carrier.objects.get(store=store),
        CarrierRate.objects.get_or_create(
            carrier=Carrier.objects.get(store=store),
            zip_from="99950",
            zip_to="99950",
            effective_from=date(2026, 1, 1),
            defaults={"cents": 4000},
        )[0],
        running.move_cutoff(
            store=store, to=time(21, 30), by=actors.system("test"), now=now, reason=f"{word} truck"
        ).decisions.latest("pk"),
        Manifest.objects.filter(store=store).latest("pk"),
        StopRule.objects.get_or_create(store=store, kind="late", defaults={"limit": 50, "least": 5})[0],
    ]
    return world
