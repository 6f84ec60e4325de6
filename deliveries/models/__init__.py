"""Rows. They hold what is true and what the database promises of it; the verbs that change it are in `actions/`."""

from .carrier_rate import CarrierRate
from .conflict import BlockedPair
from .customer import CarrierOnly, ChatMessage, FirstPin, GateCode, RatingTally, Thanks
from .event import Event
from .exchange import ApiCall, Import, ImportRow
from .halt import Halt
from .ledger import Carrier, Dispute, LedgerEntry, Manifest, Tender
from .message_text import MessageText
from .notice import MessageOptOut, MessageSettings, Notice, PushSubscription
from .offer import Offer, OfferPackage, Round
from .package import ItemClass, Package, PackageQuerySet, SafePlace, TrackingLink
from .pay_approval import PayApproval, PayDownload
from .simulation import Simulation
from .stop_rule import StaffNotice, StopRule
from .store_event import StoreEvent
from .swap import Swap, SwapPackage
from .trip import Claim, DeliveryException, Proof, RoadAct, Stop, Transfer, Trip
from .webhook import Webhook, WebhookDelivery, WebhookStore

__all__ = [
    "ApiCall",
    "BlockedPair",
    "Carrier",
    "CarrierOnly",
    "CarrierRate",
    "ChatMessage",
    "Claim",
    "DeliveryException",
    "Dispute",
    "Event",
    "FirstPin",
    "GateCode",
    "Halt",
    "Import",
    "ImportRow",
    "ItemClass",
    "LedgerEntry",
    "Manifest",
    "MessageOptOut",
    "MessageSettings",
    "MessageText",
    "Notice",
    "Offer",
    "OfferPackage",
    "Package",
    "PackageQuerySet",
    "PayApproval",
    "PayDownload",
    "Proof",
    "PushSubscription",
    "RatingTally",
    "RoadAct",
    "Round",
    "SafePlace",
    "Simulation",
    "StaffNotice",
    "Stop",
    "StopRule",
    "StoreEvent",
    "Swap",
    "SwapPackage",
    "Tender",
    "Thanks",
    "TrackingLink",
    "Transfer",
    "Trip",
    "Webhook",
    "WebhookDelivery",
    "WebhookStore",
]
