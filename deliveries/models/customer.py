"""What customers tell us from their page: how to get in, where the door is, by whom not, and how it was."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from associates.models import Associate
from stores.models import Store
from stores.places import Point

from .package import PRECISIONS, Package
from .trip import Trip

LONGEST_WORDS = 160


class GateCode(models.Model):
    """How to get through the gate, sealed (`deliveries/gate_codes.py`). In a table of its own, so that no list, export or
    admin page of packages can load it by accident. Deleted when the delivery is over."""

    package = models.OneToOneField(Package, models.CASCADE, primary_key=True, related_name="gate_code")
    cipher = models.BinaryField(max_length=300)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"gate code of {self.package_id}"


class FirstPin(models.Model):
    """Where the address was found before its customer moved the pin. Every later move is measured from here."""

    package = models.OneToOneField(Package, models.CASCADE, primary_key=True, related_name="first_pin")
    lat = models.FloatField()
    lon = models.FloatField()
    precision = models.CharField(max_length=8, choices=PRECISIONS)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(lat__range=(-90, 90), lon__range=(-180, 180)), name="first_pin_on_earth")
        ]

    def __str__(self) -> str:
        return f"first pin of {self.package_id}"

    @property
    def point(self) -> Point:
        return Point(self.lat, self.lon)


class CarrierOnly(models.Model):
    """Somebody wants no associate at their door, now and later. Only keyed hashes of their door and addresses
    (`deliveries/carrier_only.py`): the table tells nobody who said so."""

    key_hash = models.BinaryField(max_length=32, unique=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"carrier only {self.pk}"


class ChatMessage(models.Model):
    """A short text between a customer and the associate who has the package in hand. Deleted when that is over."""

    package = models.ForeignKey(Package, models.CASCADE, related_name="chat")
    trip = models.ForeignKey(Trip, models.CASCADE, related_name="chat")
    key = models.UUIDField(unique=True)
    from_customer = models.BooleanField()
    words = models.CharField(max_length=LONGEST_WORDS)
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "pk"]
        constraints = [models.CheckConstraint(condition=~Q(words=""), name="chat_message_says_something")]

    def __str__(self) -> str:
        return f"about {self.package_id}"


class RatingTally(models.Model):
    """How many deliveries of a store's day got how many stars. A count, no list: nothing leads from stars to a person."""

    store = models.ForeignKey(Store, models.CASCADE, related_name="ratings")
    day = models.DateField()
    stars = models.PositiveSmallIntegerField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "day", "stars"], name="rating_tally_once"),
            models.CheckConstraint(condition=Q(stars__range=(1, 5)), name="rating_tally_one_to_five_stars"),
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.count} x {self.stars}"


class Thanks(models.Model):
    """A customer's thanks, for the associate to read and for nobody else. No stars, no package, no name."""

    associate = models.ForeignKey(Associate, models.CASCADE, related_name="thanks", verbose_name=_("associate"))
    day = models.DateField()
    words = models.CharField(max_length=LONGEST_WORDS)

    class Meta:
        ordering = ["-day", "-pk"]
        constraints = [models.CheckConstraint(condition=~Q(words=""), name="thanks_says_something")]

    def __str__(self) -> str:
        return f"thanks of {self.day}"
