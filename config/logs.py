"""Structured logs: one event a line, a request id in each, no names, addresses, places or tokens."""

from __future__ import annotations

import re
from typing import Any

import structlog

# What must never reach a log, whoever logs it: fields by name, and the private tokens that live in paths.
PERSONAL_FIELDS = frozenset(
    {
        "recipient", "phone", "email", "address1", "address2", "lat", "lon", "first_name", "last_name", "birth_date",
        "instructions", "token", "password", "photo", "ip", "user_agent", "body",
    }
)  # fmt: skip
_TOKEN_PATH = re.compile(r"(/(?:t|ws/t)/)[^/\s?\"']+")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")


def scrub(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
    """A structlog processor: drops personal fields, hides tracking tokens and e-mail addresses in what is left."""
    for name in PERSONAL_FIELDS & event.keys():
        event[name] = "[removed]"
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = _EMAIL.sub("[removed]", _TOKEN_PATH.sub(r"\1[removed]", value))
        elif name == "request":
            event[name] = _TOKEN_PATH.sub(r"\1[removed]", str(value))
    return event


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.format_exc_info,
    scrub,
]


# Each writes a line or two for every sweep, every three seconds: facts for a log store, noise for a person's terminal.
_SWEEPS = ("celery.beat", "celery.worker.strategy", "celery.app.trace", "django_structlog.celery.receivers")


def configure() -> None:
    """Send structlog's events through the standard library's handlers."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def logging_config(*, json_lines: bool, level: str) -> dict[str, Any]:
    """Django's LOGGING: JSON lines for machines, aligned text for people, the same scrubbing for both."""
    renderer = structlog.processors.JSONRenderer() if json_lines else structlog.dev.ConsoleRenderer(colors=False)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
                "foreign_pre_chain": _SHARED,
            }
        },
        "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["out"], "level": level},
        "loggers": {
            "django_structlog": {"level": level},
            "django.request": {"level": "ERROR"},
            "django.server": {"level": "WARNING"},
            # Names the number a text message went to. What went wrong is logged by us, by its code.
            "apprise": {"level": "WARNING", "propagate": False, "handlers": []},
            # Writes whole addresses into its lines.
            "geopy": {"level": "ERROR", "propagate": False, "handlers": []},
            # Access lines would carry tracking tokens; django_structlog's own lines are scrubbed.
            "uvicorn.access": {"level": "ERROR", "propagate": False, "handlers": []},
            # So would its line for every socket. Louder ones go through our handler, which scrubs.
            "uvicorn": {"level": level, "propagate": False, "handlers": ["out"]},
            "uvicorn.error": {"level": "WARNING", "propagate": True, "handlers": []},
            **({} if json_lines else {name: {"level": "WARNING"} for name in _SWEEPS}),
        },
    }
