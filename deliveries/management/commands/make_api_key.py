"""`manage.py make_api_key --store 3520 --name "Order system"`: a key for one of the retailer's systems, shown once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from deliveries.api import keys
from stores.models import ApiKey, ApiScope, Store

MOST_DAYS = 3_650


class Command(BaseCommand):
    help = "Make a key for the API. Its secret alone goes to standard output, once; only its hash is kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--store", type=int, action="append", required=True, help="store number; may be repeated")
        parser.add_argument("--name", required=True, help="the system that will use it")
        parser.add_argument(
            "--scope", action="append", choices=ApiScope.values,
            help=f"what it may do; may be repeated. Without: {', '.join(keys.DEFAULT_SCOPES)}",
        )  # fmt: skip
        parser.add_argument("--days", type=int, default=keys.DEFAULT_LIFE.days, help="valid for so many days")
        parser.add_argument("--per-minute", type=int, default=300, help="requests a minute")

    def handle(self, *args: Any, **options: Any) -> None:
        name, numbers, days = options["name"].strip(), sorted(set(options["store"])), options["days"]
        longest = ApiKey._meta.get_field("name").max_length or 0
        if not 1 <= len(name) <= longest:
            raise CommandError(_("--name needs 1 to %(longest)s characters.") % {"longest": longest})
        if not 1 <= days <= MOST_DAYS:
            raise CommandError(_("--days must lie between 1 and %(most)s.") % {"most": MOST_DAYS})
        if not 1 <= options["per_minute"] <= 10_000:
            raise CommandError(_("--per-minute must lie between 1 and %(most)s.") % {"most": 10_000})
        stores = list(Store.objects.filter(number__in=numbers))
        missing = set(numbers) - {store.number for store in stores}
        if missing:
            raise CommandError(_("There is no store %(numbers)s.") % {"numbers": ", ".join(map(str, sorted(missing)))})
        made, secret = keys.issue(
            name=name, stores=stores, now=timezone.now(), life=timedelta(days=days),
            scopes=options["scope"] or keys.DEFAULT_SCOPES, per_minute=options["per_minute"],
        )  # fmt: skip
        self.stderr.write(
            _("Key %(number)s of “%(name)s” for %(stores)s, valid until %(until)s. It is not shown again:")
            % {
                "number": made.pk, "name": name, "stores": ", ".join(map(str, numbers)),
                "until": f"{made.secrets.get().expires_at:%Y-%m-%d}",
            }
        )  # fmt: skip
        self.stdout.write(secret)
