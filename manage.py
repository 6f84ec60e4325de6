#!/usr/bin/env python
"""Homeward's command line. Outside production it starts the embedded services when no URL names others."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from config import embedded

    try:
        embedded.ensure()
    except embedded.NotStarted as error:
        sys.exit(str(error))
    if os.environ.get("HOMEWARD_ENV", "development") == "development" and (address := embedded.running_at()):
        os.environ.setdefault("SITE_URL", address)
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
