"""What OpenAPI says is what is there: generated calls find no answer that it does not describe."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from config.wsgi import application
from tests import make

from .conftest import System

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
# Some thirty operations: about a minute altogether.
FEW = settings(
    max_examples=12, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate], database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.fixture
def _one_connection(db: None) -> Iterator[None]:
    """As Django's own test client does it: a request must not close the connection that the test's transaction is in."""
    ends = request_started, request_finished
    for end in ends:
        end.disconnect(close_old_connections)
    yield
    for end in ends:
        end.connect(close_old_connections)


@pytest.fixture
def _quiet() -> Iterator[None]:
    logging.disable(logging.WARNING)  # two lines a call, hundreds of calls
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def secret(_one_connection: None, _quiet: None) -> str:
    store = make.store(number=3520)
    make.package(store, reference="W-1000231-1")
    system = System(store)
    make.trip(make.associate(store))
    return system.secret


@schemathesis.serializer("application/jsonl")
def _as_lines(_context: object, body: Any) -> bytes:
    """A generated body is a string already; an example is what the lines hold."""
    if isinstance(body, str):
        return body.encode(errors="surrogatepass")
    return b"\n".join(json.dumps(row).encode() for row in (body if isinstance(body, list) else [body]))


def described() -> Any:
    """What /api/v1/schema/ serves, before the first test: each operation is a test of its own."""
    served = Client().get("/api/v1/schema/", headers={"accept": "application/json"})
    assert served.status_code == 200
    schema = schemathesis.openapi.from_dict(served.json())
    schema.app = application
    return schema


@described().parametrize()
@FEW
def test_no_call_finds_what_is_not_described(case: Any, secret: str) -> None:
    # Called without a server, and nothing on the way unpacks an answer.
    case.call_and_validate(headers={"Authorization": f"Bearer {secret}", "Accept-Encoding": "identity"}, checks=CHECKS)
