"""What we need of a carrier, whoever it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from deliveries.models import Carrier, Manifest, Package


class NotNow(Exception):
    """The carrier did not answer, or not what we can use; `code` says which. Asked again later."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Label:
    """What the carrier calls a package, and its own label: a PDF or PNG, or nothing where ours does."""

    tracking: str
    data: bytes = b""
    media: str = ""


class CarrierService(Protocol):
    def rates(self, packages: Sequence[Package]) -> dict[int, int]:
        """What it charges for each, in cents, by package id; what is missing is priced by `rates.py`. Raises NotNow."""

    def announce(self, manifest: Manifest) -> dict[int, Label]:
        """Tell it of a manifest, by package id. The same manifest again is the same order. Raises NotNow."""


def service_of(carrier: Carrier) -> CarrierService:
    """The way this carrier is spoken to."""
    from .by_file import ByFile
    from .by_http import ByHttp

    return ByHttp(carrier) if carrier.kind == Carrier.Kind.HTTP else ByFile()
