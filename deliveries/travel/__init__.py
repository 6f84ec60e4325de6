"""Drive times behind one interface; where they come from is nobody else's business. Pure."""

from .estimate import PowerLaw, TravelTimes

__all__ = ["PowerLaw", "TravelTimes"]
