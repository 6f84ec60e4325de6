"""A manifest as the CSV a carrier is handed."""

from __future__ import annotations

import csv
from typing import TextIO

from deliveries.models import Manifest
from stores import phones, units
from stores.feeds.export import safe_cell

COLUMNS = (
    "label", "reference", "recipient", "phone", "address1", "address2", "city", "state", "zip", "instructions",
    "weight_g", "length_mm", "width_mm", "height_mm", "value_usd", "cost_usd", "deliver_by", "tracking",
)  # fmt: skip


def write_csv(manifest: Manifest, file: TextIO) -> int:
    """Write the packages of `manifest` to `file` (opened with newline=""), one a row; returns how many.

    Times are the store's, with their offset. Text that a spreadsheet would take for a formula gets an apostrophe.
    """
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    count = 0
    for tender in manifest.tenders.select_related("package", "package__store").order_by("package__zip", "package__pk"):
        package = tender.package
        texts = (
            package.label, package.reference, package.recipient, phones.national(package.phone), package.address1,
            package.address2, package.city, package.region, package.zip, package.instructions,
        )  # fmt: skip
        writer.writerow(
            [
                *map(safe_cell, texts),
                package.weight_g, package.length_mm, package.width_mm, package.height_mm,
                units.plain_dollars(package.value_cents), units.plain_dollars(tender.cents),
                package.store.local(package.deliver_by).isoformat(timespec="minutes"), safe_cell(tender.tracking),
            ]
        )  # fmt: skip
        count += 1
    return count
