"""What the retailer's systems send, before it means anything: bytes become rows, cells become values or clear faults.

Packages (`deliveries/intake`) and rosters (`associates/roster.py`) both read through here, from files and from the API.
Three kinds of fault: a `FileFault` (nothing can be read, nothing is written), a fault of one row (that row is rejected,
the others are kept), a warning (the row is kept).
"""
