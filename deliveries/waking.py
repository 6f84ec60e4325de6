"""Wake a task now instead of at the timetable's next turn. A broker that is away costs that turn and nothing else."""

from __future__ import annotations

from typing import Any

import structlog
from celery import current_app
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

# A connection of its own: the workers' waits for hours, and nobody's tap may.
BROKER_WAIT = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5, "max_retries": 0}


def wake(task: str, *args: Any, expires_s: int = 30) -> bool:
    """Send `task` with `args` (ids, never objects); False when the broker did not take it."""
    try:
        with current_app.connection_for_write(transport_options=BROKER_WAIT) as broker:
            current_app.send_task(task, args=args, expires=expires_s, retry=False, connection=broker)
    except (OperationalError, RedisError) as error:
        log.warning("tasks.broker_away", task=task, error=type(error).__name__)
        return False
    return True
