"""Text of one cell to a value. Each function returns what the models store or raises `Bad` with the way to mend it.

No floats where exactness matters, no `int()` or `Decimal()` before the text is known to be plain digits: both accept
`1_000`, full-width digits and, Decimal, `NaN`.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from .report import shown


class Bad(ValueError):
    """A cell that cannot be what its column says. `code` is for programs, `message` for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


# --- Text ---------------------------------------------------------------------------------------------------------------
# Unicode's embeddings, overrides and isolates: they can make a label read other than it is. Hebrew and Arabic need none.
_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_REFUSED_CATEGORIES = {"Cc": "control_character", "Cs": "bad_character", "Zl": "control_character",
                       "Zp": "control_character"}  # fmt: skip


def text(value: str, longest: int) -> str:
    """A line of text: NFC, outer spaces off. Refuses control characters and what reorders the text around it."""
    value = value.strip()
    if len(value) > 4 * longest:  # not worth reading letter by letter
        raise _too_long(value, longest)
    if not (value.isascii() and value.isprintable()):
        for character in value:
            if character in _REORDERING:
                raise Bad(
                    "bidi_control",
                    _(
                        "U+%(code)s changes the order in which the text is read. Remove it; right-to-left names need none."
                    )
                    % {"code": f"{ord(character):04X}"},
                )
            code = _REFUSED_CATEGORIES.get(unicodedata.category(character))
            if code:
                raise Bad(
                    code, _("U+%(code)s is not a character of text. Remove it.") % {"code": f"{ord(character):04X}"}
                )
        value = unicodedata.normalize("NFC", value)
    if len(value) > longest:
        raise _too_long(value, longest)
    return value


def _too_long(value: str, longest: int) -> Bad:
    return Bad(
        "too_long",
        _("That has %(length)s characters; at most %(longest)s fit.") % {"length": len(value), "longest": longest},
    )


def note(value: str, longest: int) -> str:
    """As `text`, for something people write in several lines: line breaks and tabs become spaces."""
    return text(re.sub(r"[\t\r\n\u2028\u2029 ]+", " ", value), longest)


def reference(value: str, longest: int) -> str:
    """The retailer's own number for something: printable ASCII without spaces, kept exactly as written."""
    value = value.strip()
    if re.fullmatch(r"[0-9](\.[0-9]+)?[eE]\+[0-9]+", value):
        raise Bad(
            "spreadsheet_number",
            _("A spreadsheet has shortened this number; its last digits are lost. Export the column as text."),
        )
    if not re.fullmatch(r"[!-~]+", value):
        raise Bad("reference", _("Write letters, digits and signs of ASCII only, without spaces."))
    if len(value) > longest:
        raise _too_long(value, longest)
    return value


def yes_no(value: str) -> bool:
    """true, false, yes, no, 1 or 0, in any case."""
    meaning = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(value.strip().lower())
    if meaning is None:
        raise Bad("true_or_false", _("Write true or false."))
    return meaning


def choice(value: str, *allowed: str) -> str:
    found = value.strip().lower()
    if found not in allowed:
        raise Bad("choice", _("Write one of: %(allowed)s.") % {"allowed": ", ".join(allowed)})
    return found


# --- Numbers ------------------------------------------------------------------------------------------------------------
_PLAIN = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,12})?")


