"""Webhooks set up in the admin: the API's own rules, a secret shown once, a test event, a new secret, the end."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from deliveries import webhooks
from deliveries.models import Webhook
from stores.models import ApiKey, StaffMember, Store
from tests import make
from tests.api.receiver import listening

Enter = Callable[..., Client]
ADD = "admin:deliveries_webhook_add"


@pytest.fixture
def key(elsewhere: Store) -> ApiKey:
    made = ApiKey.objects.create(name="Order system", scopes=["packages:write"])
    made.stores.add(elsewhere)
    return made


@pytest.fixture
def boss(enter: Enter) -> Client:
    return enter(user=make.user(is_staff=True, is_superuser=True))


def do(webhook: Webhook, what: str) -> str:
    return reverse("admin:deliveries_webhook_do", args=[webhook.pk, what])


def secret_in(answer: Any) -> str:
    [found] = re.findall(r"whsec_[A-Za-z0-9+/=]+", answer.content.decode())
    return str(found)


def test_it_is_set_up_tried_given_a_new_secret_and_ended(
    boss: Client, key: ApiKey, elsewhere: Store, settings: Any
) -> None:
    settings.OUTBOUND_LOCAL = True
    with listening() as receiver:
        made = boss.post(reverse(ADD), {"key": key.pk, "url": receiver.url})
        secret, webhook = secret_in(made), Webhook.objects.get()
        assert (webhook.key, list(webhook.stores.all())) == (key, [elsewhere])
        assert webhooks.open_secret(webhook.secret) == secret
        assert "no-store" in made["Cache-Control"]
        change = reverse("admin:deliveries_webhook_change", args=[webhook.pk])
        page = boss.get(change).content.decode()
        assert secret not in page, "shown once"
        assert all(do(webhook, what) in page for what in ("test", "rotate", "end"))
        assert boss.get(do(webhook, "test")).status_code == 200
        assert receiver.got == [], "looking sends nothing"
        assert "It arrived: answered with 204." in boss.post(do(webhook, "test")).content.decode()
        [(headers, body)] = receiver.got
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        mark = base64.b64encode(hmac.new(base64.b64decode(secret[6:]), signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{mark}"
        assert receiver.events[0]["type"] == "test"
        assert not webhook.deliveries.exists()
        receiver.respond = lambda event, count: 500
        assert "answered with 500" in boss.post(do(webhook, "test")).content.decode()
        assert secret_in(boss.post(do(webhook, "rotate"))) != secret
        webhook.refresh_from_db()
        assert webhooks.open_secret(webhook.old_secret or b"") == secret
    assert "No answer came" in boss.post(do(webhook, "test")).content.decode()
    said = set(LogEntry.objects.values_list("change_message", flat=True))
    assert said == {"set up", "test", "rotate"}
    assert boss.post(do(webhook, "end")).status_code == 302
    assert not Webhook.objects.exists()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://example.com/in", "Give an address that begins with https://."),
        ("https://127.0.0.1/in", "Events are sent to public addresses only."),
        ("https://[::1]/in", "Events are sent to public addresses only."),
        ("nonsense", "Give an address that begins with https://."),
        ("", "This field is required"),
    ],
)
def test_the_address_is_checked_as_by_the_api(boss: Client, key: ApiKey, url: str, said: str) -> None:
    answer = boss.post(reverse(ADD), {"key": key.pk, "url": url})
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert not Webhook.objects.exists()


def test_sent_twice_it_is_one_and_a_revoked_key_has_none(boss: Client, key: ApiKey, settings: Any) -> None:
    settings.OUTBOUND_LOCAL = True
    typed = {"key": key.pk, "url": "http://127.0.0.1:9/in"}
    boss.post(reverse(ADD), typed)
    assert "has a webhook with that address already" in boss.post(reverse(ADD), typed).content.decode()
    assert Webhook.objects.count() == 1
    ApiKey.objects.update(revoked_at=key.made_at)
    assert "whsec_" not in boss.post(reverse(ADD), {**typed, "url": "http://127.0.0.1:9/other"}).content.decode()
    assert Webhook.objects.count() == 1


def test_only_those_who_run_all_stores(key: ApiKey, elsewhere: Store, enter: Enter) -> None:
    webhook = Webhook.objects.create(key=key, url="https://example.com/in", secret=webhooks.seal(webhooks.new_secret()))
    webhook.stores.add(elsewhere)
    for role in StaffMember.Role.values:
        client = enter(elsewhere, role)
        assert client.get(reverse(ADD)).status_code == 403
        for what in ("test", "rotate", "end"):
            assert client.post(do(webhook, what)).status_code == 403
            assert (
                do(webhook, what)
                not in client.get(reverse("admin:deliveries_webhook_change", args=[webhook.pk])).content.decode()
            )
    assert enter(make.store()).post(do(webhook, "end")).status_code == 404
    assert Webhook.objects.exists()
