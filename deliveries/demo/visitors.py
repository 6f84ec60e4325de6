"""Ways into the demo: who can sign in, who can sign up, what there is to see, and which packages to follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from associates.models import Associate, Employee
from deliveries import links
from deliveries.models import Offer, Package, Swap, Transfer
from deliveries.states import OfferState, PackageState
from stores.models import Language, Store, User

from . import crew, pilot, scenes


@dataclass(frozen=True, slots=True)
class SignIn:
    """One account of the demo. `where` is the page it is for."""

    label: str | Promise
    email: str
    password: str
    where: str


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody on the roster who has not signed up: what `/join/` asks for."""

    store: Store
    employee_number: str
    birth_date: str


@dataclass(frozen=True, slots=True)
class Watched:
    """A package and its customer's private link."""

    package: Package
    url: str


@dataclass(frozen=True, slots=True)
class Sight:
    """Something that an evening has, and who sees it: an account (`email`, at the page `where`), or a customer, whose link
    `customer_token(name)` is for. Either may be empty."""

    what: str | Promise
    email: str
    where: str
    name: str


def sights(now: datetime) -> list[Sight]:
    """What of `scenes` there is to see at `now`; what is over is left out, all of it in production."""
    if settings.PRODUCTION:
        return []
    there = {name: package for name in scenes.NAMES if (package := scenes.package(name))}
    found = []

    def add(name: str, states: tuple[PackageState, ...], what: Promise, where: str = "", email: str = "") -> None:
        package = there.get(name)
        if package is not None and package.state in states and package.deliver_by > now - timedelta(hours=12):
            holder = package.trip.associate.user.email if package.trip else ""
            found.append(Sight(what, (email or holder) if where else "", where, name))

    road, delivered = (PackageState.OUT, PackageState.ATTEMPTED), (PackageState.DELIVERED,)
    in_store = (PackageState.STAGED, PackageState.OFFERED, PackageState.CLAIMED, PackageState.RECEIVED)
    lead = crew.lead_of(scenes.PLACE.number)
    add("PIN", road, _("A valuable package: a PIN at the door, a sealed gate code, a text from its customer"), "/trip/")
    add("MEDICINE", road, _("Medicine: under “Problem” it may go back to the store, but not stay overnight"), "/trip/")
    given = Transfer.objects.filter(packages=there.get("GIVEN"), taker__isnull=False, done_at=None, withdrawn_at=None)
    if given.exists():
        add(
            "GIVEN",
            road,
            _("A hand-over on the road: the colleague said yes, the giver confirms it"),
            "/trip/hand-over/",
        )
    asked = Swap.objects.filter(lines__package=there.get("SWAP"), expires_at__gt=now).first()
    if asked is not None:
        who = asked.colleague.user.email
        add("SWAP", (PackageState.CLAIMED,), _("A colleague asks to swap; open for 20 minutes"), "/today/", who)
    missing = _("“I did not get it”: a problem for the store’s lead, with the photo beside it")
    add("MISSING", delivered, missing, "/admin/deliveries/deliveryexception/", lead)
    add("RATED", delivered, _("Delivered, rated, and thanked for"), "/earnings/")
    add("DAY", in_store, _("Its customer moved it to another day"))
    add("PICKUP", (PackageState.HELD_FOR_PICKUP,), _("Its customer picks it up at the store"))
    add("DOOR", in_store, _("Its customer moved the pin and chose the side door"))
    return found


def customer_token(name: str, now: datetime) -> str | None:
    """A new private link's token for the package of this sight; None where there is no such package."""
    package = scenes.package(name) if name in scenes.NAMES and not settings.PRODUCTION else None
    return links.issue(package=package, now=now) if package else None


def sign_ins() -> list[SignIn]:
    """Accounts to try, the most telling ones first; empty where there is no demo, and always in production."""
    if settings.PRODUCTION:
        return []
    found = []
    for place in pilot.PILOT:
        store = Store.objects.filter(number=place.number).first()
        if store is None:
            continue
        person = _to_show(store)
        if person:
            label = (
                _("Associate, %(city)s")
                if person.user.language == Language.ENGLISH
                else _("Associate, %(city)s, in Spanish")
            )
            found.append(_sign_in(label, place.city, person.user.email, "/offers/"))
    for place in pilot.PILOT:
        found.append(_sign_in(_("Store lead, %(city)s"), place.city, crew.lead_of(place.number), "/admin/"))
    first = pilot.PILOT[0]
    found += [
        _sign_in(_("Bay, %(city)s"), first.city, crew.bay_of(first.number), "/admin/"),
        SignIn(_("District, both New Jersey stores"), crew.DISTRICT, crew.PASSWORD, "/admin/"),
        SignIn(_("Administrator"), crew.ADMIN, crew.PASSWORD, "/admin/"),
    ]
    there = set(User.objects.filter(email__in=[one.email for one in found]).values_list("email", flat=True))
    return [one for one in found if one.email in there]


def _sign_in(label: str | Promise, city: str, email: str, where: str) -> SignIn:
    return SignIn(label % {"city": city}, email, crew.PASSWORD, where)


def _to_show(store: Store) -> Associate | None:
    """An associate of the demo with an open offer, best of all; else one whose shift ends next."""
    people = Associate.objects.filter(
        store=store, user__email__endswith=f"@{crew.DOMAIN}", state=Associate.State.ACTIVE
    )
    offered = Offer.objects.filter(associate=OuterRef("pk"), state=OfferState.SENT, expires_at__gt=timezone.now())
    return (
        people.annotate(offered=Exists(offered))
        .select_related("user")
        .order_by("-offered", "employee__reference")
        .first()
    )


def newcomers() -> list[Newcomer]:
    """One a store: employees of the demo who can sign up at `/join/`."""
    found = []
    for place in pilot.PILOT:
        worker = Employee.objects.filter(
            store__number=place.number, associate=None, active=True, reference__startswith=f"{place.number}-"
        ).first()  # fmt: skip
        if worker:
            found.append(Newcomer(worker.store, worker.reference, worker.birth_date.isoformat()))
    return found


def watch(packages: Sequence[Package], now: datetime) -> list[Watched]:
    """A new private link for each of these packages; only the hash of it is kept, so it cannot be printed again."""
    return [Watched(package, links.url(links.issue(package=package, now=now))) for package in packages]


def worth_watching(now: datetime, *, most: int = 3, store: Store | None = None) -> list[Watched]:
    """Links to packages that are likely to move: on the road, claimed, offered, in that order; a store at a time."""
    rank = [PackageState.OUT, PackageState.LOADED, PackageState.CLAIMED, PackageState.OFFERED, PackageState.STAGED]
    chosen: list[Package] = []
    numbers = [store.number] if store else [place.number for place in pilot.PILOT]
    for number in numbers:
        open_ = Package.objects.filter(store__number=number, state__in=rank, reference__startswith="D").select_related(
            "store"
        )
        chosen += sorted(open_, key=lambda package: (rank.index(PackageState(package.state)), package.pk))[
            : max(1, most // len(numbers))
        ]
    return watch(chosen[:most], now)
