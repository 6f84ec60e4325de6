"""A cell's text to a value, or to a fault that says how to mend it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from deliveries.intake import measures
from deliveries.models.package import HEAVIEST_G, LONGEST_MM
from stores.feeds import fields
from stores.feeds.export import safe_cell
from stores.feeds.fields import Bad

NEW_YORK = ZoneInfo("America/New_York")


def code_of(read: Callable[[], Any]) -> str:
    with pytest.raises(Bad) as caught:
        read()
    assert caught.value.message
    return caught.value.code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("NaN", "not_a_number"), ("Infinity", "not_a_number"), ("-inf", "not_a_number"), ("", "not_a_number"),
        ("-1", "negative"), ("1_000", "underscore"), ("1,000", "thousands_separator"), ("1,5", "decimal_comma"),
        ("1e3", "exponent"), ("１２", "digits"), ("١٢", "digits"), ("½", "digits"), ("$5", "currency_sign"),
        ("3 lb", "unit_in_value"), ("3.", "number_format"), (".5", "number_format"), ("9" * 13, "number_format"),
        ("1.2.3", "not_a_number"), ("0x10", "not_a_number"), ("abc", "not_a_number"), ("+1", "not_a_number"),
        ("9" * 1_000_000, "number_format"),
    ],
)  # fmt: skip
def test_what_is_no_plain_number(text: str, code: str) -> None:
    assert code_of(lambda: fields.decimal(text)) == code


@given(st.text(max_size=30))
def test_a_number_is_ascii_digits_or_a_fault(text: str) -> None:
    try:
        value = fields.decimal(text)
    except Bad:
        return
    assert value >= 0
    assert text.strip().replace(".", "", 1).isascii()
    assert value == Decimal(text.strip())


@given(st.integers(0, 5_000_000))
def test_dollars_are_exact_cents(cents: int) -> None:
    assert fields.cents(f"{cents // 100}.{cents % 100:02}", 5_000_000) == cents


def test_dollars_have_two_decimals_and_a_limit() -> None:
    assert fields.cents("12.5", 10_000) == 1250
    assert code_of(lambda: fields.cents("12.505", 10_000)) == "cents"
    assert code_of(lambda: fields.cents("100.01", 10_000)) == "too_much"


@pytest.mark.parametrize(
    ("text", "unit", "grams"), [("1", "lb", 454), ("3.2", "lb", 1451), ("16", "oz", 454), ("1.45", "kg", 1450)]
)
def test_weights_of_every_unit(text: str, unit: str, grams: int) -> None:
    assert measures.grams(text, unit, HEAVIEST_G) == grams


def test_weights_that_cannot_be() -> None:
    assert code_of(lambda: measures.grams("3.5", "g", HEAVIEST_G)) == "looks_like_pounds"
    assert code_of(lambda: measures.grams("0", "lb", HEAVIEST_G)) == "zero"
    assert code_of(lambda: measures.grams("900", "kg", HEAVIEST_G)) == "too_heavy"
    assert measures.grams(str(HEAVIEST_G), "g", HEAVIEST_G) == HEAVIEST_G
    assert code_of(lambda: measures.grams(str(HEAVIEST_G + 1), "g", HEAVIEST_G)) == "too_heavy"
    assert code_of(lambda: measures.millimetres("0.4", "mm", LONGEST_MM)) == "zero"
    assert code_of(lambda: measures.millimetres("119", "in", LONGEST_MM)) == "too_large"
    assert measures.millimetres("12", "in", LONGEST_MM) == 305


def test_a_density_tells_wrong_units() -> None:
    shoe_box = (305, 229, 102)
    assert measures.density_fault(1_450, shoe_box) is None
    assert measures.density_fault(3, shoe_box)[:2] == (True, "too_light"), "pounds in grams"
    assert measures.density_fault(1_450, (12, 9, 4))[:2] == (True, "too_dense"), "inches in millimetres"
    assert measures.density_fault(40_000, shoe_box)[:2] == (False, "too_dense"), "odd, but a box of steel may be"


def test_local_times_that_exist_once() -> None:
    assert fields.moment("2026-11-24T18:30", NEW_YORK) == datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
    assert fields.moment("2026-11-24 18:30:59.123", NEW_YORK) == datetime(2026, 11, 24, 23, 30, 59, tzinfo=UTC)
    assert fields.moment("2026-11-24T23:30Z", NEW_YORK) == datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
    assert fields.moment("2026-11-24T17:30-0600", NEW_YORK) == datetime(2026, 11, 24, 23, 30, tzinfo=UTC)


def test_a_time_the_clocks_show_twice_names_both_ways_to_write_it() -> None:
    with pytest.raises(Bad) as caught:
        fields.moment("2026-11-01T01:30", NEW_YORK)
    assert caught.value.code == "ambiguous_time"
    assert "2026-11-01T01:30-04:00 or 2026-11-01T01:30-05:00" in caught.value.message
    early, late = (fields.moment(f"2026-11-01T01:30{offset}", NEW_YORK) for offset in ("-04:00", "-05:00"))
    assert late - early == timedelta(hours=1)


def test_a_time_the_clocks_skip_is_refused() -> None:
    with pytest.raises(Bad) as caught:
        fields.moment("2026-03-08T02:30", NEW_YORK)
    assert caught.value.code == "no_such_local_time"
    assert "2026-03-08T03:30-04:00" in caught.value.message
    assert fields.moment("2026-03-08T02:30", ZoneInfo("America/Phoenix")), "Arizona skips nothing"


FIRST, LAST = datetime(2000, 1, 2), datetime(2100, 12, 30)  # noqa: DTZ001 - local times are what this is about


@given(st.datetimes(FIRST, LAST), st.sampled_from(["America/New_York", "America/Chicago"]))
def test_a_local_time_comes_back_as_it_was_written(naive: datetime, zone: str) -> None:
    written = naive.replace(microsecond=0).isoformat()
    try:
        instant = fields.moment(written, ZoneInfo(zone))
    except Bad as bad:
        event(bad.code)
        instant = fields.moment(f"{written}-05:00", ZoneInfo(zone))
        assert naive.hour < 3, "clocks change in the first hours of a Sunday, and then an offset helps"
        assert instant.tzinfo is UTC
        return
    assert instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None).isoformat() == written


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("11/24/2026 6:30 PM", "time_format"), ("2026-11-24", "time_format"), ("18:30", "time_format"),
        ("2026-02-30T10:00", "no_such_time"), ("2026-11-24T24:00", "no_such_time"), ("2026-11-24T10:60", "no_such_time"),
        ("2026-11-24T10:00+99:00", "no_such_time"), ("0001-01-01T00:00+14:00", "year"), ("9999-12-31T23:59-14:00", "year"),
        ("２０２６-11-24T10:00", "time_format"), ("", "time_format"),
    ],
)  # fmt: skip
def test_what_is_no_time(text: str, code: str) -> None:
    assert code_of(lambda: fields.moment(text, NEW_YORK)) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a\x07b", "control_character"),
        ("a\nb", "control_character"),
        ("a\x00b", "control_character"),
        ("user\u202egpj.exe", "bidi_control"),
        ("\u2066x", "bidi_control"),
        ("\ud800", "bad_character"),
        ("x" * 81, "too_long"),
        ("x" * 10_000_000, "too_long"),
    ],
)
def test_text_that_is_refused(text: str, code: str) -> None:
    assert code_of(lambda: fields.text(text, 80)) == code


@pytest.mark.parametrize(
    "name", ["José Ñandú", "שרה כהן", "محمد", "田中さん", "Zoë 🎁", "=1+1", "<script>alert(1)</script>"]
)
def test_names_of_all_kinds_stay_as_they_are(name: str) -> None:
    assert fields.text(f"  {name} ", 80) == name


def test_text_is_one_spelling_of_unicode() -> None:
    assert fields.text("Jose\u0301", 80) == "José"
    assert fields.note("ring\r\ntwice\tplease", 80) == "ring twice please"


def test_references() -> None:
    assert fields.reference(" W-1/2#3 ", 40) == "W-1/2#3"
    assert code_of(lambda: fields.reference("1.23457E+11", 40)) == "spreadsheet_number"
    assert code_of(lambda: fields.reference("a b", 40)) == "reference"
    assert code_of(lambda: fields.reference("ü", 40)) == "reference"
    assert code_of(lambda: fields.reference("x" * 41, 40)) == "too_long"


def test_addresses() -> None:
    assert fields.zip5("07002-1234") == "07002"
    with pytest.raises(Bad, match="07002"):
        fields.zip5("7002")
    assert code_of(lambda: fields.zip5("O7002")) == "zip"
    assert fields.state("nj") == "NJ"
    assert code_of(lambda: fields.state("XX")) == "state"
    assert fields.phone("(201) 555-0123") == "+12015550123"
    assert code_of(lambda: fields.phone("call me")) == "phone"
    assert code_of(lambda: fields.phone("555-0123")) == "phone"
    assert code_of(lambda: fields.email("sam@")) == "email"


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "＝1"])
def test_formulas_do_not_leave_as_formulas(formula: str) -> None:
    assert safe_cell(formula) == f"'{formula}"


def test_ordinary_cells_leave_as_they_are() -> None:
    assert [safe_cell(text) for text in ("", "Sam", "a=b", "<b>")] == ["", "Sam", "a=b", "<b>"]
