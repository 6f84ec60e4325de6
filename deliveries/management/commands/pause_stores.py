"""`manage.py pause_stores --reason "..." (--all | --store 3520 ...)`: the switch for everything at once, store by store."""

from __future__ import annotations

import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from deliveries.actions import running
from deliveries.actors import system
from stores.models import Store


class Command(BaseCommand):
    help = "Pause stores that offer: open offers are withdrawn, trips go on and are paid, the rest goes to the carrier."

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--all", action="store_true", help="every store in pilot or live")
        which.add_argument("--store", type=int, nargs="+", default=[], help="these store numbers")
        parser.add_argument("--reason", required=True, help="why; kept with each store's decision")

    def handle(self, *args: Any, **options: Any) -> None:
        offering = Store.objects.filter(stage__in=[Store.Stage.PILOT, Store.Stage.LIVE])
        if not options["all"]:
            unknown = set(options["store"]) - set(Store.objects.values_list("number", flat=True))
            if unknown:
                raise CommandError(f"There is no store {', '.join(map(str, sorted(unknown)))}. Nothing was paused.")
            offering = offering.filter(number__in=options["store"])
        by, count = system(f"pause_stores by {getpass.getuser()}"[:60]), 0
        # One transaction a store: a store that fails, or a command that is stopped, leaves the others paused.
        for store in offering.order_by("number").iterator():
            try:
                running.pause(store=store, by=by, now=timezone.now(), reason=options["reason"])
            except running.WhyMissing as no:
                raise CommandError(str(no)) from None
            count += 1
            self.stdout.write(f"{store} is paused.")
        self.stdout.write(f"{count} paused. Each goes on when its stage is changed in the admin.")
