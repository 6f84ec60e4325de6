"""Two questions a load balancer asks: is the process alive, and can it do its work."""

from __future__ import annotations

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

log = structlog.get_logger(__name__)


@never_cache
def livez(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers. Looks at nothing else, so that a database outage restarts no web server."""
    return JsonResponse({"status": "ok"})


@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when PostgreSQL and Redis answer, else 503 naming the part that does not."""
    parts = {"database": _database(), "redis": _redis()}
    ready = all(parts.values())
    body = {"status": "ok" if ready else "unready", "parts": {k: "ok" if v else "down" for k, v in parts.items()}}
    return JsonResponse(body, status=200 if ready else 503)


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        log.warning("readyz.database_down", error=type(error).__name__)
        return False
    return True


def _redis() -> bool:
    try:
        client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
        with client:
            client.ping()
    except redis.RedisError as error:
        log.warning("readyz.redis_down", error=type(error).__name__)
        return False
    return True
