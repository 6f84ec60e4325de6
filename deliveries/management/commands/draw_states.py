"""`manage.py draw_states`: the README's diagram of states, drawn from the one table that rules them."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from deliveries import states

START, END = "<!-- states -->", "<!-- /states -->"


def redrawn(text: str) -> str | None:
    """`text` with the diagram between the markers made anew; None when it has no such place."""
    before, start, rest = text.partition(START)
    _old, end, after = rest.partition(END)
    if not start or not end:
        return None
    return f"{before}{START}\n```mermaid\n{states.mermaid()}\n```\n{END}{after}"


class Command(BaseCommand):
    help = "Write the diagram of package states into README.md, between its markers."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; fail when the diagram is out of date")
        parser.add_argument("--file", type=Path, default=settings.BASE_DIR / "README.md", help="instead of README.md")

    def handle(self, *args: Any, check: bool, file: Path, **options: Any) -> None:
        if not file.is_file():
            raise CommandError(f"{file} is not there. Write it with two lines for the diagram: {START} and {END}")
        text = file.read_text(encoding="utf-8")
        new = redrawn(text)
        if new is None:
            raise CommandError(f"{file} has no place for the diagram. Add two lines: {START} and {END}")
        if new == text:
            self.stdout.write(f"{file.name} shows the states as they are.")
        elif check:
            raise CommandError(f"The diagram in {file} is out of date. Run: python manage.py draw_states")
        else:
            file.write_text(new, encoding="utf-8")
            self.stdout.write(f"{file.name}: the diagram is drawn anew.")
