"""Staff word a message to customers, and go back to our words."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from deliveries.models import MessageText
from deliveries.notices import texts, wording
from stores.models import Language, Store, User

from . import Refused


class BadText(Refused):
    code = "bad_text"
    sentence = _("This text cannot be sent as it is. Mend what is marked, then save it again.")


@transaction.atomic
def word(*, store: Store | None, kind: str, language: str, said: wording.Words, by: User, now: datetime) -> MessageText:
    """From now on, say it so: in `store`, or for None in every store without words of its own. Raises BadText.

    The same words again change nothing.
    """
    if kind not in wording.EDITABLE or language not in Language.values or texts.faults(kind, language, said):
        raise BadText
    said = texts.clean(said)
    current = _current(store, kind, language).first()
    if current is not None and wording.Words(current.subject, current.short, current.body) == said:
        return current
    _end(store, kind, language, by, now)
    return MessageText.objects.create(
        store=store, kind=kind, language=language, subject=said.subject, short=said.short, body=said.body, made_at=now,
        made_by=by,
    )  # fmt: skip


@transaction.atomic
def unword(*, store: Store | None, kind: str, language: str, by: User, now: datetime) -> None:
    """Say it in our words again, or as is said for every store. Twice is once."""
    _end(store, kind, language, by, now)


def _current(store: Store | None, kind: str, language: str) -> QuerySet[MessageText]:
    """The open row, locked; for a store behind its own lock, so that two who save at once come one after the other."""
    if store is not None:
        Store.objects.select_for_update(of=("self",)).get(pk=store.pk)
    rows = MessageText.objects.filter(store=store, kind=kind, language=language, ended_at=None)
    return rows.select_for_update(of=("self",))


def _end(store: Store | None, kind: str, language: str, by: User, now: datetime) -> None:
    for row in _current(store, kind, language):
        row.ended_at, row.ended_by = max(now, row.made_at), by
        row.save(update_fields=["ended_at", "ended_by"])
