"""Pay for payroll: its periods, its signed file, and what is still open. Reads; approving is `actions/approving.py`."""

from .file import COLUMNS, BadPeriod, NotApproved, PayFile, export, file_name, make_file, sign, verify
from .periods import Calendar, PayPeriod, calendar
from .questions import (
    Pay,
    PersonsPay,
    about_earlier,
    by_person,
    has_questions,
    open_disputes,
    open_trips,
    premium_due,
    totals,
    written_later,
)

__all__ = [
    "COLUMNS",
    "BadPeriod",
    "Calendar",
    "NotApproved",
    "Pay",
    "PayFile",
    "PayPeriod",
    "PersonsPay",
    "about_earlier",
    "by_person",
    "calendar",
    "export",
    "file_name",
    "has_questions",
    "make_file",
    "open_disputes",
    "open_trips",
    "premium_due",
    "sign",
    "totals",
    "verify",
    "written_later",
]
