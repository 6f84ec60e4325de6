"""Who drives home, and on what terms. Knows stores, knows nothing of packages."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.formats import time_format
from django.utils.translation import gettext_lazy as _

from stores.models import Store, User

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

LONGEST_SHIFT = timedelta(hours=16)
ADULT_YEARS = 18  # 29 CFR 570.52: nobody under 18 drives on the job here, 17-year-olds included


def adult_from(born: date) -> date:
    """The day somebody born on `born` turns 18. Born on 29 February: on 1 March, never a day early."""
    try:
        return born.replace(year=born.year + ADULT_YEARS)
    except ValueError:
        return date(born.year + ADULT_YEARS, 3, 1)


class Employee(models.Model):
    """A line of the retailer's roster: somebody who works in a store, whether or not they ever sign up."""

    store = models.ForeignKey(Store, models.PROTECT, related_name="employees", verbose_name=_("store"))
    reference = models.CharField(_("employee number"), max_length=40)
    first_name = models.CharField(_("first name"), max_length=60)
    last_name = models.CharField(_("last name"), max_length=60)
    birth_date = models.DateField(_("birth date"))
    active = models.BooleanField(_("on the roster"), default=True)
    # What the store job pays an hour, where the retailer tells us: overtime is worked out from both kinds of work.
    wage_cents = models.PositiveIntegerField(_("store wage an hour, cents"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("employee")
        verbose_name_plural = _("employees")
        ordering = ["store", "reference"]
        constraints = [
            models.UniqueConstraint(fields=["store", "reference"], name="employee_reference_once"),
            models.CheckConstraint(condition=~Q(reference=""), name="employee_has_reference"),
            models.CheckConstraint(
                condition=Q(wage_cents=None) | Q(wage_cents__range=(1, 50_000)), name="employee_wage_sane"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name} ({self.reference})"


class ShiftsThatStand(models.Manager["Shift"]):
    """Every shift but the cancelled ones: what everybody means who asks for shifts."""

    def get_queryset(self) -> models.QuerySet[Shift]:
        return super().get_queryset().filter(cancelled_at=None)


class Shift(models.Model):
    """One working shift of an employee, in UTC. A cancelled one stays as a row, because trips and late messages of the
    feed name it; only `everything` finds it."""

    store = models.ForeignKey(Store, models.PROTECT, related_name="shifts", verbose_name=_("store"))
    employee = models.ForeignKey(Employee, models.PROTECT, related_name="shifts", verbose_name=_("employee"))
    reference = models.CharField(_("shift number"), max_length=40)
    starts_at = models.DateTimeField(_("starts"))
    ends_at = models.DateTimeField(_("ends"))
    # The sender's own count of changes, where it has one; a row with a lower one came too late.
    version = models.PositiveBigIntegerField(_("version"), default=0, editable=False)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, editable=False)

    objects = ShiftsThatStand()
    everything: ClassVar[models.Manager[Shift]] = models.Manager()

    class Meta:
        verbose_name = _("shift")
        verbose_name_plural = _("shifts")
        ordering = ["ends_at"]
        indexes = [models.Index(fields=["store", "ends_at"], name="shift_store_end")]
        constraints = [
            models.UniqueConstraint(fields=["store", "reference"], name="shift_reference_once"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="shift_ends_after_it_starts"),
            models.CheckConstraint(
                condition=Q(ends_at__lte=F("starts_at") + LONGEST_SHIFT), name="shift_at_most_sixteen_hours"
            ),
            # Nobody is in two shifts at once. The employee is a one-number range, because comparing a plain number
            # in a GiST index would need the btree_gist extension.
            ExclusionConstraint(
                name="shift_one_at_a_time",
                expressions=[
                    (Func(F("employee"), F("employee"), Value("[]"), function="int8range"), RangeOperators.OVERLAPS),
                    (Func(F("starts_at"), F("ends_at"), function="tstzrange"), RangeOperators.OVERLAPS),
                ],
                condition=Q(cancelled_at=None),
            ),
        ]

    def __str__(self) -> str:
        return (
            f"{self.employee}, {self.store.when(self.starts_at)} – {time_format(self.store.local(self.ends_at).time())}"
        )


class Associate(models.Model):
    """An employee who signed up to deliver on the way home."""

    class State(models.TextChoices):
        SETTING_UP = "setting_up", _("Setting up")
        ACTIVE = "active", _("Active")
        PAUSED = "paused", _("Paused")
        LEFT = "left", _("Left")

    user = models.OneToOneField(User, models.PROTECT, related_name="associate", verbose_name=_("person"))
    employee = models.OneToOneField(Employee, models.PROTECT, related_name="associate", verbose_name=_("employee"))
    store = models.ForeignKey(Store, models.PROTECT, related_name="associates", verbose_name=_("store"))
    first_name = models.CharField(_("first name"), max_length=60)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.SETTING_UP)
    enrolled_on = models.DateField(_("enrolled on"))
    adult_from = models.DateField(_("eighteen from"))
    area = models.CharField(_("home area"), max_length=60, blank=True, editable=False)
    vehicle = models.CharField(_("vehicle"), max_length=60, blank=True)
    colleagues_may_bring = models.BooleanField(_("colleagues may bring my own orders"), default=True)
    insured_until = models.DateField(_("insurance valid until"), null=True, blank=True)
    licensed_until = models.DateField(_("driver’s license valid until"), null=True, blank=True)
    # The one trace of "not tonight": a date, overwritten each time, cleared when the evening is over. Never a count.
    resting_on = models.DateField(null=True, blank=True, editable=False)

    if TYPE_CHECKING:
        consents: RelatedManager[Consent]
        days: RelatedManager[DeliveryDay]
        day_exceptions: RelatedManager[DayException]
        limits: Limits

    class Meta:
        verbose_name = _("associate")
        verbose_name_plural = _("associates")
        ordering = ["store", "first_name"]
        constraints = [
            models.CheckConstraint(condition=Q(enrolled_on__gte=F("adult_from")), name="associate_is_eighteen"),
            models.CheckConstraint(
                condition=Q(state__in=["setting_up", "active", "paused", "left"]), name="associate_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_name} · {self.employee.reference}"

    def has_consented(self) -> bool:
        """Whether every consent that deliveries need is given, in its present version, and not withdrawn."""
        given = set(self.consents.filter(withdrawn_at=None).values_list("kind", "version"))
        return given >= {(kind, CONSENT_VERSIONS[kind]) for kind in Consent.Kind.values if kind in NEEDED_CONSENTS}


# Dates after which somebody is offered nothing until staff have seen new papers. An empty date is not asked for.
PAPERS = ("insured_until", "licensed_until")


class HomeCell(models.Model):
    """The sealed coarse home cell. Its own table, so that nothing that loads an associate loads it by accident.

    Written and read by `associates/home.py` only; the architecture test holds everyone else off.
    """

    associate = models.OneToOneField(Associate, models.CASCADE, primary_key=True, related_name="home_cell")
    sealed = models.BinaryField()

    def __str__(self) -> str:
        return "sealed"


class Consent(models.Model):
    """One consent, given once and perhaps withdrawn once. A new version of its text is a new row."""

    class Kind(models.TextChoices):
        WORK = "work", _("Delivery work")
        LOCATION = "location", _("Location while on a trip")
        HOME = "home", _("Home area")
        MESSAGES = "messages", _("Messages")

    associate = models.ForeignKey(Associate, models.CASCADE, related_name="consents")
    kind = models.CharField(max_length=10, choices=Kind)
    version = models.PositiveSmallIntegerField()
    given_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["associate", "kind"], condition=Q(withdrawn_at=None), name="consent_one_of_a_kind"
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None) | Q(withdrawn_at__gte=F("given_at")),
                name="consent_withdrawn_after_given",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["work", "location", "home", "messages"]), name="consent_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} v{self.version}"


CONSENT_VERSIONS: dict[str, int] = {"work": 1, "location": 2, "home": 1, "messages": 2}
NEEDED_CONSENTS = frozenset({"work", "location", "home"})  # messages are a choice, the rest is the job


class SizeClass(models.IntegerChoices):
    """The largest thing somebody will carry. The bounds are in `deliveries/sizes.py`."""

    SMALL = 0, _("Small, like a shoe box")
    MEDIUM = 1, _("Medium, like a microwave")
    LARGE = 2, _("Large, like a bar stool in its box")
    HUGE = 3, _("Very large, like a television")


class Limits(models.Model):
    """What an associate will carry, and how much longer than the drive home they will be. Nobody else changes these."""

    associate = models.OneToOneField(Associate, models.CASCADE, related_name="limits")
    max_packages = models.PositiveSmallIntegerField(
        _("most packages"), default=4, validators=[MinValueValidator(1), MaxValueValidator(20)]
    )
    max_package_weight_g = models.PositiveIntegerField(_("heaviest package, grams"), default=9_072)
    max_total_weight_g = models.PositiveIntegerField(_("heaviest load, grams"), default=27_216)
    max_size_class = models.PositiveSmallIntegerField(_("largest package"), choices=SizeClass, default=SizeClass.MEDIUM)
    trunk_ml = models.PositiveIntegerField(_("trunk, millilitres"), default=350_000)
    max_extra_minutes = models.PositiveSmallIntegerField(
        _("most extra minutes"), default=15, validators=[MinValueValidator(5), MaxValueValidator(60)]
    )
    floor_cents_per_hour = models.PositiveIntegerField(_("least for an extra hour, cents"), default=0)
    home_by = models.TimeField(
        _("home by"), null=True, blank=True, help_text=_("Store time; before four in the morning is after midnight.")
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(max_packages__range=(1, 20)), name="limits_packages_sane"),
            models.CheckConstraint(condition=Q(max_package_weight_g__range=(100, 50_000)), name="limits_weight_sane"),
            models.CheckConstraint(
                condition=Q(max_total_weight_g__gte=F("max_package_weight_g")), name="limits_load_carries_one_package"
            ),
            models.CheckConstraint(condition=Q(max_size_class__range=(0, 3)), name="limits_size_known"),
            models.CheckConstraint(condition=Q(trunk_ml__range=(10_000, 5_000_000)), name="limits_trunk_sane"),
            models.CheckConstraint(condition=Q(max_extra_minutes__range=(5, 60)), name="limits_minutes_sane"),
        ]

    def __str__(self) -> str:
        return f"{self.max_packages} packages, +{self.max_extra_minutes} min"


