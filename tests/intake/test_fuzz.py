"""Whatever the bytes: never a 5xx, and never a row that is not accounted for."""

from __future__ import annotations

import csv
import io
import json
import logging
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from associates import roster
from deliveries.api import keys
from deliveries.api.keys import KeyThrottle
from deliveries.intake.columns import PACKAGES

from .. import make
from . import rows

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)
NASTY = st.sampled_from(
    ["", " ", "\x00", "\ud800", "=1+1", "NaN", "1e999", "-0", "9" * 400, "１", "2026-11-01T01:30", "0001-01-01T00:00+14:00",
     "9999-12-31T23:59:59-14:00", "\u202e", "'; DROP TABLE", "2026-03-08T02:30", "1.7976931348623157e308", "🎁" * 100]
)  # fmt: skip
CELL = NASTY | st.text(max_size=30) | JSON
FEW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Fuzz(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        cls.store = make.store()
        _record, cls.key = keys.issue(name="Fuzzer", stores=[cls.store], now=timezone.now())

    def setUp(self) -> None:
        patch = pytest.MonkeyPatch()
        patch.setattr(KeyThrottle, "allow_request", lambda self, http, view: True)
        self.addCleanup(patch.undo)
        logging.disable(logging.WARNING)  # two lines a request, thousands of requests
        self.addCleanup(logging.disable, logging.NOTSET)

    def answer(self, url: str, body: bytes, media: str) -> dict[str, Any]:
        response = self.client.post(
            url, body, content_type=media, headers={"Authorization": f"Bearer {self.key}"}, CONTENT_TYPE=media
        )
        assert response.status_code in (200, 207, 400, 413), (response.status_code, response.content)
        answer = json.loads(response.content)
        if response.status_code in (200, 207):
            assert answer["read"] == answer["accepted"] + answer["unchanged"] + answer["rejected"]
            assert (response.status_code == 207) == bool(answer["rejected"])
            assert bool(answer["rejected"]) == bool(answer["errors"])
        else:
            assert response["Content-Type"] == "application/problem+json"
        return answer

    @FEW
    @given(
        st.binary(max_size=400),
        st.sampled_from(["application/json", "text/csv"]),
        st.sampled_from(["packages", "shifts"]),
    )
    def test_any_bytes(self, body: bytes, media: str, feed: str) -> None:
        self.answer(f"/api/v1/{feed}", body, media)

    @FEW
    @given(JSON)
    def test_any_json(self, body: Any) -> None:
        self.answer("/api/v1/packages", json.dumps(body).encode(), "application/json")

    @FEW
    @given(st.lists(JSON, min_size=1, max_size=5))
    def test_any_rows(self, items: list[Any]) -> None:
        body = json.dumps({"packages": items}).replace("NaN", "1e99").replace("Infinity", "1e99")
        assert self.answer("/api/v1/packages", body.encode(), "application/json")["read"] == len(items)

    @FEW
    @given(st.data())
    def test_good_rows_with_a_few_nasty_cells(self, data: st.DataObject) -> None:
        sheet, good = data.draw(st.sampled_from([(PACKAGES, rows.package), (roster.SHIFTS, rows.shift)]))
        items = [
            good(self.store, number, **data.draw(st.dictionaries(st.sampled_from(sheet.names), CELL, max_size=3)))
            if data.draw(st.booleans())
            else {**good(self.store, number), **data.draw(st.dictionaries(st.text(max_size=8), CELL, max_size=2))}
            for number in range(1, data.draw(st.integers(2, 5)))
        ]
        body = json.dumps({sheet.name: items}).replace("NaN", "1e99").replace("Infinity", "1e99")
        assert self.answer(f"/api/v1/{sheet.name}", body.encode(), "application/json")["read"] == len(items)

    @FEW
    @given(st.data())
    def test_csv_with_a_few_nasty_cells(self, data: st.DataObject) -> None:
        sheet, good = data.draw(st.sampled_from([(PACKAGES, rows.package), (roster.SHIFTS, rows.shift)]))
        text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
        names = list(good(self.store))
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, names, quoting=csv.QUOTE_ALL)
        writer.writeheader()
        count = data.draw(st.integers(1, 4))
        for number in range(1, count + 1):
            writer.writerow(
                {**good(self.store, number), **data.draw(st.dictionaries(st.sampled_from(names), text, max_size=3))}
            )
        assert self.answer(f"/api/v1/{sheet.name}", out.getvalue().encode(), "text/csv")["read"] == count
