"""A claimed evening on the road: the trip, its stops, the claims that put packages on it, proofs and exceptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from associates.models import Associate, Shift
from deliveries import pay
from deliveries.states import TripState
from stores.models import Store
from stores.places import Point

from .offer import Offer
from .package import Package

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

TRIP_STATES = [
    (TripState.PLANNED.value, _("planned")),
    (TripState.LOADING.value, _("loading")),
    (TripState.UNDER_WAY.value, _("under way")),
    (TripState.FINISHED.value, _("finished")),
    (TripState.ABANDONED.value, _("abandoned")),
]


class Trip(models.Model):
    """One associate's drive home with packages, after one shift. Its quote is frozen; what it pays is never less."""

    store = models.ForeignKey(Store, models.PROTECT, related_name="trips", verbose_name=_("store"))
    associate = models.ForeignKey(Associate, models.PROTECT, related_name="trips", verbose_name=_("associate"))
    shift = models.ForeignKey(Shift, models.PROTECT, related_name="trips", verbose_name=_("shift"))
    state = models.CharField(_("state"), max_length=10, choices=TRIP_STATES, default=TripState.PLANNED, editable=False)
    quote = models.JSONField(editable=False)
    quote_digest = models.CharField(max_length=64, editable=False)
    pay_cents = models.PositiveIntegerField(_("quoted, cents"), editable=False)
    extra_s = models.PositiveIntegerField(_("extra seconds"), editable=False)
    extra_m = models.PositiveIntegerField(_("extra metres"), editable=False)
    paid_cents = models.PositiveIntegerField(_("paid, cents"), null=True, editable=False)
    claimed_at = models.DateTimeField(_("claimed"))
    # The retailer cancelled all of it after the claim: the person keeps what was promised, though nobody drives.
    called_off = models.BooleanField(_("called off by the retailer"), default=False, editable=False)
    started_at = models.DateTimeField(_("left the store"), null=True, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, editable=False)
    settled_at = models.DateTimeField(_("settled"), null=True, editable=False)
    # Roughly where they are while a stop is ahead, blurred before it is written (`nearby.py`). The newest, no track.
    seen_lat = models.FloatField(null=True, editable=False)
    seen_lon = models.FloatField(null=True, editable=False)
    seen_at = models.DateTimeField(null=True, editable=False)

    if TYPE_CHECKING:
        stops: RelatedManager[Stop]
        claims: RelatedManager[Claim]
        packages: RelatedManager[Package]
        entries: RelatedManager[models.Model]

    class Meta:
        verbose_name = _("trip")
        verbose_name_plural = _("trips")
        ordering = ["-claimed_at"]
        indexes = [models.Index(fields=["store", "state"], name="trip_store_state")]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=list(TripState)), name="trip_state_known"),
            models.UniqueConstraint(fields=["shift"], condition=~Q(state="abandoned"), name="trip_one_a_shift"),
            models.CheckConstraint(
                condition=Q(paid_cents=None) | Q(paid_cents__gte=F("pay_cents")), name="trip_paid_at_least_the_quote"
            ),
            models.CheckConstraint(
                condition=Q(paid_cents=None) | Q(settled_at__isnull=False), name="trip_paid_is_settled"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["under_way", "finished"]) | Q(started_at__isnull=False),
                name="trip_under_way_has_started",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["finished", "abandoned"], ended_at__isnull=False)
                | (~Q(state__in=["finished", "abandoned"]) & Q(ended_at=None)),
                name="trip_ended_exactly_when_over",
            ),
            # Whatever forgets to stop it: a trip that is over, or has not begun, is nowhere.
            models.CheckConstraint(
                condition=Q(seen_at=None, seen_lat=None, seen_lon=None)
                | Q(state="under_way", seen_at__isnull=False, seen_lat__range=(-90, 90), seen_lon__range=(-180, 180)),
                name="trip_is_seen_only_under_way",
            ),
            models.CheckConstraint(
                condition=Q(called_off=False) | Q(state="abandoned", started_at=None), name="trip_called_off_never_left"
            ),
        ]

    def __str__(self) -> str:
        said = {"who": self.associate, "when": self.store.when(self.claimed_at)}
        return gettext("Trip of %(who)s, claimed %(when)s") % said

    @property
    def promise(self) -> pay.Quote:
        return pay.Quote.from_json(self.quote)


