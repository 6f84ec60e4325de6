"""What the database counts in, as people read it. Grams and pounds, metres and miles, cents and dollars. Pure."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

GRAMS_PER_POUND = Decimal("453.59237")  # exact: the international avoirdupois pound, 1959
METRES_PER_FOOT = Decimal("0.3048")  # exact: the international foot, 1959
METRES_PER_MILE = Decimal("1609.344")  # exact: the international mile, 1959
MILLIMETRES_PER_INCH = Decimal("25.4")  # exact: the international inch, 1959


def rounded(value: Decimal, places: str) -> Decimal:
    """Half up, as people round; `places` is "1" or "0.1"."""
    return value.quantize(Decimal(places), ROUND_HALF_UP)


def grams(pounds: Decimal) -> int:
    """Whole grams of `pounds`, to the nearest."""
    return int(rounded(pounds * GRAMS_PER_POUND, "1"))


def pounds(grams: int) -> Decimal:
    """Pounds of `grams`, to a tenth; whole pounds have no decimals (20, not 20.0)."""
    value = rounded(Decimal(grams) / GRAMS_PER_POUND, "0.1")
    return value.to_integral_value() if value == value.to_integral_value() else value


def miles(metres: int) -> Decimal:
    """Miles of `metres`, to a tenth."""
    return rounded(Decimal(metres) / METRES_PER_MILE, "0.1")


def feet(metres: int) -> Decimal:
    """Whole feet of `metres`, to the nearest."""
    return rounded(Decimal(metres) / METRES_PER_FOOT, "1")


def metres_of_miles(miles: Decimal) -> int:
    """Whole metres of `miles`, to the nearest."""
    return int(rounded(miles * METRES_PER_MILE, "1"))


def metres_of_feet(feet: Decimal) -> int:
    """Whole metres of `feet`, to the nearest."""
    return int(rounded(feet * METRES_PER_FOOT, "1"))


def inches(millimetres: int) -> Decimal:
    """Whole inches of `millimetres`, to the nearest."""
    return rounded(Decimal(millimetres) / MILLIMETRES_PER_INCH, "1")


def minutes(seconds: int) -> int:
    """Minutes of `seconds`, rounded up: nobody is told that something is quicker than it is."""
    return -(-seconds // 60)


def dollars(cents: int) -> str:
    """Dollars and cents, "$1,234.50"; a negative amount has its sign in front: "-$3.20"."""
    return f"{'-' if cents < 0 else ''}${abs(cents) // 100:,}.{abs(cents) % 100:02d}"


def plain_dollars(cents: int) -> str:
    """For programs that read a file: "1234.50", "-3.20"."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def dollars_of_tenths(tenths: int) -> str:
    """Dollars of tenths of a cent, as rates of a mile are kept: "$0.725"; "$0.70" where two decimals say it all."""
    return dollars(tenths // 10) if tenths % 10 == 0 else f"${tenths // 1000:,}.{tenths % 1000:03d}"
