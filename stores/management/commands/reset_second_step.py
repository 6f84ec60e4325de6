"""`manage.py reset_second_step EMAIL`: for somebody who lost the phone with the app, the passkey and the recovery codes."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand, CommandError, CommandParser

from stores.models import User


class Command(BaseCommand):
    help = "Remove every authenticator of a person; the next visit to the admin sets up a new one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="the person's e-mail address, as they sign in")

    def handle(self, *args: Any, **options: Any) -> None:
        person = User.objects.filter(email__iexact=options["email"].strip()).first()
        if person is None:
            raise CommandError(f"Nobody signs in with “{options['email']}”. Check the address.")
        gone, _rows = Authenticator.objects.filter(user=person).delete()
        self.stdout.write(f"{person.email}: {gone} removed. The next visit to /admin/ asks for a new second step.")
