"""`manage.py switch messages off --all --reason "..."`: kill switches from a shell; without arguments, what is off."""

from __future__ import annotations

import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from deliveries.actions import Refused, switching
from deliveries.actors import system
from deliveries.models import Halt
from stores.models import Store


class Command(BaseCommand):
    help = "Switch messages, offers or hand-offs to the carrier off or on, in one store or everywhere."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", nargs="?", choices=Halt.What.values)
        parser.add_argument("turn", nargs="?", choices=["off", "on"])
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--all", action="store_true", help="everywhere at once")
        where.add_argument("--store", type=int, help="this store number")
        parser.add_argument("--reason", default="", help="why; kept with the switch")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["what"]:
            self._turn(**options)
        still = Halt.objects.filter(on_at=None).select_related("store").order_by("pk")
        for halt in still:
            self.stdout.write(f"{halt.what}: off in {halt.store or 'every store'} since {halt.off_at:%Y-%m-%d %H:%M} UTC"
                              f" ({halt.off_reason})")  # fmt: skip
        if not still:
            self.stdout.write("Nothing is switched off.")

    def _turn(self, *, what: str, turn: str | None, reason: str, **options: Any) -> None:
        if turn is None or not (options["all"] or options["store"]):
            raise CommandError("Say off or on, and where: --all or --store NUMBER. Nothing was changed.")
        store = None
        if options["store"]:
            store = Store.objects.filter(number=options["store"]).first()
            if store is None:
                raise CommandError(f"There is no store {options['store']}. Nothing was changed.")
        verb = switching.switch_off if turn == "off" else switching.switch_on
        try:
            verb(
                what=what,
                store=store,
                by=system(f"switch by {getpass.getuser()}"[:60]),
                now=timezone.now(),
                reason=reason,
            )
        except Refused as no:
            raise CommandError(str(no)) from None
