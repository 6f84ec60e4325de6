"""Staff read every message before a customer does."""

from __future__ import annotations

import pytest
from django.test import Client

from deliveries.models import Notice, TrackingLink
from deliveries.notices.kinds import ALL

from .. import make

pytestmark = pytest.mark.django_db


def test_every_kind_in_both_languages_and_nothing_is_made() -> None:
    store = make.store(name="<b>Bayonne</b>")
    client = Client()
    client.force_login(make.staff(store, role="bay"))
    page = client.get("/admin/messages/")
    assert page.status_code == 200
    text = page.content.decode()
    for kind in ALL:
        for language in ("en", "es"):
            assert f'data-preview="{kind}-{language}"' in text
    assert "<b>Bayonne</b>" not in text
    assert not TrackingLink.objects.exists()
    assert not Notice.objects.exists()


def test_for_staff_only_and_for_their_stores() -> None:
    client = Client()
    assert client.get("/admin/messages/").status_code == 302
    client.force_login(make.associate(make.store()).user)
    assert client.get("/admin/messages/").status_code in (302, 403)
    client.force_login(make.staff(make.store()))
    assert client.get(f"/admin/messages/?store={make.store().number}").status_code == 404
