"""Phone numbers as people read them and as a phone dials them. Stored is what was typed or sent."""

from __future__ import annotations

import phonenumbers
from phonenumbers import PhoneNumberFormat


def _parsed(phone: str) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse(phone, "US")
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_possible_number(number) else None


def national(phone: str) -> str:
    """An American number as Americans write it: "(201) 555-0120". Others, and what is no number, stay as they are."""
    number = _parsed(phone)
    if number is None or number.country_code != 1:
        return phone
    return phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)


def dialled(phone: str) -> str:
    """What a link that calls it leads to, RFC 3966: "tel:+1-201-555-0120"."""
    number = _parsed(phone)
    if number is None:
        return f"tel:{''.join(letter for letter in phone if letter in '+*#0123456789')}"
    return phonenumbers.format_number(number, PhoneNumberFormat.RFC3966)
