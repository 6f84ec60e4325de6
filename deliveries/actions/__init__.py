"""Verbs: the only way anything changes state.

Every verb is keyword-only, is told who does it (`by=`) and when (`now=`), and runs in one transaction that

1. locks **the associate, then packages by id, then the trip** - always in this order, always only as much as it needs,
2. checks its own rules on the locked rows and raises a `Refused` with a sentence for people when one does not hold,
3. moves packages through `moves.move`, which writes one Event a package in the same transaction.

Everything spoken - live pages, messages, tasks - happens after the commit; what is lost then, a sweep finds.
Verbs that a phone may repeat take a `key`; the same key gives the same answer and changes nothing.
"""

from __future__ import annotations

from stores.refused import Refused

__all__ = ["Refused"]
