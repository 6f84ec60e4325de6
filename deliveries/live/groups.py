"""The names of the groups that live pages listen to. Nobody else spells one.

A group is a Redis channel. Redis knows no databases in publish/subscribe, so a name begins with our database's: two
installations, or two test runs, that share a Redis do not hear each other.
"""

from __future__ import annotations

from typing import NamedTuple

from django.db import connection

PACKAGE, ASSOCIATE, STORE = "package", "associate", "store"


class Group(NamedTuple):
    """A name taken apart; `language` is empty but for packages, whose fragments are rendered once a language."""

    kind: str
    id: int
    language: str = ""


def package(package_id: int, language: str) -> str:
    """Whoever watches this package in this language."""
    return _name(Group(PACKAGE, package_id, language))


def associate(associate_id: int) -> str:
    """The associate's own open pages."""
    return _name(Group(ASSOCIATE, associate_id))


def store(store_id: int) -> str:
    """The boards of the store's staff."""
    return _name(Group(STORE, store_id))


def parse(name: str) -> Group:
    """The parts of a name that one of the functions above made."""
    kind, id_, language = name.rsplit(":", 1)[1].split(".")
    return Group(kind, int(id_), language)


def places() -> str:
    """What the keys begin with under which the viewers of links are counted (`places.py`). No groups, but named alike."""
    return f"hw:{connection.settings_dict['NAME']}:places."


def _name(group: Group) -> str:
    return f"hw:{connection.settings_dict['NAME']}:{group.kind}.{group.id}.{group.language}"
