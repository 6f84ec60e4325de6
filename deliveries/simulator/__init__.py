"""What Homeward would have done with a store's orders, before anyone enrols.

    scene.py      two files -> packages and people who do not exist, checked as the feeds are
    dedicated.py  the other way: round trips from the store with nothing else to do             pure
    run.py        the real planner and the real pay rules over every evening, and the figures
    results.py    figures -> rows for people and for CSV

Nothing here writes a package, a person or a place. A home is a coarse cell the moment it is read, and gone with the run.
"""

from .run import Figures, simulate
from .scene import HOMES, Scene, read

__all__ = ["HOMES", "Figures", "Scene", "read", "simulate"]
