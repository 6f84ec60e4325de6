"""Who does a thing. Verbs take one of these as `by=`, and the Event keeps it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    SYSTEM = "system"
    RETAILER = "retailer"
    STAFF = "staff"
    ASSOCIATE = "associate"
    CUSTOMER = "customer"


@dataclass(frozen=True, slots=True)
class Actor:
    """`user_id` is the person's account, where a person did it; `name` says which system or task otherwise."""

    kind: ActorKind
    user_id: int | None = None
    name: str = ""


def system(name: str) -> Actor:
    """A task of ours: `system("rounds")`."""
    return Actor(ActorKind.SYSTEM, name=name)


def retailer(name: str) -> Actor:
    """One of the retailer's systems, by the name of its key."""
    return Actor(ActorKind.RETAILER, name=name)


def staff(user_id: int | None) -> Actor:
    """A member of staff, or of no account any more: somebody who was deleted since."""
    return Actor(ActorKind.STAFF, user_id)


def associate(user_id: int) -> Actor:
    return Actor(ActorKind.ASSOCIATE, user_id)


CUSTOMER = Actor(ActorKind.CUSTOMER, name="tracking link")
