"""Where packages wait and who runs the place. Knows nothing of associates or deliveries."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo, available_timezones

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField

from stores import phones, units, wages

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class Language(models.TextChoices):
    ENGLISH = "en", "English"
    SPANISH = "es", "Español"


class UserManager(BaseUserManager["User"]):
    """People sign in with their e-mail address; there is no user name to forget."""

    use_in_migrations = True

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractUser):
    """Anyone who signs in: an associate, a member of staff, or both."""

    username = None  # type: ignore[assignment]
    email = models.EmailField(_("e-mail address"), unique=True)
    language = models.CharField(_("language"), max_length=2, choices=Language, default=Language.ENGLISH)
    # A way in, and where text messages go. Only ever a number from which a code came back (`associates/sign_in.py`).
    phone = PhoneNumberField(_("mobile number"), region="US", unique=True, null=True, blank=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.CheckConstraint(condition=Q(language__in=Language.values), name="user_language_known"),
            # Two spellings of one address would be two people to the database and one to the postman.
            models.UniqueConstraint(Lower("email"), name="user_email_once_whatever_case"),
        ]


def validate_time_zone(name: str) -> None:
    """Raise ValidationError unless `name` is an IANA time zone such as "America/Chicago"."""
    if name not in available_timezones():
        raise ValidationError(_("“%(name)s” is not an IANA time zone; try “America/New_York”."), params={"name": name})


class Weekday(models.IntegerChoices):
    """As Python counts them."""

    MONDAY = 0, _("Monday")
    TUESDAY = 1, _("Tuesday")
    WEDNESDAY = 2, _("Wednesday")
    THURSDAY = 3, _("Thursday")
    FRIDAY = 4, _("Friday")
    SATURDAY = 5, _("Saturday")
    SUNDAY = 6, _("Sunday")


MOST_PICKUP_CREDIT_CENTS = 10_000


class Store(models.Model):
    """One retail store: the place packages leave from, its clock, and the settings of its evenings."""

    class Stage(models.TextChoices):
        SIMULATE = "simulate", _("Simulate: plans, offers nothing")
        PILOT = "pilot", _("Pilot")
        LIVE = "live", _("Live")
        PAUSED = "paused", _("Paused: everything goes to the carrier")

    number = models.PositiveIntegerField(_("store number"), unique=True)
    name = models.CharField(_("name"), max_length=80)
    address1 = models.CharField(_("street address"), max_length=120)
    city = models.CharField(_("city"), max_length=60)
    state = models.CharField(_("state"), max_length=2)
    zip = models.CharField(_("ZIP"), max_length=5)
    lat = models.FloatField(_("latitude"))
    lon = models.FloatField(_("longitude"))
    phone = models.CharField(_("phone"), max_length=20, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=40, validators=[validate_time_zone])
    stage = models.CharField(_("stage"), max_length=8, choices=Stage, default=Stage.SIMULATE)

    radius_m = models.PositiveIntegerField(
        _("radius, metres"), default=24_000, help_text=_("Packages farther than this go to the carrier.")
    )
    round_lead_minutes = models.PositiveSmallIntegerField(_("offers go out before the shift ends, minutes"), default=90)
    round_every_minutes = models.PositiveSmallIntegerField(_("minutes between rounds"), default=15)
    answer_lead_minutes = models.PositiveSmallIntegerField(_("offers close before the shift ends, minutes"), default=15)
    carrier_cutoff = models.TimeField(_("carrier cut-off, store time"), default=time(20, 30))
    # Tonight's, where staff moved it (`deliveries.actions.running`); on every other evening it is not looked at.
    cutoff_moved_on = models.DateField(null=True, editable=False)
    cutoff_moved_to = models.TimeField(null=True, editable=False)
    carrier_lead_minutes = models.PositiveSmallIntegerField(
        _("the carrier needs, minutes before the promise"), default=45
    )
    bay_place = models.CharField(
        _("where the bay is"), max_length=80, blank=True, default="", db_default="",
        help_text=_("Shown to associates who pick up, such as “Door 4, behind the pharmacy”."),
    )  # fmt: skip
    load_minutes = models.PositiveSmallIntegerField(_("minutes to load"), default=5)
    service_seconds = models.PositiveSmallIntegerField(_("seconds at each stop"), default=150)
    far_m = models.PositiveIntegerField(
        _("a drop-off farther than this from the pin needs a reason, metres"), default=150
    )

    pickup_credit_cents = models.PositiveIntegerField(
        _("credit for customers who pick up instead, cents"), default=0, db_default=0,
        help_text=_("Shown to customers beside “Pick it up at the store”. 0: none."),
    )  # fmt: skip

    workweek_starts_on = models.PositiveSmallIntegerField(
        _("the workweek begins on"), choices=Weekday, default=Weekday.MONDAY,
        help_text=_("As in the store's own payroll. Overtime is counted from local midnight of this day."),
    )  # fmt: skip
    longest_day_hours = models.PositiveSmallIntegerField(
        _("longest day, hours"), default=12, help_text=_("Shift and trip together; nobody is home later.")
    )
    rest_minutes = models.PositiveSmallIntegerField(
        _("rest before the next clock-in, minutes"), default=480, help_text=_("Counted from being home.")
    )

    emergency_number = models.CharField(
        _("emergency number"), max_length=20, default="911", db_default="911",
        help_text=_("What an associate on a trip calls in an emergency."),
    )  # fmt: skip
    cover_version = models.CharField(
        _("version of the text about cover"), max_length=20, blank=True, default="", db_default="",
        help_text=_("A date, say 2026-11-01. Change it whenever the text changes."),
    )  # fmt: skip
    cover_en = models.TextField(
        _("which insurance covers a trip, in English"), max_length=1200, blank=True, default="", db_default="",
        help_text=_("Shown to associates on the custody card. Empty: the standard text, which names no insurer."),
    )  # fmt: skip
    cover_es = models.TextField(
        _("which insurance covers a trip, in Spanish"), max_length=1200, blank=True, default="", db_default=""
    )

    class Meta:
        verbose_name = _("store")
        verbose_name_plural = _("stores")
        ordering = ["number"]
        constraints = [
            models.CheckConstraint(
                condition=Q(workweek_starts_on__range=(0, 6)), name="store_workweek_starts_on_a_day"
            ),
            models.CheckConstraint(condition=Q(longest_day_hours__range=(4, 16)), name="store_longest_day_sane"),
            models.CheckConstraint(
                condition=Q(cutoff_moved_on=None) | Q(cutoff_moved_to__isnull=False),
                name="store_cutoff_moved_to_a_time",
            ),
            models.CheckConstraint(condition=Q(rest_minutes__lte=1440), name="store_rest_sane"),
            models.CheckConstraint(condition=~Q(emergency_number=""), name="store_has_an_emergency_number"),
            # Whoever reads the card later must be able to say what it said then, in a language they read.
            models.CheckConstraint(
                condition=Q(cover_en="", cover_es="") | (~Q(cover_en="") & ~Q(cover_es="") & ~Q(cover_version="")),
                name="store_cover_in_both_languages_and_versioned",
            ),
            models.CheckConstraint(
                condition=Q(pickup_credit_cents__lte=MOST_PICKUP_CREDIT_CENTS), name="store_pickup_credit_sane"
            ),
            models.CheckConstraint(condition=Q(lat__range=(-90, 90), lon__range=(-180, 180)), name="store_on_earth"),
            models.CheckConstraint(
                condition=Q(stage__in=["simulate", "pilot", "live", "paused"]), name="store_stage_known"
            ),
            models.CheckConstraint(
                condition=Q(round_every_minutes__gte=5, round_every_minutes__lte=60), name="store_round_every_sane"
            ),
            models.CheckConstraint(
                condition=Q(answer_lead_minutes__lt=F("round_lead_minutes")), name="store_offers_open_before_they_close"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"

    @property
    def zone(self) -> ZoneInfo:
        """The store's own time zone; every time a person reads about this store is in it."""
        return ZoneInfo(self.time_zone)

    @property
    def phone_national(self) -> str:
        """The number as people here write it."""
        return phones.national(self.phone)

    @property
    def phone_link(self) -> str:
        """Where a link that calls the store leads."""
        return phones.dialled(self.phone)

    @property
    def offers_work(self) -> bool:
        """True when associates may be sent offers; in the other stages all goes to the carrier."""
        return self.stage in (self.Stage.PILOT, self.Stage.LIVE)

    def local(self, moment: datetime) -> datetime:
        """`moment` on the store's clock."""
        return moment.astimezone(self.zone)

    def when(self, moment: datetime) -> str:
        """`moment` in words on the store's clock: "Nov. 24, 6:10 p.m.", with its year where that is not this one."""
        local = self.local(moment)
        this_year = local.year == self.local(timezone.now()).year
        return date_format(local, gettext("N j, P") if this_year else "DATETIME_FORMAT")

    def evening(self, moment: datetime) -> date:
        """The service date `moment` belongs to. Until four in the morning it is still last evening."""
        return (self.local(moment) - timedelta(hours=4)).date()

    def begins(self, evening: date) -> datetime:
        """When `evening` begins, and the one before it is over: four in the morning on the store's clock, in UTC."""
        return datetime.combine(evening, time(4), self.zone).astimezone(ZoneInfo("UTC"))

    def evening_began(self, moment: datetime) -> datetime:
        """When the evening that `moment` belongs to began, in UTC."""
        return self.begins(self.evening(moment))

    def cutoff(self, evening: date) -> datetime:
        """When what is unclaimed on `evening` goes to the carrier, as an aware UTC datetime.

        A cut-off before four in the morning is after midnight of that evening, as in `evening()`.
        """
        at = self.carrier_cutoff
        if self.cutoff_moved_on == evening and self.cutoff_moved_to is not None:
            at = self.cutoff_moved_to
        day = evening + timedelta(days=1) if at < time(4) else evening
        return datetime.combine(day, at, self.zone).astimezone(ZoneInfo("UTC"))


