"""The Celery app and its timetable. Everything here is a wake-up: the database says what is to be done."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("homeward")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.steps["worker"].add(DjangoStructLogInitStep)
app.autodiscover_tasks()

# Seconds, UTC. Each looks for what is due and hands out one task a store; missing a beat costs a beat.
app.conf.beat_schedule = {
    "rounds": {"task": "deliveries.find_rounds", "schedule": 20.0, "options": {"expires": 20}},
    "lapse-offers": {"task": "deliveries.lapse_offers", "schedule": 10.0, "options": {"expires": 10}},
    "tender": {"task": "deliveries.find_cutoffs", "schedule": 30.0, "options": {"expires": 30}},
    "outbox": {"task": "deliveries.sweep_outbox", "schedule": 3.0, "options": {"expires": 3}},
    "notices": {"task": "deliveries.send_notices", "schedule": 5.0, "options": {"expires": 5}},
    "forewarn": {"task": "deliveries.find_forewarnings", "schedule": 30.0, "options": {"expires": 30}},
    "places": {"task": "deliveries.find_places", "schedule": 60.0, "options": {"expires": 60}},
    "settle": {"task": "deliveries.sweep_trips", "schedule": 60.0, "options": {"expires": 60}},
    "weeks": {"task": "deliveries.find_weeks", "schedule": 3600.0, "options": {"expires": 3600}},
    "announce": {"task": "deliveries.find_announcements", "schedule": 30.0, "options": {"expires": 30}},
    "webhooks": {"task": "deliveries.find_webhooks", "schedule": 5.0, "options": {"expires": 5}},
    "imports": {"task": "deliveries.find_imports", "schedule": 15.0, "options": {"expires": 15}},
    "forget-customers": {"task": "deliveries.find_forgettable", "schedule": 300.0, "options": {"expires": 300}},
    "papers": {"task": "deliveries.find_papers", "schedule": 3600.0, "options": {"expires": 3600}},
    "stop-rules": {"task": "deliveries.find_stops", "schedule": 60.0, "options": {"expires": 60}},
    "staff-notices": {"task": "deliveries.send_staff_notices", "schedule": 30.0, "options": {"expires": 30}},
    "simulations": {"task": "deliveries.find_simulations", "schedule": 2.0, "options": {"expires": 2}},
    "forget": {"task": "deliveries.forget", "schedule": 3600.0, "options": {"expires": 3600}},
}


@setup_logging.connect
def _logging(**kwargs: Any) -> None:
    """Celery asks who sets up logging; our settings already did."""