class Stop(models.Model):
    """One door of a trip; several packages for it are one stop. Never the associate's home."""

    trip = models.ForeignKey(Trip, models.CASCADE, related_name="stops")
    position = models.PositiveSmallIntegerField(_("position"))
    lat = models.FloatField()
    lon = models.FloatField()
    leg_s = models.PositiveIntegerField(help_text=_("Planned seconds from the stop before, or the store."))
    leg_m = models.PositiveIntegerField()
    # No road map was asked for the leg: the window at the door says so by being wider.
    leg_estimated = models.BooleanField(default=True, db_default=True)
    arrived_at = models.DateTimeField(null=True, blank=True)

    if TYPE_CHECKING:
        claims: RelatedManager[Claim]

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["trip", "position"], name="stop_position_once", deferrable=models.Deferrable.DEFERRED
            ),
            models.CheckConstraint(condition=Q(lat__range=(-90, 90), lon__range=(-180, 180)), name="stop_on_earth"),
        ]

    def __str__(self) -> str:
        return f"{self.trip_id}/{self.position}"

    @property
    def point(self) -> Point:
        return Point(self.lat, self.lon)


class Claim(models.Model):
    """A package on somebody's trip. Live until released; `key` is the tap's, so a repeated tap is the same claim."""

    trip = models.ForeignKey(Trip, models.CASCADE, related_name="claims")
    package = models.ForeignKey(Package, models.PROTECT, related_name="claims")
    stop = models.ForeignKey(Stop, models.SET_NULL, null=True, related_name="claims")
    offer = models.ForeignKey(Offer, models.SET_NULL, null=True, related_name="claims")
    key = models.UUIDField()
    claimed_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            # The last word in a race: however many ask, one live claim a package.
            models.UniqueConstraint(
                fields=["package"], condition=Q(released_at=None), name="package_has_one_live_claim"
            ),
            models.UniqueConstraint(fields=["key", "package"], name="claim_key_once"),
            models.CheckConstraint(
                condition=Q(released_at=None) | Q(released_at__gte=F("claimed_at")), name="claim_released_after_made"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.package_id} on trip {self.trip_id}"


class Proof(models.Model):
    """Proof of one drop-off. `happened_at` is the phone's clock, `at` is ours; both are kept."""

    class Pin(models.TextChoices):
        """What became of the PIN. The last two are marked for staff."""

        NOT_ASKED = "", _("no PIN asked for")
        RIGHT = "right", _("PIN right")
        WRONG = "wrong", _("typed without a signal, and wrong")
        WITHOUT = "without", _("left without the PIN")

    package = models.ForeignKey(Package, models.PROTECT, related_name="proofs", verbose_name=_("package"))
    trip = models.ForeignKey(Trip, models.PROTECT, related_name="proofs", verbose_name=_("trip"))
    key = models.UUIDField(unique=True)
    at = models.DateTimeField()
    happened_at = models.DateTimeField()
    photo = models.ImageField(upload_to="proofs/%Y/%m/%d", blank=True)
    lat = models.FloatField(null=True)
    lon = models.FloatField(null=True)
    accuracy_m = models.PositiveIntegerField(null=True)
    distance_m = models.PositiveIntegerField(null=True)
    far = models.BooleanField(_("far from the pin"), default=False)
    far_reason = models.CharField(_("why so far"), max_length=200, blank=True)
    pin = models.CharField(_("PIN"), max_length=7, choices=Pin, default=Pin.NOT_ASKED, blank=True)
    pin_reason = models.CharField(_("why without the PIN"), max_length=200, blank=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("proof")
        verbose_name_plural = _("proofs")
        constraints = [
            models.UniqueConstraint(fields=["package"], condition=Q(undone_at=None), name="proof_one_a_package"),
            models.CheckConstraint(condition=Q(far=False) | ~Q(far_reason=""), name="proof_far_away_says_why"),
            models.CheckConstraint(
                condition=(Q(lat=None, lon=None)) | Q(lat__range=(-90, 90), lon__range=(-180, 180)),
                name="proof_on_earth",
            ),
            models.CheckConstraint(
                condition=~Q(photo="") | ~Q(lat=None) | Q(pin="right"), name="proof_shows_something"
            ),
            models.CheckConstraint(condition=Q(pin__in=["", "right", "wrong", "without"]), name="proof_pin_known"),
            models.CheckConstraint(
                condition=~Q(pin="without") | (~Q(pin_reason="") & ~Q(photo="")),
                name="proof_without_pin_shows_and_says",
            ),
        ]

    def __str__(self) -> str:
        said = {"package": self.package.label, "when": self.trip.store.when(self.happened_at)}
        return gettext("Drop-off of %(package)s, %(when)s") % said


class DeliveryException(models.Model):
    """Why a drop-off did not happen, said by the person who stood there; or, after one that did, by the customer who
    did not get it."""

    class Reason(models.TextChoices):
        NOBODY_HOME = "nobody_home", _("Nobody home")
        UNSAFE = "unsafe", _("Not safe to leave it")
        WRONG_ADDRESS = "wrong_address", _("Wrong address")
        REFUSED = "refused", _("Refused")
        DAMAGED = "damaged", _("Damaged")
        CAR = "car", _("Trouble with the car")
        CANNOT_GO_ON = "cannot_go_on", _("I cannot go on")
        # Said by the customer, after the drop-off; never by the person at the door.
        NOT_RECEIVED = "not_received", _("The customer did not get it")

    package = models.ForeignKey(Package, models.PROTECT, related_name="exceptions", verbose_name=_("package"))
    trip = models.ForeignKey(Trip, models.PROTECT, related_name="exceptions", verbose_name=_("trip"))
    key = models.UUIDField()
    reason = models.CharField(_("reason"), max_length=14, choices=Reason)
    note = models.CharField(_("note"), max_length=280, blank=True)
    at = models.DateTimeField()
    happened_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("problem at the door")
        verbose_name_plural = _("problems at the door")
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(fields=["key", "package"], name="exception_key_once"),
            models.CheckConstraint(
                condition=Q(
                    reason__in=[
                        "nobody_home",
                        "unsafe",
                        "wrong_address",
                        "refused",
                        "damaged",
                        "car",
                        "cannot_go_on",
                        "not_received",
                    ]
                ),
                name="exception_reason_known",
            ),
            models.UniqueConstraint(
                fields=["package"],
                condition=Q(reason="not_received", resolved_at=None),
                name="exception_one_open_not_received_a_package",
            ),
        ]

    def __str__(self) -> str:
        when = self.trip.store.when(self.happened_at)
        return f"{self.package.label} · {self.get_reason_display()} · {when}"

    @property
    def state(self) -> str:
        """For staff's buttons: `reported` while a customer waits to hear what became of it, else `closed` or `at_a_door`."""
        if self.resolved_at is not None:
            return "closed"
        return "reported" if self.reason == self.Reason.NOT_RECEIVED else "at_a_door"


