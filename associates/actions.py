"""Verbs of the associate's own terms: sign up, consent, set limits, pause, leave.

Like the verbs of `deliveries/actions`: keyword-only, told who (`by=`) and when (`now=`), one transaction, the
associate's row locked first. What they log names ids, never a person, a home or a birthday.

What a change means for an open offer or a trip is not known here; `deliveries/actions/standing.py` wraps the verbs
for which it matters.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import structlog
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.utils import formats
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from stores.models import Language, User
from stores.places import Point
from stores.refused import Refused

from . import home
from .models import (
    CONSENT_VERSIONS,
    Associate,
    Consent,
    DayException,
    DeliveryDay,
    Employee,
    Limits,
    Shift,
    adult_from,
)

log = structlog.get_logger(__name__)

NAMELESS = "former-"  # the roster line of somebody who was deleted
NO_BIRTHDAY = date(1900, 1, 1)
DAYS_AHEAD = timedelta(days=92)


class NotRecognised(Refused):
    """One answer for: no such store, not on the roster, another birthday, taken. Which of them is nobody's business."""

    code = "not_recognised"
    sentence = _(
        "We could not match these details to somebody who can join at that store. Check all three against your pay "
        "statement, or ask your store’s people lead. If you joined before, sign in with the e-mail you used then."
    )


class TooYoung(Refused):
    code = "too_young"

    def __init__(self, adult: date) -> None:
        super().__init__(
            gettext("Federal law lets nobody under 18 drive on the job. You can join from %(day)s.")
            % {"day": formats.date_format(adult)}
        )


class ConsentNeeded(Refused):
    code = "consent_needed"
    sentence = _("Deliveries need the first three consents. Without them you cannot go on; you can leave at any time.")


class NotReady(Refused):
    code = "not_ready"
    sentence = _("Something is still missing. Go through the steps once more; what you answered is kept.")


class StaffToo(Refused):
    code = "staff_too"
    sentence = _(
        "You also sign in as store staff with this account. Ask your district lead to end that first, then delete it here."
    )


class DayOver(Refused):
    code = "day_over"
    sentence = _("This day is over. Choose today or a later one.")


class DayTooFar(Refused):
    code = "day_too_far"
    sentence = _("Single days can be set up to three months ahead. For longer, use “Pause” or your weekdays.")


class DayIsTonight(Refused):
    code = "day_is_tonight"
    sentence = _("For tonight use the switch “Deliver tonight” under “Today”; an open offer goes back at once then.")


class HasLeft(Refused):
    code = "has_left"
    sentence = _("You have left. Join again to change anything.")


def _mine(associate: Associate) -> Associate:
    """Lock the associate. Raises HasLeft."""
    person = Associate.objects.select_for_update().get(pk=associate.pk)
    if person.state == Associate.State.LEFT:
        raise HasLeft
    return person


def _say(what: str, person: Associate, by: User, **more: Any) -> None:
    log.info(f"associate.{what}", associate=person.pk, by_user=by.pk, **more)


@transaction.atomic
def enrol(
    *, user: User, store_number: int, employee_reference: str, birth_date: date, by: User, now: datetime
) -> Associate:
    """Sign `user` up as the person of that store's roster.

    They must be on the active roster with that birthday, at least 18, and nobody else may have signed up as them. The
    same details again return the same associate; somebody who left starts set-up anew.
    Raises NotRecognised (one answer for all that does not match), TooYoung (only when everything else matched).
    """
    User.objects.select_for_update().get(pk=user.pk)
    employee = (
        Employee.objects.select_for_update(of=("self",))
        .select_related("store")
        .filter(store__number=store_number, reference__iexact=employee_reference.strip())
        .filter(birth_date=birth_date, active=True)
        .first()
    )
    earlier = Associate.objects.select_for_update().filter(user=user).first()
    # Asked for nobody's line, too: every "no" costs the same queries, so that the clock tells nothing either.
    line = employee.pk if employee else 0
    taken = Associate.objects.filter(employee_id=line).exclude(user=user).exists()
    if employee is None or taken or (earlier is not None and earlier.employee_id != employee.pk):
        raise NotRecognised
    today = employee.store.local(now).date()
    adult = adult_from(birth_date)
    if today < adult:
        raise TooYoung(adult)
    if earlier is None:
        person = Associate.objects.create(
            user=user, employee=employee, store_id=employee.store_id, first_name=employee.first_name,
            enrolled_on=today, adult_from=adult,
        )  # fmt: skip
        _say("enrolled", person, by, store=store_number)
        return person
    if earlier.state == Associate.State.LEFT:
        earlier.state, earlier.enrolled_on = Associate.State.SETTING_UP, today
        earlier.save(update_fields=["state", "enrolled_on"])
        _say("enrolled_again", earlier, by, store=store_number)
    return earlier


