"""What a store's carrier charges by the store's own table of rates.

Who is believed, first to last: the carrier itself, where it has an API and answers; the table, because it is what this
store and this carrier agreed, with dates; the retailer's `carrier_usd`, which was written before anybody knew who comes. A
store without a table works by the retailer's figure alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import structlog
from django.db.models import Q, QuerySet
from django.utils.formats import date_format, number_format
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from deliveries.models import Carrier, CarrierRate, Package
from deliveries.models.package import HEAVIEST_G
from stores import units
from stores.models import Store

from .service import NotNow, service_of

log = structlog.get_logger(__name__)
HEAVIEST_LB = units.pounds(HEAVIEST_G)  # rounded down to a tenth


def asked(store: Store, packages: Sequence[Package]) -> dict[int, int]:
    """What the store's carrier itself says it charges, in cents by package id; nothing when it does not answer. Slow: it
    may ask over the network, so no transaction is to be open."""
    carrier = Carrier.objects.filter(store=store, active=True).first()
    try:
        return service_of(carrier).rates(packages) if carrier else {}
    except NotNow as failure:
        log.warning("carriers.no_rates", carrier=carrier.pk if carrier else None, error=failure.code)
        return {}


def listed(packages: Sequence[Package], *, now: datetime) -> list[int | None]:
    """The table's price of each on its store's day of `now`, in cents; None where the table says nothing. One query."""
    table: dict[int, list[CarrierRate]] = defaultdict(list)
    stores = {package.store_id for package in packages}
    rows = CarrierRate.objects.filter(carrier__store__in=stores, carrier__active=True).select_related("carrier__store")
    for rate in rows:
        table[rate.carrier.store_id].append(rate)
    found: list[int | None] = []
    for package in packages:
        lines = table.get(package.store_id, [])
        day = lines[0].carrier.store.evening(now) if lines else None
        found.append(
            next((rate.cents for rate in lines if day and rate.holds(day, package.zip, package.weight_g)), None)
        )
    return found


def price(packages: Sequence[Package], *, now: datetime) -> None:
    """Set the price that plans and reports go by, of packages not saved yet. What the retailer said is kept beside it."""
    for package, cents in zip(packages, listed(packages, now=now), strict=True):
        if cents is not None:
            package.carrier_said_cents, package.carrier_cents = package.carrier_cents, cents


# --- Writing the table: by hand (`admin/carriers.py`) and from a file (`intake/rates.py`) ------------------------------------
@dataclass(frozen=True, slots=True)
class Wrong:
    """What a line may not say: which field of the row, a code for programs and a sentence with the way out."""

    field: str
    code: str
    sentence: Promise


def wrong(line: CarrierRate, *, today: date, begun: bool = False) -> Iterator[Wrong]:
    """What is wrong about a line alone, on its store's `today`. `begun`: it is history, and only its last day is new."""
    if not begun:
        if line.over_g >= line.up_to_g:
            yield Wrong("up_to_g", "weights_order", _("Write a higher weight than the one it begins over."))
        if line.zip_from > line.zip_to:
            yield Wrong("zip_to", "zips_order", _("Write the same ZIP code as the first, or a higher one."))
        if line.effective_from < today:
            sentence = _("A rate begins today at the earliest: what is past was paid already.")
            yield Wrong("effective_from", "rate_past", sentence)
    if line.effective_until and line.effective_until < max(line.effective_from, today):
        sentence = _("The last day is today at the earliest, and not before the first.")
        yield Wrong("effective_until", "rate_ends", sentence)


def meeting(line: CarrierRate) -> QuerySet[CarrierRate]:
    """The other lines of its carrier that would hold some package on some day, too. Whoever goes by this holds the
    carrier's row (`select_for_update`), so that two who write at once are told, and not the database."""
    others = CarrierRate.objects.filter(
        Q(effective_until=None) | Q(effective_until__gte=line.effective_from), carrier=line.carrier_id,
        zip_from__lte=line.zip_to, zip_to__gte=line.zip_from, over_g__lt=line.up_to_g, up_to_g__gt=line.over_g,
    ).exclude(pk=line.pk)  # fmt: skip
    if line.effective_until:
        others = others.filter(effective_from__lte=line.effective_until)
    return others.order_by("effective_from", "zip_from", "over_g")


def follows(line: CarrierRate, other: CarrierRate) -> bool:
    """Whether `line` takes over all of `other`, which began earlier and is open: then `other` may end the day before."""
    return (
        other.effective_until is None
        and other.effective_from < line.effective_from
        and line.zip_from <= other.zip_from
        and other.zip_to <= line.zip_to
        and line.over_g <= other.over_g
        and other.up_to_g <= line.up_to_g
    )


def grams(pounds: Decimal) -> int:
    """A weight of the table as it is stored; the heaviest that pounds can say is the heaviest there is."""
    return HEAVIEST_G if pounds >= HEAVIEST_LB else units.grams(pounds)


# --- As people read it -------------------------------------------------------------------------------------------------------
def zips(line: CarrierRate) -> str:
    """ "07000–07999", "07002" or "everywhere"."""
    if (line.zip_from, line.zip_to) == ("00000", "99999"):
        return gettext("everywhere")
    return line.zip_from if line.zip_from == line.zip_to else f"{line.zip_from}–{line.zip_to}"


def weights(line: CarrierRate) -> str:
    """ "0 – 5 lb"."""
    over, up_to = (number_format(units.pounds(value), use_l10n=True) for value in (line.over_g, line.up_to_g))
    return gettext("%(over)s – %(up_to)s lb") % {"over": over, "up_to": up_to}


def described(line: CarrierRate) -> str:
    """One line in a sentence: where, how heavy, how much, since when."""
    since = gettext("from %(day)s") % {"day": date_format(line.effective_from, "DATE_FORMAT")}
    return ", ".join([zips(line), weights(line), units.dollars(line.cents), since])
