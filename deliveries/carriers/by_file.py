"""A carrier whose driver is handed a list: nobody to ask for a price (`rates.py` has it), and nobody to tell."""

from __future__ import annotations

from collections.abc import Sequence

from deliveries.models import Manifest, Package

from .service import Label


class ByFile:
    """The list is `deliveries/manifests.py`, downloaded in the admin; packages bear our own labels."""

    def rates(self, packages: Sequence[Package]) -> dict[int, int]:
        return {}

    def announce(self, manifest: Manifest) -> dict[int, Label]:
        return {}
