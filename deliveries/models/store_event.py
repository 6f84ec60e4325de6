"""What somebody decided about a whole store: its stage, tonight's cut-off. Append-only, like the audit trail of packages."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from deliveries.actors import ActorKind
from stores.models import Store

from .event import ACTORS


class StoreEvent(models.Model):
    """One decision. A trigger refuses to change or delete it. `reason` is written for whoever reads it next month."""

    class Verb(models.TextChoices):
        SET_STAGE = "set_stage", _("Stage changed")
        MOVE_CUTOFF = "move_cutoff", _("Carrier cut-off of one evening moved")

    store = models.ForeignKey(Store, models.PROTECT, related_name="decisions", verbose_name=_("store"))
    verb = models.CharField(_("what"), max_length=16, choices=Verb)
    before = models.CharField(_("from"), max_length=40)
    after = models.CharField(_("to"), max_length=40)
    at = models.DateTimeField(_("at"))
    by_kind = models.CharField(_("by"), max_length=10, choices=ACTORS)
    by_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("person")
    )
    by_name = models.CharField(_("system"), max_length=60, blank=True)
    reason = models.CharField(_("reason"), max_length=280)

    class Meta:
        verbose_name = _("decision about a store")
        verbose_name_plural = _("decisions about stores")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["store", "at"], name="store_event_at")]
        constraints = [
            models.CheckConstraint(condition=Q(by_kind__in=list(ActorKind)), name="store_event_by_known"),
            models.CheckConstraint(condition=Q(verb__in=["set_stage", "move_cutoff"]), name="store_event_verb_known"),
            models.CheckConstraint(condition=~Q(reason=""), name="store_event_says_why"),
            models.CheckConstraint(condition=Q(by_user__isnull=False) | ~Q(by_name=""), name="store_event_says_who"),
        ]

    def __str__(self) -> str:
        return f"{self.store} · {self.get_verb_display()} · {self.store.when(self.at)}"