class DeliveryDay(models.Model):
    """A weekday on which an associate is willing to deliver; 0 is Monday, as in Python."""

    associate = models.ForeignKey(Associate, models.CASCADE, related_name="days")
    weekday = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["associate", "weekday"], name="delivery_day_once"),
            models.CheckConstraint(condition=Q(weekday__range=(0, 6)), name="delivery_day_is_a_weekday"),
        ]

    def __str__(self) -> str:
        return str(self.weekday)


class DayException(models.Model):
    """One evening on which an associate does, or does not, deliver, whatever its weekday says.

    Its own writing, for its own planning; forgotten when the evening is over, so that nobody can count the noes.
    """

    associate = models.ForeignKey(Associate, models.CASCADE, related_name="day_exceptions")
    day = models.DateField()
    delivers = models.BooleanField()

    class Meta:
        ordering = ["day"]
        constraints = [models.UniqueConstraint(fields=["associate", "day"], name="day_exception_once")]

    def __str__(self) -> str:
        return f"{self.day} {'yes' if self.delivers else 'no'}"


def on_their_days(people: models.QuerySet[Associate], evening: date) -> models.QuerySet[Associate]:
    """Those of `people` who deliver on `evening`: what they said of that very date, else of its weekday."""
    said = DayException.objects.filter(associate=models.OuterRef("pk"), day=evening)
    weekday = DeliveryDay.objects.filter(associate=models.OuterRef("pk"), weekday=evening.weekday())
    return people.filter(
        models.Exists(said.filter(delivers=True))
        | (models.Exists(weekday) & ~models.Exists(said.filter(delivers=False)))
    )


def willing(store: Store, evening: date) -> models.QuerySet[Associate]:
    """Associates of `store` who may be offered something on `evening`.

    Active, still on the roster, consents complete and current, insured, willing on that day, not resting tonight.
    """
    people = Associate.objects.filter(store=store, state=Associate.State.ACTIVE, employee__active=True)
    people = on_their_days(people, evening).exclude(resting_on=evening)
    for papers in PAPERS:
        people = people.filter(Q(**{papers: None}) | Q(**{f"{papers}__gte": evening}))
    for kind in sorted(NEEDED_CONSENTS):
        given = Consent.objects.filter(
            associate=models.OuterRef("pk"), kind=kind, version=CONSENT_VERSIONS[kind], withdrawn_at=None
        )
        people = people.filter(models.Exists(given))
    return people.filter(home_cell__isnull=False, limits__isnull=False)


def current_shift(associate: Associate, now: datetime) -> Shift | None:
    """The shift `associate` is in, or has just finished (within three hours), or starts within twelve; else None."""
    return (
        Shift.objects.filter(
            employee=associate.employee_id,
            ends_at__gte=now - timedelta(hours=3),
            starts_at__lte=now + timedelta(hours=12),
        )
        .order_by("ends_at")
        .first()
    )
