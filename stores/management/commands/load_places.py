"""`manage.py load_places FILE...`: address points and ZIP centroids from CSV, in bulk; the same file again adds nothing."""

from __future__ import annotations

import csv
import itertools
import math
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from stores.models import AddressPoint, ZipCentroid
from stores.places import normal_street

BATCH = 5_000
SHOWN = 20


@dataclass
class Loaded:
    """What came of one file. `bad` has one sentence a row left out: row, column, value, and how to mend it."""

    kind: str
    rows: int = 0
    bad: list[str] = field(default_factory=list)


class BadRow(ValueError):
    """One row cannot be used. The text names column and value and says what is wanted."""


def load_file(path: Path) -> Loaded:
    """Load one file: `address1,zip,lat,lon` and any further columns are address points, `zip,lat,lon` are centroids.

    Good rows are kept whatever is wrong with others. A known place takes the file's coordinates. Raises CommandError
    for a file that cannot be read at all.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _load(path, csv.DictReader(file))
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CommandError(
            f"{path}: not UTF-8 text near byte {error.start}. Save it as CSV, UTF-8, and load it again."
        ) from error
    except csv.Error as error:
        raise CommandError(f"{path}: not a CSV file ({error}).") from error


def _load(path: Path, reader: csv.DictReader[str]) -> Loaded:
    columns = set(reader.fieldnames or ())
    if not columns:
        raise CommandError(f"{path}: the file is empty; the first line must be address1,zip,lat,lon or zip,lat,lon.")
    if {"address1", "zip", "lat", "lon"} <= columns:
        loaded = Loaded("address points")
        return _save(reader, loaded, _address_point, ["zip", "street"], ["lat", "lon", "precision", "source"])
    if {"zip", "lat", "lon"} <= columns:
        return _save(reader, Loaded("ZIP centroids"), _zip_centroid, ["zip"], ["lat", "lon"])
    raise CommandError(
        f"{path}: the first line names {', '.join(sorted(columns))}; it must name at least zip, lat and lon, "
        "and address1 for street addresses."
    )


def _save(
    rows: Iterable[dict[str, str]],
    loaded: Loaded,
    read: Callable[[dict[str, str]], Any],
    unique: list[str],
    renewed: list[str],
) -> Loaded:
    for batch in _batches(rows):
        found = {}
        for number, row in batch:
            try:
                place = read(row)
            except BadRow as error:
                loaded.bad.append(f"row {number}: {error}")
            else:  # apartments share a street line; within one statement a line may stand once
                found[tuple(getattr(place, name) for name in unique)] = place
                loaded.rows += 1
        places = list(found.values())
        if places:
            type(places[0]).objects.bulk_create(
                places, update_conflicts=True, unique_fields=unique, update_fields=renewed
            )
    return loaded


def _batches(rows: Iterable[dict[str, str]]) -> Iterator[list[tuple[int, dict[str, str]]]]:
    numbered = enumerate(rows, 2)  # as a spreadsheet counts them: the header is row 1
    while batch := list(itertools.islice(numbered, BATCH)):
        yield batch


def _address_point(row: dict[str, str]) -> AddressPoint:
    street = normal_street(row["address1"] or "")
    if not street or len(street) > 120:
        raise BadRow(f"address1 is “{(row['address1'] or '')[:40]}”; a street line of 1 to 120 characters is wanted.")
    return AddressPoint(street=street, zip=_zip(row), lat=_degrees(row, "lat", 90), lon=_degrees(row, "lon", 180))


def _zip_centroid(row: dict[str, str]) -> ZipCentroid:
    return ZipCentroid(zip=_zip(row), lat=_degrees(row, "lat", 90), lon=_degrees(row, "lon", 180))


def _zip(row: dict[str, str]) -> str:
    text = (row["zip"] or "").strip()
    digits = text[:5]
    if not (len(digits) == 5 and digits.isascii() and digits.isdigit()):
        raise BadRow(f"zip is “{text[:40]}”; five digits are wanted, leading zeros kept: 07094.")
    return digits


def _degrees(row: dict[str, str], name: str, most: int) -> float:
    text = (row[name] or "").strip()
    try:
        value = float(text) if "_" not in text else math.nan
    except ValueError:
        value = math.nan
    if not -most <= value <= most:  # NaN is never within
        raise BadRow(f"{name} is “{text[:40]}”; decimal degrees from -{most} to {most} are wanted.")
    return value


class Command(BaseCommand):
    help = "Load address points and ZIP centroids from CSV files, so that addresses become points."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="columns: [address1,]zip,lat,lon")

    def handle(self, *args: Any, files: list[Path], **options: Any) -> None:
        left_out = 0
        for path in files:
            loaded = load_file(path)
            self.stdout.write(f"{path}: {loaded.rows} {loaded.kind}.")
            for sentence in loaded.bad[:SHOWN]:
                self.stderr.write(f"{path}, {sentence}")
            if len(loaded.bad) > SHOWN:
                self.stderr.write(f"{path}: and {len(loaded.bad) - SHOWN} more.")
            left_out += len(loaded.bad)
        if left_out:
            raise CommandError(
                f"{left_out} rows were left out; the others are loaded. Mend them and load the file again."
            )
