"""Group names, publishing, and the hub. (Publishing only so far; the hub follows.)"""

from __future__ import annotations

from collections.abc import Sequence


def speak(event_ids: Sequence[int]) -> None:
    """Tell live pages of these events and mark them published."""


def nudge_associate(associate_id: int) -> None:
    """Tell the associate's own open pages to look again."""
