"""Messages: who is told what, by which channel. First written down, once, by a unique key; then sent by whoever claims
it first.

    kinds.py        every kind of message in one table: channels, urgency, when it is still true
    owed.py         events, offers and pay -> rows; the key names event, person and channel
    forewarning.py  what is owed because time passes: late, shift's end, an offer that closes
    readers.py      which channel for whom: addresses, consent, choices, opt-outs, quiet hours
    quiet.py        quiet hours on the wall clock                                              pure
    texts.py        the words, from templates/messages
    channels/       mail, text message, web push: one way out each
    codes.py        the code that signs somebody in, by text message
    sending.py      claim, still true?, send, mark

A notice that is no longer true when its turn comes is dropped, not sent: an offer that was answered, an "on the way"
of a package that has arrived.
"""

from .codes import text_code
from .forewarning import forewarn
from .kinds import OF_OFFERS
from .owed import (
    owe_answer,
    owe_associate,
    owe_leads,
    owe_offers,
    owe_pay,
    owe_swap,
    owe_swap_done,
    owe_test,
    write_down,
)
from .sending import MOST_ATTEMPTS, due, send_due, wake

__all__ = [
    "MOST_ATTEMPTS",
    "OF_OFFERS",
    "due",
    "forewarn",
    "owe_answer",
    "owe_associate",
    "owe_leads",
    "owe_offers",
    "owe_pay",
    "owe_swap",
    "owe_swap_done",
    "owe_test",
    "send_due",
    "text_code",
    "wake",
    "write_down",
]
