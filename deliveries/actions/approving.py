"""Approving what a store's pay period owes, and taking its file away. What is approved never changes: see `PayApproval`."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from deliveries import payroll
from deliveries.actors import Actor
from deliveries.models import PayApproval, PayDownload
from stores.models import Store

from . import Refused


class NotAPeriod(Refused):
    code = "not_a_period"
    sentence = _("These days are no pay week of this store any more. Look again, and approve what is shown then.")


class NotOver(Refused):
    code = "not_over"
    sentence = _("This pay week is not over yet. It can be approved an hour after its last evening has ended.")


class Changed(Refused):
    code = "changed"
    sentence = _("This is not the file you looked at. Look at the figures again, and then approve.")


class StillOpen(Refused):
    code = "still_open"
    sentence = _("Something about this week’s pay is still open. Say why it is paid all the same.")


@transaction.atomic
def approve(
    *, store: Store, first: date, last: date, shown: str, by: Actor, now: datetime, reason: str = ""
) -> PayApproval:
    """Freeze what the period owes: total, lines, and the digest of its file. Approved already, it stays as it is.

    `shown` is the digest of the file that was looked at. `reason` may be empty unless a trip of the period is not
    settled or a dispute is open. Raises NotAPeriod, NotOver, Changed, StillOpen.
    """
    # Whoever writes a ledger line of the store holds its row shared until the commit (`ledger_line_not_in_approved_pay`).
    # So none is under way here; one that waits for us is looked at against what we approved.
    locked = Store.objects.select_for_update(no_key=True).get(pk=store.pk)
    period = payroll.calendar(locked).around(first)
    if (period.first, period.last) != (first, last):
        raise NotAPeriod
    if period.approval is not None:
        return period.approval
    if not period.over(now):
        raise NotOver
    file = payroll.make_file(locked, first, last, now=now)
    if file.digest != shown:
        raise Changed
    why = " ".join(reason.split())[:280]
    if not why and payroll.has_questions(period):
        raise StillOpen
    return PayApproval.objects.create(
        store=locked, first_day=first, last_day=last, start_at=period.start, end_at=period.end, cents=file.cents,
        lines=file.sums.lines, digest=file.digest, at=now, by_user_id=by.user_id, by_name=by.name, reason=why,
    )  # fmt: skip


@transaction.atomic
def take_file(*, approval: PayApproval, by: Actor, now: datetime, signature: bool = False) -> bytes:
    """The approved file, or its signature, for somebody to take away; who and when is kept."""
    part = PayDownload.Part.SIGNATURE if signature else PayDownload.Part.FILE
    PayDownload.objects.create(approval=approval, part=part, at=now, by_user_id=by.user_id, by_name=by.name)
    data = payroll.export(approval.store, approval.first_day, approval.last_day, now=now)
    return payroll.sign(data).encode() if signature else data
