"""What travels, in the admin: read-only rows, and verbs as buttons. Importing this package registers the pages."""

from . import offers, packages, records, trips

__all__ = ["offers", "packages", "records", "trips"]
