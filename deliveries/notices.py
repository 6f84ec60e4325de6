"""Who is told what. (Written down so far; sending follows.)"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from deliveries.models import Notice, Offer


def wake() -> None:
    """Wake the messengers; the sweep does it anyway."""


def owe_offers(offers: Sequence[Offer], *, now: datetime) -> None:
    """Write down that these associates are to be told of their offers."""
    Notice.objects.bulk_create(
        [
            Notice(
                key=f"offer/{offer.pk}", audience=Notice.Audience.ASSOCIATE, kind="offer",
                associate_id=offer.associate_id, made_at=now,
            )
            for offer in offers
        ],
        ignore_conflicts=True,
    )  # fmt: skip
