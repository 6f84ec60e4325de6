"""`manage.py rotate_api_key 7`: a second secret for a key, so that a system changes over while the first still works."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from deliveries.api import keys
from stores.models import ApiKey
from stores.refused import Refused


class Command(BaseCommand):
    help = "Give a key a new secret; the one before works for a week longer. Or end the older of two."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", type=int, help="the key's number, as make_api_key and the admin say it")
        parser.add_argument("--end-older", action="store_true", help="end the older of two secrets now; makes none")
        parser.add_argument("--overlap", type=int, default=keys.OVERLAP.days, help="days the old secret still works")

    def handle(self, *args: Any, **options: Any) -> None:
        key = ApiKey.objects.filter(pk=options["key"]).first()
        if key is None:
            raise CommandError(_("There is no key %(number)s.") % {"number": options["key"]})
        if not 0 <= options["overlap"] <= 365:
            raise CommandError(_("--overlap must lie between 0 and %(most)s.") % {"most": 365})
        now = timezone.now()
        if options["end_older"]:
            if not keys.end_older(key=key, now=now):
                raise CommandError(_("This key has only one secret that works. Revoke the key in the admin instead."))
            self.stderr.write(_("The older secret no longer works."))
            return
        try:
            # A second, where none is wanted: the database keeps that a secret expires after it was made.
            overlap = timedelta(days=options["overlap"]) or timedelta(seconds=1)
            secret = keys.rotate(key=key, now=now, overlap=overlap)
        except Refused as refused:
            raise CommandError(str(refused)) from refused
        self.stderr.write(_("New secret of “%(name)s”. It is not shown again:") % {"name": key.name})
        self.stdout.write(secret)
