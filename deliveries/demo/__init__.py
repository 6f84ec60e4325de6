"""A working demo: three real places, invented people, one evening at a time. Never in production.

    pilot.py     the three stores and the real addresses around them (data/, docs/attributions.md)
    crew.py      stores, staff and associates, made once
    evening.py   tonight's shifts and packages, made once an evening, and when that is
    scenes.py    what has happened already when a newcomer looks
    parcels.py   weights and sizes from a formula                                          pure
    names.py     names of nobody                                                           pure
    visitors.py  sign-ins, who can sign up, tracking links
    walk.py      a whole evening through the real verbs, faster than the clock
    camera.py    drawn photos for drop-offs                                                pure

`manage.py demo` is the way in. Pages that want to show the sign-ins call `sign_ins()`.
"""

from .visitors import Sight, SignIn, customer_token, newcomers, sights, sign_ins

__all__ = ["Sight", "SignIn", "customer_token", "newcomers", "sights", "sign_ins"]
