"""`manage.py plan_nation`, as somebody types it: in a file of its own, because it makes and drops its own schema."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command
from django.db import connection


@pytest.mark.django_db(transaction=True)
def test_the_command_reports_what_it_did() -> None:
    out, err = io.StringIO(), io.StringIO()
    call_command("plan_nation", stores=4, seed=9, processes=2, stdout=out, stderr=err)
    text = out.getvalue()
    assert "4 store evenings planned" in text
    assert "proved optimal 4 (100.00%)" in text
    assert "offers written in" in text
    assert "4/4 stores" in err.getvalue()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM information_schema.schemata WHERE schema_name = 'nation'")
        assert cursor.fetchone()[0] == 0, "nothing is left behind"
