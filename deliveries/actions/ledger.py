"""After settlement: corrections, disputes, and what the whole workweek turns out to owe. Always new lines, never less
than the quote."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import ceil

from django.db import transaction
from django.db.models import F, Sum
from django.utils.translation import gettext_lazy as _

from associates.models import Associate
from deliveries import hours, live, pay
from deliveries.actors import Actor, system
from deliveries.models import Dispute, LedgerEntry, Trip
from deliveries.states import DISPUTE_MOVES

from . import Refused

LONGEST_WORDS = 600
# A correction has a reason somebody reads on the Earnings page; a typing slip of six digits has not.
LARGEST_CORRECTION_CENTS = 100_000


class NotSettled(Refused):
    code = "not_settled"
    sentence = _("This trip's pay is still being worked out. Look again in a minute or two.")


class BelowQuote(Refused):
    code = "below_quote"
    sentence = _("That would pay less than was quoted. Pay never falls below the quote.")


class NothingSaid(Refused):
    code = "nothing_said"
    sentence = _("Say in a few words why; at most 600 characters.")


class NoAmount(Refused):
    code = "no_amount"
    sentence = _("Enter an amount that changes something, at most $1,000.")


class AlreadyOpen(Refused):
    code = "dispute_open"
    sentence = _("You have already asked about this trip. You will see the answer under Earnings.")


class AlreadyAnswered(Refused):
    code = "dispute_closed"
    sentence = _("This is already answered or withdrawn. Look again.")


@transaction.atomic
def correct(*, trip: Trip, cents: int, reason: str, by: Actor, now: datetime, key: str) -> LedgerEntry:
    """Add a line of `cents` (negative takes back) to a settled trip, with its reason.

    The same `key` again returns the same line. What was quoted stays: a trip that left the store never falls below its
    quote, one that did not never below what its waiting paid. Raises NotSettled, NothingSaid, NoAmount, BelowQuote.
    """
    locked = _lock(trip)
    line_key = f"correction/{locked.pk}/{key}"
    earlier = LedgerEntry.objects.filter(key=line_key).first()
    if earlier:
        return earlier
    words = _words(reason, 200)
    if cents == 0 or abs(cents) > LARGEST_CORRECTION_CENTS:
        raise NoAmount
    if locked.settled_at is None:
        raise NotSettled
    lines = LedgerEntry.objects.filter(trip=locked)
    if locked.paid_cents is not None:
        below = locked.paid_cents + cents < locked.pay_cents
    else:
        corrections = lines.filter(kind=LedgerEntry.Kind.CORRECTION).aggregate(cents=Sum("cents", default=0))["cents"]
        below = corrections + cents < 0
    if below:
        raise BelowQuote
    return _add(locked, LedgerEntry.Kind.CORRECTION, line_key, 0, 0, cents, now, reason=words, by=by)


@transaction.atomic
def dispute(*, trip: Trip, words: str, by: Associate, now: datetime) -> Dispute:
    """The associate says what is not right about a trip of theirs. The same words again are the same dispute.

    Raises NotSettled, NothingSaid, AlreadyOpen.
    """
    locked = _lock(trip, associate=by)
    said = _words(words, LONGEST_WORDS)
    if locked.settled_at is None:
        raise NotSettled
    earlier = Dispute.objects.filter(trip=locked, closed_at=None).first()
    if earlier:
        if earlier.words == said:
            return earlier
        raise AlreadyOpen
    made = Dispute.objects.create(
        store_id=locked.store_id, associate_id=locked.associate_id, trip=locked, words=said, opened_at=now
    )
    _tell(locked.associate_id)
    return made


@transaction.atomic
def withdraw_dispute(*, dispute: Dispute, by: Associate, now: datetime) -> Dispute:
    """The associate takes it back, e.g. because it is cleared up. Twice is once. Raises AlreadyAnswered."""
    locked = _lock_dispute(dispute)
    if locked.associate_id != by.pk:
        raise Dispute.DoesNotExist
    if locked.state == DISPUTE_MOVES["withdraw_dispute"][1]:
        return locked
    return _close(locked, "withdraw_dispute", now=now)


@transaction.atomic
def accept_dispute(*, dispute: Dispute, cents: int, answer: str, by: Actor, now: datetime) -> Dispute:
    """Staff agree: `cents` more as a correction, with `answer` as its reason. Raises AlreadyAnswered, NoAmount,
    NothingSaid."""
    locked = _lock_dispute(dispute)
    _check_open(locked, "accept_dispute")
    if cents <= 0:
        raise NoAmount
    words = _words(answer, LONGEST_WORDS)
    line = correct(trip=locked.trip, cents=cents, reason=words[:200], by=by, now=now, key=f"dispute/{locked.pk}")
    locked.answer, locked.answered_by_id, locked.correction = words, by.user_id, line
    return _close(locked, "accept_dispute", now=now)


@transaction.atomic
def explain_dispute(*, dispute: Dispute, answer: str, by: Actor, now: datetime) -> Dispute:
    """Staff explain why the pay is right. The associate may open another. Raises AlreadyAnswered, NothingSaid."""
    locked = _lock_dispute(dispute)
    _check_open(locked, "explain_dispute")
    locked.answer, locked.answered_by_id = _words(answer, LONGEST_WORDS), by.user_id
    return _close(locked, "explain_dispute", now=now)


@transaction.atomic
def close_week(*, associate: Associate, week: pay.Period, now: datetime) -> list[LedgerEntry]:
    """Add what the whole workweek owes for its trips and no single trip could know; nothing is ever taken back.

    A trip early in the week is quoted with the hours before it; shifts after it may push its time over forty hours, and
    the store's own payroll does not see trips. And over the week, minimum wage must have stayed free and clear, with
    corrections counted. Each shortfall is one line on the week's last trip. Repeating it adds only what is new.
    `week` is `hours.week_of` and must be over.
    """
    if now < week.end:
        raise ValueError(f"The workweek ends at {week.end:%Y-%m-%d %H:%M} UTC; it is {now:%Y-%m-%d %H:%M}.")
    Associate.objects.select_for_update().get(pk=associate.pk)
    worked = hours.of_weeks(associate, [week])[week]
    mine = [trip for trip in worked.trips if week.start <= trip.began_at]
    if not mine:
        return []
    last = _lock(mine[-1].trip)
    found = []
    # A trip across the week's last midnight: its premium lines count in the week it began.
    premium = pay.overtime_due(worked.store, worked.trip_s, ceil(worked.trip_cents)) if worked.trip_s else 0
    premium -= sum(trip.premium_cents for trip in mine)
    if premium > 0:
        beyond_s = pay.overtime_s(worked.store_s, worked.trip_s)
        found.append(_add_weekly(last, LedgerEntry.Kind.OVERTIME, week, beyond_s, premium, now))
    short = _short_of_minimum(mine)
    if short > 0:
        paid_s = sum(trip.seconds for trip in mine)
        found.append(_add_weekly(last, LedgerEntry.Kind.MINIMUM, week, paid_s, short, now))
    return found


def _short_of_minimum(trips: Sequence[hours.PaidTrip]) -> int:
    """Cents that the week's trips together lack of the minimum wage after the car's cost, each at its own rates."""
    short = 0
    for paid in trips:
        promised = paid.trip.promise
        required = pay.time_cents(paid.seconds, promised.minimum_cents)
        car = max(0, pay.mileage_cents(paid.metres, promised.car_tenth_cents) - paid.mileage_cents)
        short += required + car - paid.wages_cents
    return short


def _add_weekly(
    trip: Trip, kind: LedgerEntry.Kind, week: pay.Period, quantity: int, cents: int, now: datetime
) -> LedgerEntry:
    day = trip.store.local(week.start).date().isoformat()
    start = f"week/{trip.associate_id}/{day}/{kind}/"
    number = LedgerEntry.objects.filter(key__startswith=start).count() + 1
    rate = -(-cents * 3600 // quantity) if quantity else 0
    return _add(trip, kind, f"{start}{number}", quantity, rate, cents, now, reason=day, by=system("workweek"))


def _add(
    trip: Trip, kind: str, key: str, quantity: int, rate: int, cents: int, now: datetime, *, reason: str, by: Actor
) -> LedgerEntry:
    """One more line for a locked, settled trip; what the trip paid is its lines' sum."""
    if trip.paid_cents is not None:
        Trip.objects.filter(pk=trip.pk).update(paid_cents=F("paid_cents") + cents)
        trip.paid_cents += cents
    _tell(trip.associate_id)
    return LedgerEntry.objects.create(
        store_id=trip.store_id, associate_id=trip.associate_id, trip=trip, key=key, kind=kind, quantity=quantity,
        rate=rate, cents=cents, rule_version=trip.promise.version, at=now, reason=reason, by_user_id=by.user_id,
        by_name=by.name,
    )  # fmt: skip


