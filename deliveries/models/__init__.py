"""Rows. They hold what is true and what the database promises of it; the verbs that change it are in `actions/`."""

from .conflict import BlockedPair
from .event import Event
from .ledger import Carrier, Dispute, LedgerEntry, Manifest, Tender
from .notice import MessageOptOut, MessageSettings, Notice, PushSubscription
from .offer import Offer, OfferPackage, Round
from .package import ItemClass, Package, PackageQuerySet, TrackingLink
from .trip import Claim, DeliveryException, Proof, Stop, Trip

__all__ = [
    "BlockedPair",
    "Carrier",
    "Claim",
    "DeliveryException",
    "Dispute",
    "Event",
    "ItemClass",
    "LedgerEntry",
    "Manifest",
    "MessageOptOut",
    "MessageSettings",
    "Notice",
    "Offer",
    "OfferPackage",
    "Package",
    "PackageQuerySet",
    "Proof",
    "PushSubscription",
    "Round",
    "Stop",
    "Tender",
    "TrackingLink",
    "Trip",
]
