"""What somebody switched off: messages, offers, hand-offs to the carrier; in one store or everywhere."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from deliveries.actors import ActorKind
from stores.models import Store, User

from .event import ACTORS


class Halt(models.Model):
    """A time during which one kind of work stood still, open until somebody switches it on; without a store, everywhere.

    Both ends say who, when and why. A trigger lets a row be ended once and never changed or deleted otherwise.
    """

    class What(models.TextChoices):
        MESSAGES = "messages", _("Messages")
        OFFERS = "offers", _("Offers")
        CARRIER = "carrier", _("Hand-offs to the carrier")

    what = models.CharField(_("what"), max_length=8, choices=What)
    store = models.ForeignKey(Store, models.PROTECT, null=True, related_name="halts", verbose_name=_("store"))
    off_at = models.DateTimeField(_("off since"))
    off_kind = models.CharField(max_length=10, choices=ACTORS)
    off_user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    off_name = models.CharField(max_length=60, blank=True)
    off_reason = models.CharField(_("reason"), max_length=280)
    on_at = models.DateTimeField(_("on again"), null=True)
    on_kind = models.CharField(max_length=10, choices=ACTORS, blank=True)
    on_user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    on_name = models.CharField(max_length=60, blank=True)
    on_reason = models.CharField(max_length=280, blank=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["store", "what", "off_at"], name="halt_of_a_store")]
        constraints = [
            models.CheckConstraint(condition=Q(what__in=["messages", "offers", "carrier"]), name="halt_what_known"),
            models.UniqueConstraint(
                fields=["what", "store"], condition=Q(on_at=None, store__isnull=False), name="halt_one_open_a_store"
            ),
            models.UniqueConstraint(
                fields=["what"], condition=Q(on_at=None, store=None), name="halt_one_open_everywhere"
            ),
            models.CheckConstraint(
                condition=Q(off_kind__in=list(ActorKind)) & ~Q(off_reason="")
                & (Q(off_user__isnull=False) | ~Q(off_name="")),
                name="halt_says_who_and_why",
            ),
            models.CheckConstraint(
                condition=Q(on_at=None, on_kind="", on_user=None, on_name="", on_reason="")
                | Q(on_at__gte=F("off_at"), on_kind__in=list(ActorKind))
                & ~Q(on_reason="")
                & (Q(on_user__isnull=False) | ~Q(on_name="")),
                name="halt_ends_with_who_and_why",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.what} off in {self.store_id or 'every store'}"

    @property
    def off_who(self) -> str:
        """Who switched it off, for people."""
        return self._who(self.off_user, self.off_name)

    @property
    def on_who(self) -> str:
        """Who switched it on again."""
        return self._who(self.on_user, self.on_name)

    def _who(self, user: User | None, name: str) -> str:
        return (user.get_full_name() or user.email) if user is not None else name
