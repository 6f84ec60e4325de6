"""A carrier's table of rates from a file: the rows that the form in the admin would make, one by one.

A line is known by its carrier, first day, ZIP codes and weights. The same again is "unchanged"; of a known line only the
last day is ever set. A line that begins later and holds all that an open one holds follows it: the open one ends the day
before. Whatever else meets a line is refused, as in the form; the rules are in `carriers/rates.py`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Unpack

import structlog
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.db.models import Q, QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from deliveries.actors import Actor
from deliveries.carriers import rates
from deliveries.models import Carrier, CarrierRate
from deliveries.models.carrier_rate import MOST_RATE_CENTS
from deliveries.models.package import HEAVIEST_G
from stores import units
from stores.feeds import fields
from stores.feeds.export import OUR_COLUMNS, cell_to_mend
from stores.feeds.report import Report
from stores.feeds.rows import Cells, How, Kind, KnownStores, import_rows
from stores.feeds.sheets import Column, Row, Sheet, Table
from stores.models import Store

log = structlog.get_logger(__name__)

# Pricing reads a store's whole table, so a table is no national tariff.
MOST_LINES = 5_000
RATES = Sheet(
    "rates",
    (
        Column("store", "The store's number.", "3520", required=True),
        Column("carrier", "Its name, as under Carriers; the active one when empty.", "Parcel carrier", longest=60),
        Column("effective_from", "First day, YYYY-MM-DD; today at the earliest.", "2027-01-01", required=True),
        Column("effective_until", "Last day; empty until another rate is to follow.", "2027-12-31"),
        Column("zip_from", "First ZIP code of the zone, five digits; everywhere when both are empty.", "07000"),
        Column("zip_to", "Last ZIP code of the zone.", "07999"),
        Column("over_lb", "Pounds where the line before it ends; 0 when empty.", "1"),
        Column("up_to_lb", "Pounds, this weight included; the heaviest when empty.", "5"),
        Column("price_usd", "In dollars.", "6.40", required=True),
    ),
)
# Fields of the row that the file has by another name.
_SHOWN_AS = {"up_to_g": "up_to_lb"}
_Key = tuple[int, date, str, str, int, int]


@dataclass(frozen=True, slots=True)
class Checked:
    """A row that is good in itself; its line has no carrier yet."""

    cells: Cells
    store: Store
    line: CarrierRate


def take_in(
    table: Table,
    *,
    stores: QuerySet[Store],
    by: Actor,
    now: datetime,
    **how: Unpack[How],
) -> Report:
    """Take the rates of `table` into the tables of `stores`; say what became of every row.

    Arguments and batches are those of `stores.feeds.rows.import_rows`. `by` is in the history of every line.
    """

    def take(rows: Sequence[Row], known: KnownStores) -> Report:
        batch = _Batch(known.named_in(rows), now)
        for row in rows:
            cells, checked = check(row, known)
            if checked is None:
                batch.report.reject(cells.faults)
            else:
                batch.sort_out(checked)
        batch.remember(by)
        return batch.report

    report = import_rows(table, kind=Kind.RATES, stores=stores, take=take, **how)
    log.info(
        "intake.rates", dry_run=report.dry_run, read=report.read, accepted=report.accepted, unchanged=report.unchanged,
        rejected=report.rejected,
    )  # fmt: skip
    return report


# --- One row ------------------------------------------------------------------------------------------------------------
def check(row: Row, known: KnownStores) -> tuple[Cells, Checked | None]:
    """Everything that can be said of a row alone. None when it has faults; they are in the Cells."""
    cells = Cells(row, RATES)
    if cells.shapeless:
        return cells, None
    take = cells.take
    store = take("store", known.by_number)
    first, last = take("effective_from", fields.day), take("effective_until", fields.day)
    if cells.has("zip_from") != cells.has("zip_to"):
        message = _("Write both ends of the zone, or leave both empty: then the line is for everywhere.")
        cells.fault("zip_to" if cells.has("zip_from") else "zip_from", "missing", message)
    zip_from, zip_to = take("zip_from", _zone_end) or "00000", take("zip_to", _zone_end) or "99999"
    over_g, up_to_g = take("over_lb", _grams) or 0, take("up_to_lb", _grams)
    cents = take("price_usd", lambda text: fields.cents(text, MOST_RATE_CENTS))
    if cells.faults or store is None or first is None or cents is None:
        return cells, None
    line = CarrierRate(
        effective_from=first, effective_until=last, zip_from=zip_from, zip_to=zip_to, over_g=over_g,
        up_to_g=HEAVIEST_G if up_to_g is None else up_to_g, cents=cents,
    )  # fmt: skip
    return cells, Checked(cells, store, line)


def _zone_end(text: str) -> str:
    """One end of a zone. Carriers write zones by their first three digits, which a spreadsheet may shorten, too."""
    digits = text.strip()
    if digits.isascii() and digits.isdigit() and len(digits) <= 3:
        message = _(
            "Write the zone's first and last ZIP code in full, such as 07000 and 07999 for the zone 070 to 079."
        )
        raise fields.Bad("zip_prefix", message)
    if len(digits) > 5:
        raise fields.Bad("zip", _("Write a ZIP of five digits, such as 07002."))
    return fields.zip5(digits)


def _grams(text: str) -> int:
    pounds = fields.decimal(text)
    if pounds > rates.HEAVIEST_LB:
        message = _("At most %(most)s pounds: nothing heavier is taken in.") % {"most": rates.HEAVIEST_LB}
        raise fields.Bad("too_heavy", message)
    return rates.grams(pounds)


# --- One batch ----------------------------------------------------------------------------------------------------------
class _Batch:
    """Some rows against the tables of their stores, each written before the next is looked at: rows of one file meet each
    other like all lines. Holds the carriers' rows, as the form does."""

    def __init__(self, stores: Iterable[Store], now: datetime) -> None:
        self.report, self._now = Report(), now
        self._carriers: dict[int, list[Carrier]] = {}
        carriers = Carrier.objects.filter(store__in=stores).order_by("pk").select_for_update(of=("self",))
        for carrier in carriers:
            self._carriers.setdefault(carrier.store_id, []).append(carrier)
        lines = CarrierRate.objects.filter(carrier__in=[one.pk for some in self._carriers.values() for one in some])
        self._known = {_key(line): line for line in lines}
        self._added: list[CarrierRate] = []
        self._ended: list[CarrierRate] = []

    def sort_out(self, row: Checked) -> None:
        """Write one row, or say what is wrong about it; count it."""
        line, cells = row.line, row.cells
        carrier = self._carrier(row)
        if carrier is not None:
            line.carrier = carrier
            today = row.store.evening(self._now)
            known = self._known.get(_key(line))
            if known is None:
                self._add(line, cells, today)
            elif self._same(known, line, cells, today):
                self.report.unchanged += 1
                return
        if cells.faults:
            self.report.reject(cells.faults)
        else:
            self.report.accepted += 1
            self.report.warnings += cells.warnings

    def _carrier(self, row: Checked) -> Carrier | None:
        """Whose line it is; None after a fault."""
        ours = self._carriers.get(row.store.pk, [])
        name = row.cells.text("carrier")
        if row.cells.faults:
            return None
        found = next((one for one in ours if (one.name == name if name else one.active)), None)
        if found is None and name:
            names = ", ".join(one.name for one in ours)
            message = _("This store has no carrier of that name. It has: %(names)s.") % {"names": names or "–"}
            row.cells.fault("carrier", "unknown_carrier", message)
        elif found is None:
            message = _("This store has no active carrier. Add one under Carriers, or name one in this column.")
            row.cells.fault("carrier", "no_carrier", message)
        return found

    def _add(self, line: CarrierRate, cells: Cells, today: date) -> None:
        """A line that is not in the table yet, where it fits; the open lines that it follows end."""
        for each in rates.wrong(line, today=today):
            cells.fault(_SHOWN_AS.get(each.field, each.field), each.code, str(each.sentence))
        if cells.faults:
            return
        day_before = line.effective_from - timedelta(days=1)
        met = list(rates.meeting(line))
        for other in met:
            if not rates.follows(line, other):
                message = _(
                    "This meets another line: %(other)s. Give that one a last day before this one begins, or choose other "
                    "ZIP codes or weights."
                )
                cells.fault("effective_from", "overlap", message % {"other": rates.described(other)})
                return
            if day_before < today:
                message = _("Another line holds today: %(other)s. What follows it begins tomorrow at the earliest.")
                cells.fault("effective_from", "rate_past", message % {"other": rates.described(other)})
                return
        for other in met:
            self._end(other, day_before)
            day = date_format(day_before, "DATE_FORMAT")
            message = _("It follows another line, whose last day is now %(day)s: %(other)s.")
            cells.warn("effective_from", "rate_follows", message % {"day": day, "other": rates.described(other)})
        line.save()
        self._known[_key(line)] = line
        self._added.append(line)

    def _same(self, known: CarrierRate, line: CarrierRate, cells: Cells, today: date) -> bool:
        """Whether a known line stays as it is; sets its last day, or adds the fault, where the row says otherwise."""
        if line.cents != known.cents:
            message = _(
                "This line is known with another price: %(other)s. Give it a last day, and write the new price with a later "
                "first day."
            )
            cells.fault("price_usd", "conflict", message % {"other": rates.described(known)})
            return False
        if line.effective_until == known.effective_until:
            return True
        if line.effective_until is None:
            return True  # a file that was sent again after a later one had ended this line
        line.pk = known.pk
        for each in rates.wrong(line, today=today, begun=True):
            cells.fault(each.field, each.code, str(each.sentence))
        if not cells.faults and (other := rates.meeting(line).first()):
            message = _("Until that day it would meet another line: %(other)s.") % {"other": rates.described(other)}
            cells.fault("effective_until", "overlap", message)
        if not cells.faults:
            self._end(known, line.effective_until)
        return False

    def _end(self, line: CarrierRate, day: date) -> None:
        known = self._known[_key(line)]
        known.effective_until = line.effective_until = day
        line.save(update_fields=["effective_until"])
        self._ended.append(known)

    def remember(self, by: Actor) -> None:
        """Who it was, in the history of each line, as after the form."""
        if by.user_id is None:
            return
        for lines, flag, said in (
            (self._added, ADDITION, _("Added from a file.")),
            (self._ended, CHANGE, _("Last day set from a file.")),
        ):
            if lines:
                LogEntry.objects.log_actions(by.user_id, lines, flag, said)


