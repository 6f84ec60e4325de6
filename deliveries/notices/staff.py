"""Mail to the staff of a store: a rule paused it, an insurance ends. Few, and never about who did not want what."""

from __future__ import annotations

from datetime import datetime, timedelta
from smtplib import SMTPException

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F
from django.utils import timezone, translation
from django.utils.functional import Promise

from deliveries.models import StaffNotice
from stores.models import StaffMember, Store

log = structlog.get_logger(__name__)
MOST_ATTEMPTS = 5
LEASE = timedelta(minutes=2)
TO_LEADS = (StaffMember.Role.LEAD, StaffMember.Role.DISTRICT)


def owe_staff(
    store: Store,
    key: str,
    subject: Promise,
    body: Promise,
    *,
    page: str,
    now: datetime,
    roles: tuple[str, ...] = TO_LEADS,
) -> int:
    """Write down a mail to everybody in `store` with one of `roles`, each in their language; returns to how many.

    `subject` and `body` are lazy sentences, `page` the path they lead to. The same key is one mail a person.
    """
    people = StaffMember.objects.filter(store=store, role__in=roles, user__is_active=True).select_related("user")
    rows = []
    for member in people:
        with translation.override(member.user.language):
            text = f"{body}\n\n{settings.SITE_URL}{page}\n"
            rows.append(
                StaffNotice(
                    store=store,
                    user=member.user,
                    key=key,
                    subject=str(subject)[:200],
                    body=text,
                    made_at=now,
                    due_at=now,
                )
            )
    StaffNotice.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def send_staff_due(*, now: datetime, most: int = 50) -> int:
    """Send what is due, one claim at a time; a failure is tried again four times, later and later."""
    sent = 0
    for _turn in range(most):
        mine = _claim(now)
        if mine is None:
            break
        try:
            EmailMessage(mine.subject, mine.body, settings.DEFAULT_FROM_EMAIL, [mine.user.email]).send()
        except (SMTPException, OSError) as error:
            log.warning("staff_notice.not_sent", notice=mine.pk, attempts=mine.attempts, error=type(error).__name__)
            continue
        StaffNotice.objects.filter(pk=mine.pk).update(sent_at=max(timezone.now(), mine.made_at))
        sent += 1
    return sent


@transaction.atomic
def _claim(now: datetime) -> StaffNotice | None:
    due = StaffNotice.objects.filter(sent_at=None, due_at__lte=now, attempts__lt=MOST_ATTEMPTS)
    mine = due.select_for_update(skip_locked=True, of=("self",)).select_related("user").order_by("due_at", "pk").first()
    if mine is not None:
        StaffNotice.objects.filter(pk=mine.pk).update(attempts=F("attempts") + 1, due_at=now + LEASE * 2**mine.attempts)
    return mine
