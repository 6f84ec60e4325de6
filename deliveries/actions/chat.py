"""A few short texts between a customer and whoever has the package in hand, through our pages. Neither sees a number."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from associates.models import Associate
from deliveries import actors, controls, live, notices
from deliveries.actors import CUSTOMER
from deliveries.controls import Control
from deliveries.models import ChatMessage, Package
from deliveries.models.customer import LONGEST_WORDS

from . import Refused
from .moves import note
from .wishes import NoContacts, NotNow


class NothingSaid(Refused):
    code = "nothing_said"
    sentence = _("There is nothing in your message yet.")


class TalkIsOver(Refused):
    code = "talk_is_over"
    sentence = _("You can write to a customer while you have the package in hand and your trip is on.")


class EnoughAnswered(Refused):
    code = "enough_answered"
    sentence = _("That was the last of your messages to this customer. If something is open, call the store.")


@transaction.atomic
def write(*, package: Package, words: str, key: UUID, now: datetime) -> ChatMessage:
    """The customer writes to whoever has the package. The same `key` again is the same message.

    Raises NotNow, NothingSaid, NoContacts.
    """
    [locked] = Package.objects.for_update([package.pk])
    earlier = ChatMessage.objects.filter(key=key, package=locked).first()
    if earlier:
        return earlier
    written = ChatMessage.objects.filter(package=locked, trip=locked.trip_id, from_customer=True).count()
    why = controls.why_not(Control.WRITE, locked, verbs=(), written=written, now=now)
    if why is not None:
        raise NotNow(why)
    made = _keep(locked, words, key, now, from_customer=True)
    note([locked], "write", by=CUSTOMER, now=now)
    holder_id = locked.holder_id
    assert holder_id is not None, "in these states somebody has it in hand"
    transaction.on_commit(lambda: live.nudge_associate(holder_id), robust=True)
    return made


@transaction.atomic
def answer(*, package: Package, words: str, by: Associate, key: UUID, now: datetime) -> ChatMessage:
    """The associate writes to the customer. The same `key` again is the same message, also when all is over.

    Raises TalkIsOver, EnoughAnswered, NothingSaid, NoContacts.
    """
    person = Associate.objects.select_for_update().get(pk=by.pk)
    [locked] = Package.objects.for_update([package.pk])
    earlier = ChatMessage.objects.filter(key=key, trip__associate=person, package=locked).first()
    if earlier:
        return earlier
    if locked.holder_id != person.pk or locked.state not in controls.TALKING:
        raise TalkIsOver
    mine = ChatMessage.objects.filter(package=locked, trip=locked.trip_id, from_customer=False)
    if mine.count() >= controls.MOST_MESSAGES:
        raise EnoughAnswered
    made = _keep(locked, words, key, now, from_customer=False)
    note([locked], "answer", by=actors.associate(person.user_id), now=now)
    notices.owe_answer(made, now=now)
    return made


def _keep(locked: Package, words: str, key: UUID, now: datetime, *, from_customer: bool) -> ChatMessage:
    said = " ".join(words.split())[:LONGEST_WORDS]
    if not said:
        raise NothingSaid
    if controls.gives_contact(said):
        raise NoContacts
    assert locked.trip_id is not None, "what somebody has in hand is on a trip"
    return ChatMessage.objects.create(
        package=locked, trip_id=locked.trip_id, key=key, from_customer=from_customer, words=said, at=now
    )