def decimal(value: str) -> Decimal:
    """A plain number of zero or more: `12` or `12.5`, in ASCII digits."""
    value = value.strip()
    if _PLAIN.fullmatch(value):
        return Decimal(value)
    lower = value.lower().lstrip("+-")
    if lower in ("nan", "inf", "infinity"):
        raise Bad("not_a_number", _("That is not a number. Leave the cell empty or write the number."))
    if any(not c.isascii() and unicodedata.category(c).startswith("N") for c in value):
        raise Bad("digits", _("Write the digits 0 to 9; these are full-width or of another script."))
    if "_" in value:
        raise Bad("underscore", _("Write the number without underscores."))
    if re.fullmatch(r"-[0-9]+(\.[0-9]*)?", value):
        raise Bad("negative", _("That is below zero."))
    if re.fullmatch(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?", value):
        raise Bad("thousands_separator", _("Write the number without commas between thousands."))
    if re.fullmatch(r"[0-9]+,[0-9]+", value):
        raise Bad("decimal_comma", _("Write a point, not a comma, before the decimals."))
    if re.fullmatch(r"[+-]?[0-9.]+[eE][+-]?[0-9]+", value):
        raise Bad("exponent", _("Write the number out, without an exponent."))
    if re.fullmatch(r"\$\s*[0-9.,]+", value):
        raise Bad("currency_sign", _("Write the amount without a dollar sign."))
    if re.fullmatch(r"[0-9.,]+\s*[A-Za-z\"']+\.?", value):
        raise Bad("unit_in_value", _("Write only the number; the unit is in the column's name."))
    if re.fullmatch(r"[0-9.]+", value) and value.count(".") <= 1:
        raise Bad("number_format", _("Write a number such as 12 or 12.5, with at most 12 digits on each side."))
    raise Bad("not_a_number", _("That is not a number such as 12 or 12.5."))


def rounded(value: Decimal) -> int:
    """The nearest whole number, halves up."""
    return int(value.quantize(Decimal(1), ROUND_HALF_UP))


def cents(value: str, most: int) -> int:
    """Dollars such as 12 or 12.50, as exact cents; at most `most` cents."""
    amount = decimal(value) * 100
    if amount != amount.to_integral_value():
        raise Bad("cents", _("Write dollars with at most two decimals, such as 12.50."))
    if amount > most:
        raise Bad("too_much", _("At most $%(most)s.") % {"most": f"{most // 100:,}"})
    return int(amount)


def whole(value: str, most: int) -> int:
    """A whole number of zero or more, at most `most`."""
    number = decimal(value)
    if number != number.to_integral_value():
        raise Bad("whole_number", _("Write a whole number."))
    if number > most:
        raise Bad("too_much", _("At most %(most)s.") % {"most": f"{most:,}"})
    return int(number)


def degrees(value: str, most: int) -> float:
    """Decimal degrees of WGS 84, between -`most` and `most`."""
    value = value.strip()
    size = decimal(value[1:] if value[:1] in ("-", "+") else value)
    if size > most:
        raise Bad("off_the_earth", _("That is beyond %(most)s degrees.") % {"most": most})
    return float(-size if value.startswith("-") else size)


# --- Time ---------------------------------------------------------------------------------------------------------------
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?(?:\.[0-9]{1,9})?\s*([Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)
_YEARS = range(2000, 2101)


def day(value: str) -> date:
    """A date, YYYY-MM-DD."""
    found = _DAY.fullmatch(value.strip())
    if not found:
        raise Bad("date_format", _("Write the date as YYYY-MM-DD."))
    try:
        return date(*(int(part) for part in found.groups()))
    except ValueError:
        raise Bad("no_such_date", _("There is no such date.")) from None


def moment(value: str, zone: ZoneInfo) -> datetime:
    """An instant in UTC, to the second: ISO 8601 with an offset, or without one the local time of a store in `zone`.

    A local time that the clocks skip, or show twice, is refused: nobody but the sender knows which was meant.
    """
    found = _MOMENT.fullmatch(value.strip())
    if not found:
        raise Bad(
            "time_format",
            _("Write date and time as 2026-11-24T18:30, in the store's local time, or with an offset: "
              "2026-11-24T18:30-05:00."),
        )  # fmt: skip
    on, minute, second, offset = found.groups()
    try:
        naive = datetime.fromisoformat(f"{on}T{minute}{second or ':00'}")
    except ValueError:
        raise Bad("no_such_time", _("There is no such date or time.")) from None
    if naive.year not in _YEARS:
        raise Bad("year", _("The year must lie between 2000 and 2100."))
    if offset:
        return naive.replace(tzinfo=_offset(offset)).astimezone(UTC)
    # zoneinfo maps every local time to something; only those that come back as they went really exist.
    instants = {
        instant
        for fold in (0, 1)
        if (instant := naive.replace(tzinfo=zone, fold=fold).astimezone(UTC)).astimezone(zone).replace(tzinfo=None)
        == naive
    }
    if len(instants) == 1:
        return instants.pop()
    if instants:
        one, other = (instant.astimezone(zone).isoformat(timespec="minutes") for instant in sorted(instants))
        raise Bad(
            "ambiguous_time",
            _("The clocks go back that night and show this time twice; write %(one)s or %(other)s.")
            % {"one": one, "other": other},
        )
    one = naive.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).isoformat(timespec="minutes")
    raise Bad(
        "no_such_local_time",
        _("The clocks go forward that night and skip this time; perhaps %(time)s is meant.") % {"time": one},
    )


def _offset(written: str) -> timezone:
    if written in ("Z", "z"):
        return UTC
    hours, minutes = int(written[1:3]), int(written[-2:])
    if hours > 14 or minutes > 59:
        raise Bad("no_such_time", _("There is no such offset from UTC."))
    return timezone(timedelta(hours=hours, minutes=minutes) * (-1 if written[0] == "-" else 1))


# --- Addresses ----------------------------------------------------------------------------------------------------------
STATES = frozenset(
    {
        "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FL", "GA", "HI", "ID", "IL", "IN", "IA", "KS", "KY",
        "LA", "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC", "ND", "OH",
        "OK", "OR", "PA", "PR", "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA", "WA", "WV", "WI", "WY",
    }
)  # fmt: skip


def state(value: str) -> str:
    """A state by its two letters (USPS), in capitals."""
    letters = value.strip().upper()
    if letters not in STATES:
        raise Bad("state", _("Write the state's two letters, such as NJ."))
    return letters


def zip5(value: str) -> str:
    """Five digits; what a ZIP+4 adds is dropped."""
    value = value.strip()
    if re.fullmatch(r"[0-9]{5}(-?[0-9]{4})?", value):
        return value[:5]
    if re.fullmatch(r"[0-9]{3,4}", value):
        raise Bad(
            "zip_lost_zero",
            _("A ZIP has five digits; a spreadsheet has dropped the zero in front. Write %(zip)s.")
            % {"zip": value.zfill(5)},
        )
    raise Bad("zip", _("Write a ZIP of five digits, such as 07002."))


def phone(value: str) -> str:
    """A phone number as E.164; without a country code it is of the US."""
    try:
        number = phonenumbers.parse(text(value, 40), "US")
    except phonenumbers.NumberParseException:
        number = None
    whole = phonenumbers.ValidationResult.IS_POSSIBLE  # and not IS_POSSIBLE_LOCAL_ONLY: no area code
    if number is None or number.extension or phonenumbers.is_possible_number_with_reason(number) != whole:
        raise Bad("phone", _("Write a phone number with its area code, such as 201-555-0123, or leave it empty."))
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def email(value: str) -> str:
    value = text(value, 254)
    try:
        validate_email(value)
    except ValidationError:
        raise Bad("email", _("“%(value)s” is not an e-mail address.") % {"value": shown(value)}) from None
    return value