class RoadAct(models.Model):
    """Something a phone did on the road that leaves no row of its own, by its key: told again, it is not done again."""

    key = models.UUIDField(primary_key=True)
    associate = models.ForeignKey(Associate, models.CASCADE, related_name="+")
    verb = models.CharField(max_length=16)
    at = models.DateTimeField()
    happened_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(happened_at__lte=F("at")), name="road_act_happened_before_it_was_told"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.key}"


class Transfer(models.Model):
    """Packages pass from one associate's hands into another's on the road: the one shows a code, the other types or scans
    it and sees what it pays, the first confirms. Custody moves with the confirmation and not before.

    `quote`, `stops`: what the taker was shown, frozen; `base_digest`: of the trip it extends, "" for a new one.
    """

    trip = models.ForeignKey(Trip, models.PROTECT, related_name="transfers")
    giver = models.ForeignKey(Associate, models.PROTECT, related_name="transfers_given")
    packages = models.ManyToManyField(Package, related_name="transfers")
    code_hash = models.BinaryField(max_length=32, unique=True)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    taker = models.ForeignKey(Associate, models.PROTECT, null=True, related_name="transfers_taken")
    taken_at = models.DateTimeField(null=True)
    quote = models.JSONField(null=True)
    stops = models.JSONField(null=True)
    shift = models.ForeignKey(Shift, models.PROTECT, null=True, related_name="+")
    base_digest = models.CharField(max_length=64, blank=True)
    done_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["trip"], condition=Q(done_at=None, withdrawn_at=None), name="transfer_one_open_a_trip"
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("made_at")), name="transfer_expires"),
            models.CheckConstraint(condition=~Q(taker=F("giver")), name="transfer_to_somebody_else"),
            models.CheckConstraint(
                condition=Q(taker=None, taken_at=None, quote=None)
                | Q(taker__isnull=False, taken_at__isnull=False, quote__isnull=False, shift__isnull=False),
                name="transfer_taken_at_a_quote",
            ),
            models.CheckConstraint(
                condition=Q(done_at=None) | Q(taker__isnull=False, withdrawn_at=None), name="transfer_done_is_taken"
            ),
        ]

    def __str__(self) -> str:
        return f"transfer {self.pk}"
