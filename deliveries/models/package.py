"""What travels, and the private links by which its customer follows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from associates.models import Associate
from deliveries import sizes
from deliveries.states import ENDED, IN_CUSTODY, ON_A_TRIP, PackageState
from stores.models import Language, Store
from stores.places import Point, Precision

if TYPE_CHECKING:
    from datetime import datetime

STATES = [
    (PackageState.RECEIVED.value, _("received")),
    (PackageState.STAGED.value, _("staged")),
    (PackageState.OFFERED.value, _("offered")),
    (PackageState.CLAIMED.value, _("claimed")),
    (PackageState.LOADED.value, _("loaded")),
    (PackageState.OUT.value, _("out")),
    (PackageState.DELIVERED.value, _("delivered")),
    (PackageState.ATTEMPTED.value, _("attempted")),
    (PackageState.KEPT.value, _("kept")),
    (PackageState.RETURNING.value, _("returning")),
    (PackageState.RETURNED.value, _("returned")),
    (PackageState.WITH_CARRIER.value, _("with carrier")),
    (PackageState.HELD_FOR_PICKUP.value, _("held for pickup")),
    (PackageState.CANCELLED.value, _("cancelled")),
]
PRECISIONS = [
    (Precision.ROOFTOP.value, _("rooftop")),
    (Precision.STREET.value, _("street")),
    (Precision.ZIP.value, _("zip")),
    (Precision.MANUAL.value, _("set by hand")),
]
# The pin of a package may be moved while the store has it and nobody was promised a trip that goes by it.
PIN_MOVES_IN = frozenset({PackageState.RECEIVED, PackageState.STAGED, PackageState.RETURNED})
HEAVIEST_G = 70_000
LONGEST_MM = 3_000


class ItemClass(models.TextChoices):
    """What is inside, as far as it decides where the package may spend the night."""

    GENERAL = "general", _("general")
    FOOD = "food", _("food")
    MEDICINE = "medicine", _("medicine")
    ALCOHOL = "alcohol", _("alcohol")
    VALUABLES = "valuables", _("valuables")


# What may spend a night with an associate. The rest spoils, is regulated, or is too much to answer for.
KEPT_OVERNIGHT = frozenset({ItemClass.GENERAL})


class SafePlace(models.TextChoices):
    """Where a customer wants it left. The associate decides at the door whether it is safe."""

    FRONT_DOOR = "front_door", _("Front door")
    BACK_DOOR = "back_door", _("Back door")
    SIDE_DOOR = "side_door", _("Side door")
    PORCH = "porch", _("Porch")
    GARAGE = "garage", _("Garage")
    LOBBY = "lobby", _("Lobby or mail room")
    NEIGHBOR = "neighbor", _("With a neighbor")
    IN_PERSON = "in_person", _("Into my hands")


class PackageQuerySet(models.QuerySet["Package"]):
    def for_update(self, ids: list[int]) -> list[Package]:
        """Lock these packages in the one order everybody uses, by id. Call inside a transaction, after the associate."""
        return list(self.filter(pk__in=ids).select_related(None).order_by("pk").select_for_update(of=("self",)))

    def not_ended(self) -> PackageQuerySet:
        """Those whose way is not over: few of all, and an index holds them. To be asked first by whoever asks for a
        state that is no end, because no index names the state; see `Package.ended`."""
        return self.filter(ended=False)

    def offerable(self, store: Store, now: datetime) -> PackageQuerySet:
        """What may be offered to associates at `now`: bench-ready, allowed, its pin known better than by ZIP."""
        return (
            self.not_ended()
            .filter(
                store=store,
                state=PackageState.STAGED,
                associate_ok=True,
                precision__in=[Precision.ROOFTOP, Precision.STREET, Precision.MANUAL],
                deliver_by__gt=now,
                carrier_asked=False,
            )
            .exclude(not_before__gt=now)
        )

    def to_be_located(self, now: datetime) -> PackageQuerySet:
        """Whose address is due to be looked up (`deliveries/locating.py`)."""
        return self.with_weak_pin().filter(locate_after__lte=now, deliver_by__gt=now)

    def with_weak_pin(self) -> PackageQuerySet:
        """What waits for a better pin: see `Package.asks_for_pin`."""
        return self.not_ended().filter(precision=Precision.ZIP, state__in=PIN_MOVES_IN)


class Package(models.Model):
    """One parcel of one order. Its state moves only through verbs in `deliveries/actions`."""

    class Kept(models.TextChoices):
        """Why no associate may bring it. Staff may override the store's own radius, and nothing else."""

        RETAILER = "retailer", _("the retailer")
        STATE = "state", _("another state than the store’s")
        RADIUS = "radius", _("the store’s radius")

    # Keys without an index of their own are led by another: a constraint's, or one below that leaves out the empty ones.
    store = models.ForeignKey(Store, models.PROTECT, related_name="packages", db_index=False, verbose_name=_("store"))
    reference = models.CharField(_("retailer's reference"), max_length=64)
    label = models.CharField(_("label code"), max_length=8, help_text=_("Scanned or typed at the bay and the door."))
    fingerprint = models.CharField(max_length=64, editable=False)

    recipient = models.CharField(_("recipient"), max_length=80)
    phone = models.CharField(_("phone"), max_length=20, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    language = models.CharField(_("language"), max_length=2, choices=Language, default=Language.ENGLISH)
    address1 = models.CharField(_("street address"), max_length=120)
    address2 = models.CharField(_("apartment, floor"), max_length=60, blank=True)
    city = models.CharField(_("city"), max_length=60)
    region = models.CharField(_("state"), max_length=2)
    zip = models.CharField(_("ZIP"), max_length=5)
    lat = models.FloatField(_("latitude"))
    lon = models.FloatField(_("longitude"))
    precision = models.CharField(_("pin known to"), max_length=8, choices=PRECISIONS)
    # When the address is looked up again; empty: nobody is to be asked any more. See `deliveries/locating.py`.
    locate_after = models.DateTimeField(null=True, blank=True, editable=False)
    locate_tries = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    instructions = models.CharField(_("instructions"), max_length=280, blank=True)
    safe_place = models.CharField(
        _("safe place"), max_length=12, choices=SafePlace, blank=True, db_default="", default=""
    )

    weight_g = models.PositiveIntegerField(_("weight, grams"))
    length_mm = models.PositiveIntegerField(_("length, millimetres"))
    width_mm = models.PositiveIntegerField(_("width, millimetres"))
    height_mm = models.PositiveIntegerField(_("height, millimetres"))
    value_cents = models.PositiveIntegerField(_("value, cents"), default=0)
    carrier_cents = models.PositiveIntegerField(_("what the carrier would cost, cents"))
    # What the retailer said, where the store's table of rates says otherwise (`deliveries/carriers/rates.py`).
    carrier_said_cents = models.PositiveIntegerField(null=True, editable=False)
    deliver_by = models.DateTimeField(_("promised by"))
    associate_ok = models.BooleanField(_("an associate may bring it"), default=True)
    item_class = models.CharField(
        _("what is inside"), max_length=9, choices=ItemClass, default=ItemClass.GENERAL, db_default=ItemClass.GENERAL
    )
    pin_required = models.BooleanField(_("PIN at the door"), default=False, db_default=False)
    pin_tries = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    # What its customer asked for (`actions/wishes.py`).
    carrier_asked = models.BooleanField(_("the customer wants the carrier"), default=False, db_default=False)
    not_before = models.DateTimeField(_("another day: not before"), null=True, blank=True)
    pickup_credit_cents = models.PositiveIntegerField(_("credit for picking up, cents"), default=0, db_default=0)
    kept_because = models.CharField(
        _("kept for the carrier because of"), max_length=8, choices=Kept, blank=True, editable=False,
        default="", db_default="",
    )  # fmt: skip

    state = models.CharField(_("state"), max_length=16, choices=STATES, default=PackageState.RECEIVED, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    state_since = models.DateTimeField(_("in this state since"), editable=False)
    holder = models.ForeignKey(
        Associate, models.PROTECT, null=True, blank=True, editable=False, related_name="holding", db_index=False,
        verbose_name=_("in the hands of"),
    )  # fmt: skip
    trip = models.ForeignKey(
        "Trip", models.PROTECT, null=True, blank=True, editable=False, related_name="packages", db_index=False,
        verbose_name=_("trip"),
    )  # fmt: skip
    # Kept by the database. Indexes go by this and never by `state`, `version` or `state_since`: it is the same from move
    # to move, so a move rewrites the row within its page and touches no index (decision 0105).
    ended = models.GeneratedField(
        expression=Q(state__in=sorted(ENDED)),  # type: ignore[arg-type]  # the stubs do not know that a Q is one
        output_field=models.BooleanField(),
        db_persist=True,
    )
    received_at = models.DateTimeField(_("received"), editable=False)
    # When its customer's name, address and place were deleted (`actions/retention.py`).
    forgotten_at = models.DateTimeField(_("customer forgotten"), null=True, editable=False)

    objects = PackageQuerySet.as_manager()

    class Meta:
        verbose_name = _("package")
        verbose_name_plural = _("packages")
        ordering = ["deliver_by", "pk"]
        indexes = [
            models.Index(fields=["store", "deliver_by"], condition=Q(ended=False), name="package_not_ended"),
            models.Index(fields=["trip"], condition=Q(trip__isnull=False), name="package_on_trip"),
            models.Index(fields=["holder"], condition=Q(holder__isnull=False), name="package_holder"),
            models.Index(
                fields=["locate_after"], condition=Q(locate_after__isnull=False), name="package_to_be_located"
            ),
            models.Index(
                fields=["store", "deliver_by"],
                condition=Q(ended=True, forgotten_at=None),
                name="package_to_forget",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["store", "reference"], name="package_reference_once"),
            models.UniqueConstraint(fields=["store", "label"], name="package_label_once"),
            models.CheckConstraint(
                condition=~Q(reference="") & ~Q(address1=""), name="package_has_reference_and_address"
            ),
            models.CheckConstraint(condition=Q(state__in=list(PackageState)), name="package_state_known"),
            models.CheckConstraint(condition=Q(precision__in=list(Precision)), name="package_precision_known"),
            models.CheckConstraint(condition=Q(item_class__in=ItemClass.values), name="package_item_class_known"),
            models.CheckConstraint(
                condition=~Q(state="kept") | Q(item_class__in=sorted(KEPT_OVERNIGHT)), name="package_kept_may_be_kept"
            ),
            models.CheckConstraint(condition=Q(weight_g__range=(1, HEAVIEST_G)), name="package_weight_sane"),
            models.CheckConstraint(
                condition=Q(
                    length_mm__range=(1, LONGEST_MM), width_mm__range=(1, LONGEST_MM), height_mm__range=(1, LONGEST_MM)
                ),
                name="package_sides_sane",
            ),
            models.CheckConstraint(condition=Q(lat__range=(-90, 90), lon__range=(-180, 180)), name="package_on_earth"),
            models.CheckConstraint(
                condition=Q(kept_because="") | Q(kept_because__in=["retailer", "state", "radius"], associate_ok=False),
                name="package_kept_for_a_reason",
            ),
            models.CheckConstraint(condition=Q(version__gte=1), name="package_version_counts_from_one"),
            # Custody: somebody has it in hand exactly in the states that say so. Nobody ever asks "who lost it?".
            models.CheckConstraint(
                condition=Q(state__in=sorted(IN_CUSTODY), holder__isnull=False)
                | (~Q(state__in=sorted(IN_CUSTODY)) & Q(holder__isnull=True)),
                name="package_held_exactly_in_custody",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=sorted(ON_A_TRIP)) | Q(trip__isnull=False), name="package_on_a_trip_names_it"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["received", "staged", "offered", "with_carrier"]) | Q(trip__isnull=True),
                name="package_in_store_or_with_carrier_is_on_no_trip",
            ),
            models.CheckConstraint(
                condition=Q(not_before=None) | Q(not_before__lte=F("deliver_by")),
                name="package_waits_no_longer_than_its_promise",
            ),
            models.CheckConstraint(
                condition=Q(safe_place="") | Q(safe_place__in=SafePlace.values), name="package_safe_place_known"
            ),
            models.CheckConstraint(
                condition=Q(forgotten_at=None) | Q(recipient="", phone="", email=""),
                name="package_forgotten_has_no_customer",
            ),
            models.CheckConstraint(
                condition=~Q(state="offered") | ~Q(precision="zip"), name="package_with_a_weak_pin_is_never_offered"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} ({self.reference})"

    @property
    def point(self) -> Point:
        return Point(self.lat, self.lon)

    def may_go(self, now: datetime) -> bool:
        """Whether an associate may bring it at `now`, as far as retailer and customer have said."""
        return self.associate_ok and not self.carrier_asked and (self.not_before is None or self.not_before <= now)

    @property
    def asks_for_pin(self) -> bool:
        """The pin is only the middle of a ZIP code, and still may be moved: staff and the customer are asked for it."""
        return self.precision == Precision.ZIP and self.state in PIN_MOVES_IN

    @property
    def may_be_kept(self) -> bool:
        """Whether it may stay with an associate until their next shift."""
        return self.item_class in KEPT_OVERNIGHT

    @property
    def retailers_carrier_cents(self) -> int:
        """What the retailer's system said the carrier would cost."""
        return self.carrier_cents if self.carrier_said_cents is None else self.carrier_said_cents

    @property
    def volume_ml(self) -> int:
        return sizes.volume_ml(self.length_mm, self.width_mm, self.height_mm)

    @property
    def size_class(self) -> int:
        return sizes.size_class(self.length_mm, self.width_mm, self.height_mm)

    @property
    def longest_mm(self) -> int:
        return max(self.length_mm, self.width_mm, self.height_mm)

    @property
    def door(self) -> tuple[str, str, str]:
        """One door: packages with the same one are one stop."""
        return (self.address1.casefold(), self.address2.casefold(), self.zip)


class TrackingLink(models.Model):
    """A customer's private link. The token is random and only its hash is here; every message carries its own."""

    package = models.ForeignKey(Package, models.CASCADE, related_name="links")
    token_hash = models.BinaryField(max_length=32, unique=True)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(expires_at__gt=F("made_at")), name="tracking_link_expires")]

    def __str__(self) -> str:
        return f"link {self.pk}"
