"""The code on a package's label: short, read aloud and typed without mistakes. Pure.

Six characters of Crockford's base 32 (digits and capitals without I, L, O, U), so a code that `normal_label` in
`actions/handover.py` has read is the code that was made here.
"""

from __future__ import annotations

import secrets
from collections.abc import Container

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 6


def make(count: int, taken: Container[str] = ()) -> list[str]:
    """`count` random codes, all different and none of them in `taken`."""
    made: set[str] = set()
    while len(made) < count:
        code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        if code not in taken:
            made.add(code)
    return list(made)
