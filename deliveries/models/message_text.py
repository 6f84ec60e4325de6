"""Words of their own that staff gave a message to customers; without a row, ours are sent."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from stores.models import Language, Store

MOST_LETTERS = {"subject": 120, "short": 240, "body": 1500}


class MessageText(models.Model):
    """One message in one language, for one store or (without one) for every store that has none of its own.

    Never edited: new words end the old row, so that anybody can say later what was sent, and by whose hand.
    """

    store = models.ForeignKey(Store, models.CASCADE, null=True, related_name="message_texts")
    kind = models.CharField(max_length=24)
    language = models.CharField(max_length=2, choices=Language)
    subject = models.CharField(_("subject"), max_length=MOST_LETTERS["subject"])
    short = models.CharField(_("text message and notification"), max_length=MOST_LETTERS["short"])
    body = models.TextField(_("mail"), max_length=MOST_LETTERS["body"])
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["store", "kind", "language"], condition=Q(ended_at=None, store__isnull=False),
                name="message_text_one_a_store",
            ),
            models.UniqueConstraint(
                fields=["kind", "language"], condition=Q(ended_at=None, store=None), name="message_text_one_for_all"
            ),
            models.CheckConstraint(condition=Q(language__in=Language.values), name="message_text_language_known"),
            models.CheckConstraint(
                condition=~Q(subject="") & ~Q(short="") & ~Q(body=""), name="message_text_says_something"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__gte=F("made_at"), ended_by__isnull=False),
                name="message_text_ends_by_somebody",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.kind} {self.language}"
