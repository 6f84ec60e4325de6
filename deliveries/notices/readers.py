"""Which channel for whom: the addresses somebody has, and what they have said about being told. The only home of both.

Asked twice: when a message is written down, for the channels it is owed by, and when its turn comes, because people
change their minds in between.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time

import phonenumbers
from django.conf import settings

from associates.models import CONSENT_VERSIONS, Associate, Consent
from deliveries.models import MessageOptOut, MessageSettings, Notice, Package, PushSubscription
from deliveries.models.notice import Channel
from stores.models import StaffMember

from . import channels
from .kinds import ALL, EVERYWHERE
from .quiet import quiet_until

# Customers have no settings. What is not urgent does not wake them either.
CUSTOMERS_QUIET = (time(21, 30), time(7))


@dataclass(frozen=True, slots=True)
class Way:
    """One way to reach somebody: an address of a mail or text message, or a browser."""

    channel: Channel
    address: str = ""
    subscription: PushSubscription | None = None

    @property
    def name(self) -> str:
        """What a notice's key ends with."""
        return f"push/{self.subscription.pk}" if self.subscription else str(self.channel)


def number(text: str) -> str:
    """A phone number as E.164, read as an American one without a country code; "" when it is none that can be rung."""
    try:
        parsed = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return ""
    if parsed.extension or not phonenumbers.is_valid_number(parsed):
        return ""
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


# --- Addresses not to be written to ---------------------------------------------------------------------------------
def hashes(channel: str, address: str) -> list[bytes]:
    """The keyed hashes under which this address may be kept, the one to write first. Numbers are few enough to try them
    all, so a plain hash would hide nothing."""
    plain = f"{channel}:{address.strip().casefold()}".encode("utf-8", "surrogatepass")
    keys = [settings.OPT_OUT_KEY] if settings.OPT_OUT_KEY else [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [hmac.digest(f"homeward opt-out {key}".encode(), plain, hashlib.sha256) for key in keys]


def opted_out(ways: Iterable[Way]) -> dict[Way, MessageOptOut]:
    """Those of these ways that somebody has closed, with the row that says so; one query."""
    by_hash = {(way.channel, digest): way for way in ways if way.address for digest in hashes(way.channel, way.address)}
    if not by_hash:
        return {}
    rows = MessageOptOut.objects.filter(address_hash__in=[digest for _channel, digest in by_hash])
    found = {(Channel(row.channel), bytes(row.address_hash)): row for row in rows}
    return {way: found[key] for key, way in by_hash.items() if key in found}


# --- Customers ---------------------------------------------------------------------------------------------------------
def ways_to_customers(packages: Sequence[Package]) -> dict[int, list[Way]]:
    """Every open way to the customer of each package, by its id; two queries however many there are."""
    ways = {package.pk: addresses_of(package) for package in packages}
    if channels.PUSH.offered():
        for browser in PushSubscription.objects.filter(package__in=ways):
            assert browser.package_id is not None
            ways[browser.package_id].append(Way(Channel.PUSH, subscription=browser))
    closed = opted_out({way for each in ways.values() for way in each if way.address})
    return {pk: [way for way in each if way not in closed] for pk, each in ways.items()}


def addresses_of(package: Package) -> list[Way]:
    """The mail address and phone number of a package, where that channel is offered; opted out or not."""
    ways = [Way(Channel.MAIL, package.email)] if package.email else []
    if channels.SMS.offered() and (phone := number(package.phone)):
        ways.append(Way(Channel.SMS, phone))
    return ways


# --- Associates --------------------------------------------------------------------------------------------------------
def agreed(person: Associate) -> bool:
    """Whether `person` consents to messages, in the words of today."""
    return (
        person.state != Associate.State.LEFT
        and person.consents.filter(
            kind=Consent.Kind.MESSAGES, version=CONSENT_VERSIONS[Consent.Kind.MESSAGES], withdrawn_at=None
        ).exists()
    )


def settings_of(person: Associate) -> MessageSettings:
    """What they chose, or what holds for somebody who has not chosen yet (not saved then)."""
    return MessageSettings.objects.filter(associate=person).first() or MessageSettings(associate=person)


def ways_to_associate(person: Associate) -> list[Way]:
    """Every open way to an associate: none without consent, else what they chose of what is offered."""
    if not agreed(person):
        return []
    chosen = settings_of(person)
    ways = [Way(Channel.MAIL, person.user.email)] if chosen.mail and person.user.email else []
    if chosen.sms and channels.SMS.offered() and person.user.phone:
        ways.append(Way(Channel.SMS, str(person.user.phone)))
    if chosen.push and channels.PUSH.offered():
        ways += [Way(Channel.PUSH, subscription=each) for each in person.push_subscriptions.all()]
    closed = opted_out(ways)
    return [way for way in ways if way not in closed]


# --- Staff -------------------------------------------------------------------------------------------------------------
def ways_to_staff(member: StaffMember) -> list[Way]:
    """Every way to somebody on duty for a store: it is their work, so it asks for no consent."""
    user = member.user
    ways = [Way(Channel.MAIL, user.email)] if user.email else []
    if channels.SMS.offered() and user.phone:
        ways.append(Way(Channel.SMS, str(user.phone)))
    return ways


# --- Both --------------------------------------------------------------------------------------------------------------
def choose(kind: str, ways: Sequence[Way]) -> list[Way]:
    """By which of somebody's ways a message of this kind goes."""
    wanted = [way for way in ways if way.channel in ALL[kind].channels]
    if wanted or not ways:
        return wanted
    first = next(channel for channel in EVERYWHERE if any(way.channel == channel for way in ways))
    return [way for way in ways if way.channel == first]


def way_of(notice: Notice) -> Way | None:
    """The way this notice is owed by, if it is still open."""
    if notice.package is not None and notice.audience == Notice.Audience.CUSTOMER:
        ways = ways_to_customers([notice.package])[notice.package.pk]
    elif notice.associate is not None:
        ways = ways_to_associate(notice.associate)
    elif notice.member is not None:
        ways = ways_to_staff(notice.member)
    else:
        return None
    mine = (way for way in ways if way.channel == notice.channel)
    return next((way for way in mine if way.subscription == notice.subscription), None)


def held_until(notice: Notice, now: datetime) -> datetime | None:
    """When the reader's quiet hours are over, if they hold this message now."""
    if ALL[notice.kind].urgent:
        return None
    begins, ends = CUSTOMERS_QUIET
    if notice.associate is not None:
        chosen = settings_of(notice.associate)
        begins, ends = chosen.quiet_from, chosen.quiet_until
    return quiet_until(now, notice.store.zone, begins, ends)
