"""`manage.py demo`: three pilot stores tonight, with people and packages; `--evening` walks it faster than the clock."""

from __future__ import annotations

import logging
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from deliveries.demo import evening, pilot, visitors
from deliveries.demo.outcome import Outcome, outcome
from deliveries.demo.walk import Walk
from stores.management.commands.load_places import load_file
from stores.models import Store, ZipCentroid


class Command(BaseCommand):
    help = "Make the demo: three pilot stores with people, tonight's shifts and packages. A second run adds nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--once", action="store_true", help="do nothing, and quickly, when tonight's demo is there")
        what.add_argument(
            "--sign-ins", action="store_true", help="print accounts, who can sign up, and links to follow"
        )
        what.add_argument("--evening", action="store_true", help="walk the whole evening; pages move as you watch")
        parser.add_argument(
            "--speed",
            type=float,
            metavar="N",
            help="with --evening: N times as fast as the clock (default: 90 seconds)",
        )
        parser.add_argument("--store", type=int, metavar="NUMBER", help="with --evening: this store only")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("There is no demo in production: its passwords are printed in the manual.")
        for name in ("associates", "deliveries"):  # this command says itself what it does
            logging.getLogger(name).setLevel(logging.WARNING)
        now = timezone.now()
        if options["sign_ins"]:
            self._print_sign_ins(now)
        elif options["evening"]:
            self._walk(now, options["speed"], options["store"])
        elif not (options["once"] and evening.is_made(now)):
            self._make(now)

    def _make(self, now: datetime) -> None:
        zips = pilot.ZIP_CENTROIDS.read_text(encoding="utf-8").count("\n") - 1
        if ZipCentroid.objects.count() < zips:  # they are loaded last, so where they are the addresses are, too
            for path in (pilot.NORTH_NJ, pilot.NW_ARKANSAS, pilot.ZIP_CENTROIDS):
                load_file(path)
        for made in evening.make(now):
            store = made.store
            if made.window:
                first, last = store.local(made.window.first), store.local(made.window.last)
                self.stdout.write(
                    f"{store}: {store.packages.count()} packages, {store.associates.count()} associates; "
                    f"shifts end {first:%H:%M} to {last:%H:%M} store time."
                )
            else:
                self.stdout.write(f"{store}: tonight is already there; nothing added.")
            if made.round:
                self.stdout.write(f"{store}: a round went out, {made.round.offers_sent} offers.")

    def _print_sign_ins(self, now: datetime) -> None:
        accounts = visitors.sign_ins()
        if not accounts:
            self.stdout.write("There is no demo yet. Make it: python manage.py demo")
            return
        self.stdout.write(
            f"Sign in at {settings.SITE_URL}/accounts/login/ with “Use my password”; it is always {accounts[0].password}"
        )
        for account in accounts:
            self.stdout.write(f"  {account.label!s:<36} {account.email:<32} {account.where}")
        self._print_sights(now)
        newcomers = visitors.newcomers()
        if newcomers:
            self.stdout.write(f"Or sign up as somebody new at {settings.SITE_URL}/join/")
            for one in newcomers:
                self.stdout.write(
                    f"  store {one.store.number} ({one.store.city}), employee number {one.employee_number}, "
                    f"born {one.birth_date}"
                )
        self._print_links(visitors.worth_watching(now))

    def _print_sights(self, now: datetime) -> None:
        sights = visitors.sights(now)
        if sights:
            self.stdout.write(
                f"What has happened this evening; customers' pages of it are linked at {settings.SITE_URL}/"
            )
        for sight in sights:
            who = f"{sight.email} at {sight.where}" if sight.email else "its customer"
            self.stdout.write(f"  {sight.what!s}: {who}")

    def _print_links(self, watched: list[visitors.Watched]) -> None:
        if watched:
            self.stdout.write("Follow a package, as its customer does:")
        for one in watched:
            self.stdout.write(f"  {one.package.label} ({one.package.store.city}) {one.url}")

    def _walk(self, now: datetime, speed: float | None, number: int | None) -> None:
        if speed is not None and not speed > 0:
            raise CommandError(
                f"--speed {speed:g}: a number above 0 is wanted; 1 is as fast as the clock, inf never waits."
            )
        self._make(now)
        numbers = [place.number for place in pilot.PILOT]
        if number is not None and number not in numbers:
            raise CommandError(f"--store {number}: the demo's stores are {', '.join(map(str, numbers))}.")
        stores = list(Store.objects.filter(number__in=[number] if number else numbers))
        walk = Walk(stores, now=now, speed=speed, say=self.stdout.write)
        self._print_links(visitors.worth_watching(now, most=4, store=stores[0] if number else None))
        self.stdout.write(
            f"The evening begins now, {stores[0].local(walk.clock.start):%H:%M} in {stores[0].city}, and runs ahead of "
            "the clock: pages show its own times. Ctrl-C stops it."
        )
        stopped = False
        try:
            walk.run()
        except KeyboardInterrupt:
            stopped = True
            self.stdout.write(
                f"\nStopped at {stores[0].local(walk.clock.now):%H:%M} in {stores[0].city}. What happened stays; the same "
                "command goes on from there."
            )
        self._summarise(stores, stopped=stopped)

    def _summarise(self, stores: list[Store], *, stopped: bool) -> None:
        total = Outcome()
        for store in stores:
            found = outcome(store)
            total += found
            if len(stores) > 1:
                self.stdout.write(f"\n{store}\n" + "\n".join(found.lines()))
        self.stdout.write("\nThe evening\n" + "\n".join(total.lines()))
        if total.unexplained and not stopped:
            self.stdout.write(f"Still open: {', '.join(total.unexplained)}. Somebody else has these in hand.")