@transaction.atomic
def give_consent(*, associate: Associate, kind: str, by: User, now: datetime) -> Consent:
    """Consent to the present text of `kind`. Given already, it stays as it was; an older version is closed first."""
    person = _mine(associate)
    standing = Consent.objects.filter(associate=person, kind=kind, withdrawn_at=None).first()
    if standing and standing.version == CONSENT_VERSIONS[kind]:
        return standing
    if standing:
        standing.withdrawn_at = now
        standing.save(update_fields=["withdrawn_at"])
    _say("consented", person, by, kind=kind)
    return Consent.objects.create(associate=person, kind=kind, version=CONSENT_VERSIONS[kind], given_at=now)


@transaction.atomic
def withdraw_consent(*, associate: Associate, kind: str, by: User, now: datetime) -> None:
    """Take a consent back. Without "home area" the home cell is forgotten at once; without a needed one, no offers.

    Twice is once.
    """
    person = _mine(associate)
    withdrawn = Consent.objects.filter(associate=person, kind=kind, withdrawn_at=None).update(withdrawn_at=now)
    if kind == Consent.Kind.HOME:
        _forget_home(person)
    if withdrawn:
        _say("withdrew_consent", person, by, kind=kind)


def _forget_home(person: Associate) -> None:
    home.forget(person)
    person.area = ""
    person.save(update_fields=["area"])


@transaction.atomic
def set_home(*, associate: Associate, point: Point, area: str, by: User, now: datetime) -> None:
    """Remember the coarse cell of `point`, and `area` (a ZIP) to show its owner. Raises ConsentNeeded."""
    person = _mine(associate)
    if not Consent.objects.filter(associate=person, kind=Consent.Kind.HOME, withdrawn_at=None).exists():
        raise ConsentNeeded
    home.remember(person, point)
    person.area = area
    person.save(update_fields=["area"])
    _say("set_home", person, by)


@transaction.atomic
def set_vehicle(*, associate: Associate, vehicle: str, trunk_ml: int, by: User, now: datetime) -> Limits:
    """What they drive, and the room in it."""
    person = _mine(associate)
    person.vehicle = vehicle.strip()
    person.save(update_fields=["vehicle"])
    return _change_limits(person, by, {"trunk_ml": trunk_ml})


@transaction.atomic
def set_limits(*, associate: Associate, by: User, now: datetime, **changes: Any) -> Limits:
    """Change what they will carry and how far they will go; fields as in `Limits`, checked by the caller's form."""
    return _change_limits(_mine(associate), by, changes)


def _change_limits(person: Associate, by: User, changes: dict[str, Any]) -> Limits:
    limits, _fresh = Limits.objects.get_or_create(associate=person)
    for field, value in changes.items():
        setattr(limits, field, value)
    limits.full_clean()
    limits.save()
    _say("set_limits", person, by, fields=sorted(changes))
    return limits


@transaction.atomic
def set_days(*, associate: Associate, weekdays: Iterable[int], by: User, now: datetime) -> None:
    """The weekdays on which they deliver, 0 for Monday. None at all is allowed: then nothing is offered."""
    person, wanted = _mine(associate), set(weekdays)
    person.days.exclude(weekday__in=wanted).delete()
    DeliveryDay.objects.bulk_create(
        [DeliveryDay(associate=person, weekday=weekday) for weekday in sorted(wanted)], ignore_conflicts=True
    )
    _say("set_days", person, by)


@transaction.atomic
def set_day(*, associate: Associate, day: date, delivers: bool, by: User, now: datetime) -> DayException:
    """Deliver, or do not, on the evening of `day`, whatever its weekday says. A second word replaces the first.

    What they said of evenings that are over goes. Raises DayOver, DayTooFar,
    DayIsTonight (for a "no": that is what the switch under "Today" is for).
    """
    person = _mine(associate)
    tonight = person.store.evening(now)
    if day < tonight:
        raise DayOver
    if day > tonight + DAYS_AHEAD:
        raise DayTooFar
    if day == tonight and not delivers:
        raise DayIsTonight
    person.day_exceptions.filter(day__lt=tonight).delete()
    said, _fresh = DayException.objects.update_or_create(associate=person, day=day, defaults={"delivers": delivers})
    _say("set_day", person, by)
    return said


@transaction.atomic
def clear_day(*, associate: Associate, day: date, by: User, now: datetime) -> None:
    """Let `day` be like its weekday again. Twice is once."""
    _mine(associate).day_exceptions.filter(day=day).delete()


def forget_days_before(day: date) -> int:
    """Delete what anybody said of single evenings before `day`; how many that were."""
    return DayException.objects.filter(day__lt=day).delete()[0]


@transaction.atomic
def set_language(*, associate: Associate, language: str, by: User, now: datetime) -> None:
    """The language of pages and messages."""
    person = _mine(associate)
    User.objects.filter(pk=person.user_id).update(language=Language(language))
    _say("set_language", person, by)


def remove_number(*, user: User, by: User, now: datetime) -> None:
    """Forget the mobile number: it signs nobody in, and no text goes to it. Twice is once."""
    User.objects.filter(pk=user.pk).update(phone=None)
    log.info("account.number_removed", by_user=by.pk)


