"""Webhooks: where events are sent, what was sent, and sending it again."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound, ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from deliveries.actions import webhooks
from deliveries.models import Webhook, WebhookDelivery
from stores.feeds import fields
from stores.models import ApiScope

from . import schema
from .base import HIGHEST_ID, ApiView, BadValue, one_of, page_of, pages

OUTCOMES: dict[str, Q] = {
    "waiting": Q(delivered_at=None, given_up_at=None),
    "delivered": Q(delivered_at__isnull=False),
    "given_up": Q(given_up_at__isnull=False),
}


def shown(webhook: Webhook, secret: str | None = None) -> dict[str, Any]:
    """A webhook as the API shows it; its secret only in the answer that made it."""
    return {
        "id": webhook.pk,
        "url": webhook.url,
        "active": webhook.active,
        "stores": sorted(webhook.stores.values_list("number", flat=True)),
        "made_at": webhook.made_at,
        "old_secret_until": webhook.old_secret_until,
        "waiting": webhook.deliveries.filter(OUTCOMES["waiting"]).count(),
        "given_up": webhook.deliveries.filter(OUTCOMES["given_up"]).count(),
        **({"secret": secret} if secret else {}),
    }


class WebhookView(ApiView):
    def webhook(self, request: Request, webhook_id: int) -> Webhook:
        if webhook_id > HIGHEST_ID:
            raise NotFound
        return get_object_or_404(Webhook, key=self.key_of(request), pk=webhook_id)


class Webhooks(WebhookView):
    scopes = {"GET": ApiScope.WEBHOOKS_WRITE, "POST": ApiScope.WEBHOOKS_WRITE}

    @extend_schema(operation_id="list_webhooks", **schema.LIST_WEBHOOKS)
    def get(self, request: Request) -> Response:
        found, about = page_of(Webhook.objects.filter(key=self.key_of(request)), request)
        return pages([shown(webhook) for webhook in found], about)

    @extend_schema(operation_id="make_webhook", **schema.MAKE_WEBHOOK)
    def post(self, request: Request) -> Response:
        """Tell an address of every event from now on, of all the key's stores. The secret is in this answer and no other."""
        key, said = self.key_of(request), self.object(request, ("url",))
        url = said.get("url")
        if not isinstance(url, str) or not url:
            raise ParseError(_("url: write the address to send to."), code="missing")
        made, secret = webhooks.set_up(key=key, url=url, stores=key.stores.all(), now=timezone.now())
        return Response(shown(made, secret), status=201)


class OneWebhook(WebhookView):
    scopes = {"GET": ApiScope.WEBHOOKS_WRITE, "DELETE": ApiScope.WEBHOOKS_WRITE}

    @extend_schema(operation_id="get_webhook", **schema.ONE_WEBHOOK)
    def get(self, request: Request, webhook_id: int) -> Response:
        return Response(shown(self.webhook(request, webhook_id)))

    @extend_schema(operation_id="delete_webhook", **schema.DELETE_WEBHOOK)
    def delete(self, request: Request, webhook_id: int) -> Response:
        webhooks.end(webhook=self.webhook(request, webhook_id))
        return Response(status=204)


class WebhookRotation(WebhookView):
    scopes = {"POST": ApiScope.WEBHOOKS_WRITE}

    @extend_schema(operation_id="rotate_webhook", **schema.ROTATE_WEBHOOK)
    def post(self, request: Request, webhook_id: int) -> Response:
        """A new secret; the one before signs beside it for a week."""
        self.object(request, ())
        webhook = self.webhook(request, webhook_id)
        secret = webhooks.rotate(webhook=webhook, now=timezone.now())
        webhook.refresh_from_db()
        return Response(shown(webhook, secret))


class WebhookReplay(WebhookView):
    scopes = {"POST": ApiScope.WEBHOOKS_WRITE}

    @extend_schema(operation_id="replay_webhook", **schema.REPLAY_WEBHOOK)
    def post(self, request: Request, webhook_id: int) -> Response:
        """Send again what was made since a moment, delivered or not; or only what was given up."""
        webhook, said = self.webhook(request, webhook_id), self.object(request, ("since", "outcome"))
        rows = webhook.deliveries.all()
        if said.get("outcome") is not None:
            try:
                rows = rows.filter(OUTCOMES[fields.choice(str(said["outcome"]), *OUTCOMES)])
            except fields.Bad as bad:
                raise BadValue("outcome", bad) from None
        if said.get("since") is not None:
            try:
                rows = rows.filter(event__at__gte=fields.moment(str(said["since"]), ZoneInfo("UTC")))
            except fields.Bad as bad:
                raise BadValue("since", bad) from None
        return Response({"again": webhooks.replay(deliveries=rows, now=timezone.now())})


class WebhookLog(WebhookView):
    scopes = {"GET": ApiScope.WEBHOOKS_WRITE}
    parameters = ("outcome",)

    @extend_schema(operation_id="list_webhook_deliveries", **schema.WEBHOOK_LOG)
    def get(self, request: Request, webhook_id: int) -> Response:
        rows = WebhookDelivery.objects.filter(webhook=self.webhook(request, webhook_id))
        if outcome := one_of(request, "outcome", list(OUTCOMES)):
            rows = rows.filter(OUTCOMES[outcome])
        found, about = page_of(rows.select_related("package", "store", "event"), request)
        return pages(
            [
                {
                    "id": row.pk, "event": f"evt_{row.event_id}", "type": f"package.{row.event.verb}",
                    "store": row.store.number, "package": row.package.reference, "version": row.version,
                    "attempts": row.attempts, "due_at": row.due_at, "delivered_at": row.delivered_at,
                    "given_up_at": row.given_up_at, "status": row.status, "error": row.error,
                }
                for row in found
            ],
            about,
        )  # fmt: skip
