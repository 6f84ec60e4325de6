"""Events to the retailer's own addresses.

    signing.py   the secret, sealed; the signature, by the Standard Webhooks specification
    sending.py   feed -> deliveries, in turn; claim, send, mark, back off

Every event of a store has a place in its feed (`deliveries/feed.py`). A webhook's place says up to where each event has
its delivery row, so none is missed and none comes in twice; a row is sent until it is answered with 2xx, for three days.
"""

from .sending import GIVE_UP_AFTER, due_stores, owe, send_due, try_out
from .signing import new_secret, open_secret, seal, signature

__all__ = [
    "GIVE_UP_AFTER", "due_stores", "new_secret", "open_secret", "owe", "seal", "send_due", "signature", "try_out",
]  # fmt: skip