class StaffMember(models.Model):
    """A person's role in one store. What it lets them see is decided in `stores/scope.py` and nowhere else."""

    class Role(models.TextChoices):
        BAY = "bay", _("Bay")
        LEAD = "lead", _("Lead")
        DISTRICT = "district", _("District")
        PAYROLL = "payroll", _("Payroll")
        SUPPORT = "support", _("Support")

    user = models.ForeignKey(User, models.CASCADE, related_name="staff_roles", verbose_name=_("person"))
    store = models.ForeignKey(Store, models.CASCADE, related_name="staff", verbose_name=_("store"))
    role = models.CharField(_("role"), max_length=8, choices=Role)

    class Meta:
        verbose_name = _("staff member")
        verbose_name_plural = _("staff members")
        constraints = [
            models.UniqueConstraint(fields=["user", "store"], name="staff_one_role_a_store"),
            models.CheckConstraint(
                condition=Q(role__in=["bay", "lead", "district", "payroll", "support"]), name="staff_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()} · {self.store}"


class PayPlan(models.Model):
    """What a store pays from a date on. Never edited once effective: a change is a new plan with a later date."""

    store = models.ForeignKey(Store, models.PROTECT, related_name="pay_plans", verbose_name=_("store"))
    effective_from = models.DateField(_("effective from"))
    hourly_cents = models.PositiveIntegerField(_("guaranteed per paid hour, cents"))
    per_package_cents = models.PositiveIntegerField(_("per package, cents"))
    mileage_tenth_cents = models.PositiveIntegerField(
        _("per mile, tenths of a cent"), default=725, help_text=_("72.5 ¢ is 725.")
    )
    last_leg_paid = models.BooleanField(
        _("the last leg home is paid too"),
        default=False,
        help_text=_("Some states count it as working time. Ask a lawyer; this page is not legal advice."),
    )
    # The minimum wage of the store's state on the first day, kept here so that the database can compare.
    minimum_cents = models.PositiveIntegerField(_("minimum wage, cents"), default=725, editable=False)

    class Meta:
        verbose_name = _("pay plan")
        verbose_name_plural = _("pay plans")
        ordering = ["store", "-effective_from"]
        constraints = [
            models.UniqueConstraint(fields=["store", "effective_from"], name="pay_plan_one_a_day"),
            # 29 USC 206(a)(1)(C): the federal minimum. States ask for more; the plan may, too.
            models.CheckConstraint(condition=Q(hourly_cents__gte=725), name="pay_plan_above_federal_minimum"),
            models.CheckConstraint(
                condition=Q(hourly_cents__gte=F("minimum_cents")), name="pay_plan_above_state_minimum"
            ),
        ]

    def __str__(self) -> str:
        said = {"store": self.store, "day": date_format(self.effective_from)}
        return gettext("Pay plan of %(store)s from %(day)s") % said

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the minimum wage of the first day beside the plan; `pay_plan_above_state_minimum` compares."""
        self.minimum_cents = wages.minimum_cents(self.store.state, self.effective_from)
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """Raise ValidationError where the plan would begin below the minimum wage of the store's state."""
        if None in (self.store_id, self.effective_from, self.hourly_cents):
            return  # an empty field has its own message
        self.minimum_cents = wages.minimum_cents(self.store.state, self.effective_from)
        if self.hourly_cents < self.minimum_cents:
            least = {
                "state": self.store.state, "day": self.effective_from, "least": units.dollars(self.minimum_cents)
            }  # fmt: skip
            sentence = _("The minimum wage in %(state)s on %(day)s is %(least)s an hour. Pay at least that.")
            raise ValidationError({"hourly_cents": ValidationError(sentence, params=least)})

    @property
    def version(self) -> str:
        """Names the rule in quotes and ledger lines: store number and date."""
        return f"{self.store.number}/{self.effective_from.isoformat()}"

    @classmethod
    def on(cls, store: Store, day: date) -> PayPlan:
        """The plan in force at `store` on `day`. Raises PayPlan.DoesNotExist where there is none yet."""
        plan = cls.objects.select_related("store").filter(store=store, effective_from__lte=day).first()
        if plan is None:
            raise cls.DoesNotExist(f"Store {store.number} has no pay plan in force on {day}; add one in the admin.")
        return plan


class Holiday(models.Model):
    """A day on which a store sends no offers."""

    store = models.ForeignKey(Store, models.CASCADE, related_name="holidays", verbose_name=_("store"))
    day = models.DateField(_("day"))
    name = models.CharField(_("name"), max_length=60)

    class Meta:
        verbose_name = _("holiday")
        verbose_name_plural = _("holidays")
        constraints = [models.UniqueConstraint(fields=["store", "day"], name="holiday_once_a_day")]

    def __str__(self) -> str:
        return f"{self.name}, {date_format(self.day)}"


class OpeningHours(models.Model):
    """When a store is open on a weekday, on its own clock. A store with rows is closed on the days that have none; one
    without any has not said. What closes at or before it opens closes on the next day, so 0:00 is midnight."""

    store = models.ForeignKey(Store, models.CASCADE, related_name="opening_hours", verbose_name=_("store"))
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday)
    opens = models.TimeField(_("opens"))
    closes = models.TimeField(_("closes"))

    class Meta:
        verbose_name = _("opening hours")
        verbose_name_plural = _("opening hours")
        ordering = ["store", "weekday"]
        constraints = [
            models.UniqueConstraint(fields=["store", "weekday"], name="opening_hours_once_a_weekday"),
            models.CheckConstraint(condition=Q(weekday__range=(0, 6)), name="opening_hours_on_a_weekday"),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.opens:%H:%M}-{self.closes:%H:%M}"


class ApiScope(models.TextChoices):
    """What a key may do. A system is given what it needs and no more."""

    PACKAGES_WRITE = "packages:write", _("Send and cancel packages")
    PACKAGES_READ = "packages:read", _("See how packages stand")
    TRACKING_READ = "tracking:read", _("Ask for tracking links")
    ROSTER_WRITE = "roster:write", _("Send the roster")
    SHIFTS_WRITE = "shifts:write", _("Send, move and cancel shifts")
    ELIGIBILITY_READ = "eligibility:read", _("Ask whether an associate could bring something")
    EVENTS_READ = "events:read", _("Read events")
    TRIPS_READ = "trips:read", _("Read trips")
    PAYROLL_READ = "payroll:read", _("Export payroll")
    WEBHOOKS_WRITE = "webhooks:write", _("Set up webhooks")


class ApiKey(models.Model):
    """A retailer's system: the stores it works for and what it may do there. It proves itself by one of its secrets."""

    name = models.CharField(_("system"), max_length=60)
    stores = models.ManyToManyField(Store, related_name="api_keys", verbose_name=_("stores"))
    scopes = ArrayField(models.CharField(max_length=20, choices=ApiScope), verbose_name=_("may"))
    per_minute = models.PositiveIntegerField(_("requests a minute"), default=300)
    made_at = models.DateTimeField(_("made on"), default=timezone.now)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    if TYPE_CHECKING:
        secrets: RelatedManager[ApiSecret]

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        constraints = [
            models.CheckConstraint(
                condition=Q(scopes__contained_by=ApiScope.values) & Q(scopes__len__gt=0), name="api_key_scopes_known"
            ),
            models.CheckConstraint(condition=Q(per_minute__range=(1, 10_000)), name="api_key_per_minute_sane"),
        ]

    def __str__(self) -> str:
        return self.name


class ApiSecret(models.Model):
    """What a system shows to be let in; only its hash is stored. A key has two slots, so that a new secret can be rolled
    out while the old one still works, and never more than two."""

    key = models.ForeignKey(ApiKey, models.CASCADE, related_name="secrets")
    slot = models.PositiveSmallIntegerField()
    secret_hash = models.BinaryField(max_length=32, unique=True)
    made_at = models.DateTimeField(_("made on"))
    expires_at = models.DateTimeField(_("expires at"))
    last_used_on = models.DateField(_("last used on"), null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "slot"], name="api_secret_one_a_slot"),
            models.CheckConstraint(condition=Q(slot__in=[1, 2]), name="api_secret_two_slots"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("made_at")), name="api_secret_expires"),
        ]

    def __str__(self) -> str:
        return f"secret {self.slot} of key {self.key_id}"


class AddressPoint(models.Model):
    """A known street address and where it stands: the first place `places.locate` looks.

    Imported (`load_places`), or found by the geocoding service that `source` names.
    """

    street = models.CharField(max_length=120)
    zip = models.CharField(max_length=5)
    lat = models.FloatField()
    lon = models.FloatField()
    precision = models.CharField(max_length=8, default="rooftop", db_default="rooftop")
    source = models.CharField(max_length=10, default="import", db_default="import")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["zip", "street"], name="address_point_once"),
            models.CheckConstraint(
                condition=Q(precision__in=["rooftop", "street"]), name="address_point_precision_known"
            ),
            models.CheckConstraint(
                condition=Q(lat__range=(-90, 90), lon__range=(-180, 180)), name="address_point_on_earth"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.street}, {self.zip}"


class ZipCentroid(models.Model):
    """The middle of a ZIP code area: where `places.locate` falls back to."""

    zip = models.CharField(max_length=5, primary_key=True)
    lat = models.FloatField()
    lon = models.FloatField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(lat__range=(-90, 90), lon__range=(-180, 180)), name="zip_centroid_on_earth"
            ),
        ]

    def __str__(self) -> str:
        return self.zip