def _lock(trip: Trip, *, associate: Associate | None = None) -> Trip:
    """The trip, its associate locked first. Raises Trip.DoesNotExist where it is not `associate`'s."""
    Associate.objects.select_for_update().get(pk=trip.associate_id)
    mine = Trip.objects.select_for_update(of=("self",)).select_related("store")
    return mine.get(pk=trip.pk, **({"associate": associate} if associate else {}))


def _lock_dispute(dispute: Dispute) -> Dispute:
    _lock(dispute.trip)
    return Dispute.objects.select_for_update(of=("self",)).select_related("trip").get(pk=dispute.pk)


def _check_open(dispute: Dispute, verb: str) -> None:
    if dispute.state != DISPUTE_MOVES[verb][0]:
        raise AlreadyAnswered


def _close(dispute: Dispute, verb: str, *, now: datetime) -> Dispute:
    _check_open(dispute, verb)
    # Two machines' clocks may differ by a second; a dispute is never closed before it was opened.
    dispute.state, dispute.closed_at = DISPUTE_MOVES[verb][1], max(now, dispute.opened_at)
    dispute.save(update_fields=["state", "closed_at", "answer", "answered_by", "correction"])
    _tell(dispute.associate_id)
    return dispute


def _words(text: str, most: int) -> str:
    said = " ".join(text.split())
    if not said or len(said) > most:
        raise NothingSaid
    return said


def _tell(associate_id: int) -> None:
    transaction.on_commit(lambda: live.nudge_associate(associate_id), robust=True)
