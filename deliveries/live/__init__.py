"""Everything that is said live, after a commit: what a page shows, whom it is sent to, and the hub that sends it.

    groups.py      the names of the groups, all in one place
    snapshots.py   what a customer may see of a package: facts in bulk, a version, a rendered fragment
    arrival.py     from a trip's rows to what is known for sure and what is planned after it
    window.py      when it will come, as an honest range                                        pure
    words.py       the sentences: every state, what happens next, the timeline
    publishing.py  a committed Event -> Redis, once; who watches nothing costs nothing
    places.py      how many watch one link, in all processes                                    no models
    hub.py         one Redis subscription a process, fanned out to its sockets                  no models

A verb needs only `speak`, `nudge_associate`, `nudge_store` and, for what is no event, `show`.
"""

from .publishing import nudge_associate, nudge_store, show, speak

__all__ = ["nudge_associate", "nudge_store", "show", "speak"]
