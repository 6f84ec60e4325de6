"""Drive times behind one interface; where they come from is nobody else's business. Pure.

    times.py       TravelTimes, and what it answers with
    estimate.py    PowerLaw: without a road map
    osrm.py        Osrm: a routing server by URL
    remembered.py  Remembered: asks for what it does not know yet
    careful.py     Careful: the estimate, marked as one, where the server fails; never an exception

`deliveries/drives.py` puts them together from the settings.
"""

from .careful import Careful
from .estimate import PowerLaw
from .osrm import Osrm
from .remembered import Remembered, Shelf
from .times import Drives, RoutingFault, TravelTimes, Way

__all__ = ["Careful", "Drives", "Osrm", "PowerLaw", "Remembered", "RoutingFault", "Shelf", "TravelTimes", "Way"]