def _key(line: CarrierRate) -> _Key:
    return line.carrier_id, line.effective_from, line.zip_from, line.zip_to, line.over_g, line.up_to_g


# --- The table as such a file ---------------------------------------------------------------------------------------------
def table_csv(store: Store, today: date) -> str:
    """What the store's carriers charge from `today` on, as a file that comes back unchanged: to be looked through, or
    mended and sent."""
    text = io.StringIO(newline="")
    out = csv.writer(text)
    # A column of ours tells the reader that apostrophes before formulas are ours, too.
    out.writerow([*RATES.names, f"{OUR_COLUMNS}as_of"])
    lines = CarrierRate.objects.filter(Q(effective_until=None) | Q(effective_until__gte=today), carrier__store=store)
    for line in lines.select_related("carrier").order_by("carrier", "effective_from", "zip_from", "over_g"):
        everywhere = (line.zip_from, line.zip_to) == ("00000", "99999")
        out.writerow(
            [
                store.number, cell_to_mend(line.carrier.name), line.effective_from, line.effective_until or "",
                *(("", "") if everywhere else (line.zip_from, line.zip_to)),
                _pounds(line.over_g), "" if line.up_to_g == HEAVIEST_G else _pounds(line.up_to_g),
                f"{line.cents // 100}.{line.cents % 100:02}", today,
            ]
        )  # fmt: skip
    return text.getvalue()


def _pounds(grams: int) -> str:
    """Fine enough that the same grams come back."""
    return f"{units.rounded(Decimal(grams) / units.GRAMS_PER_POUND, '0.0001').normalize():f}"
