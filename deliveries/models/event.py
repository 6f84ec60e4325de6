"""One row a move: history, outbox and the customer's timeline at once."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from deliveries.actors import ActorKind
from stores.models import Store

from .package import STATES, Package
from .trip import Trip

ACTORS = [
    (ActorKind.SYSTEM.value, _("system")),
    (ActorKind.RETAILER.value, _("retailer")),
    (ActorKind.STAFF.value, _("staff")),
    (ActorKind.ASSOCIATE.value, _("associate")),
    (ActorKind.CUSTOMER.value, _("customer")),
]


# Reasons of a release that the retailer's roster is behind, not a person.
SHIFT_MOVED, SHIFT_CANCELLED = "shift moved", "shift cancelled"


class Event(models.Model):
    """A package moved. Written in the move's own transaction, spoken after its commit.

    `published_at` is filled when live pages were told, `noticed_at` when messages were written down; a sweep finds
    rows where either is missing. `happened_at` is the phone's clock where a phone reported late. Holds no personal
    data: names and addresses stay with the package. An offer's events never name the associate.
    """

    # Keys without an index of their own are led by another: a constraint's, or one below that leaves out the empty ones.
    package = models.ForeignKey(
        Package, models.PROTECT, related_name="events", db_index=False, verbose_name=_("package")
    )
    store = models.ForeignKey(Store, models.PROTECT, related_name="events", db_index=False, verbose_name=_("store"))
    trip = models.ForeignKey(
        Trip, models.PROTECT, null=True, related_name="events", db_index=False, verbose_name=_("trip")
    )
    version = models.PositiveIntegerField(_("version"))
    verb = models.CharField(_("what"), max_length=16)
    from_state = models.CharField(_("from"), max_length=16, choices=STATES)
    to_state = models.CharField(_("to"), max_length=16, choices=STATES)
    at = models.DateTimeField(_("at"))
    happened_at = models.DateTimeField(_("happened at"))
    by_kind = models.CharField(_("by"), max_length=10, choices=ACTORS)
    by_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False, verbose_name=_("person")
    )
    by_name = models.CharField(_("system"), max_length=60, blank=True)
    reason = models.CharField(_("reason"), max_length=280, blank=True)
    # Its place in the store's feed: given after the commit, in the order in which commits become visible (`feed.py`).
    position = models.PositiveBigIntegerField(null=True, editable=False)
    published_at = models.DateTimeField(null=True, editable=False)
    noticed_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["package", "version"]
        indexes = [
            models.Index(fields=["trip"], condition=Q(trip__isnull=False), name="event_on_trip"),
            models.Index(fields=["by_user"], condition=Q(by_user__isnull=False), name="event_by_person"),
            models.Index(fields=["at"], condition=Q(published_at=None), name="event_unpublished"),
            models.Index(fields=["at"], condition=Q(noticed_at=None), name="event_unnoticed"),
            models.Index(fields=["store", "id"], condition=Q(position=None), name="event_without_position"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["package", "version"], name="event_once_a_version"),
            models.UniqueConstraint(fields=["store", "position"], name="event_position_once_a_store"),
            models.CheckConstraint(condition=Q(by_kind__in=list(ActorKind)), name="event_by_known"),
            models.CheckConstraint(
                condition=~Q(verb__in=["offer", "release"]) | Q(trip=None) | Q(from_state="claimed"),
                name="event_of_an_offer_names_no_trip",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.package.label} · {self.get_to_state_display()} · {self.store.when(self.at)}"
