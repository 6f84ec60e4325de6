"""Settings, URLs and processes. Importing it makes Celery's app the one that tasks attach to."""

from .celery import app as celery_app

__all__ = ["celery_app"]
