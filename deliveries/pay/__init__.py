"""What a trip pays: the quote before, the settlement after, and what the workweek adds. Integer cents, no Django, no clock.

`money` rounds, `quotes` promises and settles, `week` knows the forty hours and the minimum wage. Every rule stands with
its source and worked examples in `docs/pay.md`. Not legal advice.
"""

from .money import METRES_PER_MILE_THOUSANDTHS, mileage_cents, time_cents
from .quotes import Line, LineKind, Quote, Rates, digest_of, quote, raised, settle, waiting
from .week import FORTY_HOURS_S, Period, Week, minimum_top_up, overtime_due, overtime_s, workweek

__all__ = [
    "FORTY_HOURS_S",
    "METRES_PER_MILE_THOUSANDTHS",
    "Line",
    "LineKind",
    "Period",
    "Quote",
    "Rates",
    "Week",
    "digest_of",
    "mileage_cents",
    "minimum_top_up",
    "overtime_due",
    "overtime_s",
    "quote",
    "raised",
    "settle",
    "time_cents",
    "waiting",
    "workweek",
]
