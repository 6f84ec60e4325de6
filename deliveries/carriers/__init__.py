"""Carriers behind one interface: what they would charge, and how they are told what they get.

    service.py   the interface, and which of the two a store's carrier speaks
    by_file.py   the default: a CSV manifest that the driver is handed
    by_http.py   a carrier with an API: rates before, labels after
    printing.py  PDF labels into one file to print
    rates.py     what the store's own table says, and who is believed before whom

A package goes to a carrier by one verb (`actions/carriers.tender`), which knows nothing of networks: rates are asked
before it, a manifest is told after it and again until the carrier has answered.
"""

from .service import CarrierService, Label, NotNow, service_of

__all__ = ["CarrierService", "Label", "NotNow", "service_of"]
