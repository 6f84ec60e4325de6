"""What travels, in the admin: read-only rows, and verbs as buttons. Importing this package registers the pages."""

from . import carriers, disputes, offers, packages, pay_plans, records, stores, trips, webhooks

__all__ = ["carriers", "disputes", "offers", "packages", "pay_plans", "records", "stores", "trips", "webhooks"]