@transaction.atomic
def finish_setup(*, associate: Associate, by: User, now: datetime) -> Associate:
    """All steps are answered: from now on they may be sent offers. Twice is once. Raises NotReady."""
    person = _mine(associate)
    ready = (
        person.has_consented()
        and person.vehicle != ""
        and person.days.exists()
        and Associate.objects.filter(pk=person.pk, home_cell__isnull=False, limits__isnull=False).exists()
    )
    if not ready:
        raise NotReady
    if person.state == Associate.State.SETTING_UP:
        person.state = Associate.State.ACTIVE
        person.save(update_fields=["state"])
        _say("set_up", person, by)
    return person


@transaction.atomic
def pause(*, associate: Associate, by: User, now: datetime) -> Associate:
    """Nothing is offered until they resume. Twice is once."""
    return _between(associate, Associate.State.ACTIVE, Associate.State.PAUSED, by)


@transaction.atomic
def resume(*, associate: Associate, by: User, now: datetime) -> Associate:
    """Offers may come again. Twice is once."""
    return _between(associate, Associate.State.PAUSED, Associate.State.ACTIVE, by)


def _between(associate: Associate, source: str, target: str, by: User) -> Associate:
    person = _mine(associate)
    if person.state == source:
        person.state = target
        person.save(update_fields=["state"])
        _say(str(target), person, by)
    return person


@transaction.atomic
def leave(*, associate: Associate, by: User, now: datetime) -> Associate:
    """Leave for good: consents end, home, vehicle, limits, days and the mobile number are forgotten. What they earned
    stays on the books. Twice is once.
    """
    person = Associate.objects.select_for_update().get(pk=associate.pk)
    if person.state == Associate.State.LEFT:
        return person
    Consent.objects.filter(associate=person, withdrawn_at=None).update(withdrawn_at=now)
    home.forget(person)
    Limits.objects.filter(associate=person).delete()
    person.days.all().delete()
    person.day_exceptions.all().delete()
    User.objects.filter(pk=person.user_id).update(phone=None)
    person.area = person.vehicle = ""
    person.resting_on = None
    person.state = Associate.State.LEFT
    person.save(update_fields=["area", "vehicle", "resting_on", "state"])
    _say("left", person, by)
    return person


@transaction.atomic
def erase(*, associate: Associate, shifts: Iterable[int], by: User, now: datetime) -> Associate:
    """Take the person out of what must stay: leave, then no name, no address, no birthday, no way to sign in.

    Trips, custody and pay stay under a nameless line of the roster, with `shifts`, the ids of the shifts they hang on.
    The retailer's own line is left as the retailer wrote it, and nothing leads from one to the other. The account's
    sessions end with its password. Twice is once. What forbids it is for `deliveries/actions/standing.py` to know;
    raises StaffToo.
    """
    person = Associate.objects.select_for_update().select_related("user", "employee").get(pk=associate.pk)
    user = person.user
    if user.is_staff or user.is_superuser or user.staff_roles.exists():
        raise StaffToo
    if person.employee.reference.startswith(NAMELESS):
        return person
    leave(associate=person, by=by, now=now)
    nobody = Employee.objects.create(
        store_id=person.store_id, reference=f"{NAMELESS}{secrets.token_hex(6)}", first_name="Former",
        last_name="associate", birth_date=NO_BIRTHDAY, active=False,
    )  # fmt: skip
    Shift.everything.filter(pk__in=list(shifts), employee=person.employee_id).update(employee=nobody)
    person.refresh_from_db()
    person.employee, person.first_name = nobody, "Former associate"
    person.insured_until = person.licensed_until = None
    person.adult_from = person.enrolled_on
    person.save(update_fields=["employee", "first_name", "insured_until", "licensed_until", "adult_from"])
    # What staff's pages call this row in their history carries the first name and the employee number.
    kind = ContentType.objects.get_for_model(Associate)
    LogEntry.objects.filter(content_type=kind, object_id=str(person.pk)).update(object_repr=str(person))
    LogEntry.objects.filter(user=user).delete()
    EmailAddress.objects.filter(user=user).delete()
    Authenticator.objects.filter(user=user).delete()
    user.email = f"former-{uuid4().hex}@deleted.invalid"
    user.first_name, user.last_name, user.phone = "", "", None
    user.is_active, user.last_login, user.language = False, None, Language.ENGLISH
    user.set_unusable_password()  # the hash in every session is of the old one: all of them end
    user.save()
    _say("erased", person, by)
    return person


def consents_standing(associate: Associate) -> dict[str, bool]:
    """Which kinds are given in their present version; every kind is named."""
    given = dict(associate.consents.filter(withdrawn_at=None).values_list("kind", "version"))
    return {kind: given.get(kind) == version for kind, version in CONSENT_VERSIONS.items()}


def consents_to_ask_again(associate: Associate) -> list[str]:
    """Kinds that were given in an older version of their text: whoever agreed to that has not read this one."""
    given = dict(associate.consents.filter(withdrawn_at=None).values_list("kind", "version"))
    return [kind for kind, version in CONSENT_VERSIONS.items() if given.get(kind, version) != version]
