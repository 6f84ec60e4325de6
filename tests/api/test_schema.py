"""What OpenAPI says is what is there: generated calls find no answer that it does not describe."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
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
# Some thirty operations: about half a minute altogether.
FEW = settings(
    max_examples=12, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate], database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.fixture
def api(db: None) -> Iterator[Any]:
    logging.disable(logging.WARNING)  # two lines a call, hundreds of calls
    yield schemathesis.openapi.from_wsgi("/api/v1/schema/", application)
    logging.disable(logging.NOTSET)


@pytest.fixture
def secret(db: None) -> str:
    store = make.store(number=3520)
    make.package(store, reference="W-1000231-1")
    system = System(store)
    make.trip(make.associate(store))
    return system.secret


operations = schemathesis.pytest.from_fixture("api")


@operations.parametrize()
@FEW
def test_no_call_finds_what_is_not_described(case: Any, secret: str) -> None:
    case.call_and_validate(headers={"Authorization": f"Bearer {secret}"}, checks=CHECKS)
