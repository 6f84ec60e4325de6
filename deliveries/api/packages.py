"""Packages one by one: how they stand, cancelled, followed, and whether an associate could bring one."""

from __future__ import annotations

import hashlib
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound, ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from deliveries import actors, feed, links
from deliveries.actions import cancelling
from deliveries.intake import eligibility
from deliveries.intake.columns import PACKAGES
from deliveries.models import Package
from deliveries.states import ENDED, PackageState
from stores.feeds import fields
from stores.models import ApiScope

from . import feeds, schema
from .base import ApiView, BadValue, expected_version, moment, one_of, page_of, pages
from .once import once
from .problems import BadRow
from .shapes import STATES

LONGEST_REASON = 200


def standing(package: Package) -> dict[str, Any]:
    """How a package stands. Nothing about a person: not its recipient, not who has it."""
    return {
        "store": package.store.number,
        "reference": package.reference,
        "label": package.label,
        "state": feed.public_state(package.state),
        "version": package.version,
        "state_since": package.state_since,
        "deliver_by": package.deliver_by,
        "associate_ok": package.associate_ok,
    }


class Packages(feeds.Packages):
    scopes = {"GET": ApiScope.PACKAGES_READ, "POST": ApiScope.PACKAGES_WRITE}
    filters = ("store", "state", "reference", "changed_since", "due_before")

    @extend_schema(operation_id="list_packages", **schema.LIST_PACKAGES)
    def get(self, request: Request) -> Response:
        rows = Package.objects.filter(store__in=self.stores_asked(request)).select_related("store")
        if state := one_of(request, "state", STATES):
            hidden = [PackageState.OFFERED] if state == PackageState.STAGED else []
            rows = rows.filter(state__in=[state, *hidden])
        if reference := request.query_params.get("reference"):
            rows = rows.filter(reference=reference) if "\0" not in reference else rows.none()
        if since := moment(request, "changed_since"):
            rows = rows.filter(state_since__gte=since)
        if before := moment(request, "due_before"):
            rows = rows.filter(deliver_by__lt=before)
        found, about = page_of(rows, request)
        return pages([standing(package) for package in found], about)

    @extend_schema(operation_id="send_packages", **schema.feed(PACKAGES))
    def post(self, request: Request) -> Response:
        return super().post(request)


class PackageView(ApiView):
    parameters = ("store",)

    def package(self, request: Request, reference: str) -> Package:
        """The package of that reference in the store that `?store=` names; not there, or not theirs: 404."""
        if "\0" in reference:  # PostgreSQL refuses it, so no package has it
            raise NotFound
        rows = Package.objects.select_related("store")
        return get_object_or_404(rows, store=self.store_asked(request), reference=reference)


class OnePackage(PackageView):
    scopes = {"GET": ApiScope.PACKAGES_READ}

    @extend_schema(operation_id="get_package", **schema.ONE_PACKAGE)
    def get(self, request: Request, reference: str) -> Response:
        package = self.package(request, reference)
        return Response(standing(package), headers={"ETag": f'"{package.version}"'})


class Cancellation(PackageView):
    scopes = {"POST": ApiScope.PACKAGES_WRITE}

    @extend_schema(operation_id="cancel_package", **schema.CANCEL)
    def post(self, request: Request, reference: str) -> Response:
        """Take a package out, until somebody has it in hand. Twice is once."""
        key, data = self.key_of(request), self.body(request)

        def work() -> Response:
            said = self.object_of(request, data, ("reason",)).get("reason") or "cancelled by the retailer"
            if not isinstance(said, str):
                raise ParseError(_("reason: write a text."), code="wrong_type")
            try:
                reason = fields.note(said, LONGEST_REASON)
            except fields.Bad as bad:
                raise BadValue("reason", bad) from None
            version = expected_version(request)
            package = cancelling.cancel(
                package=self.package(request, reference), by=actors.retailer(key.name), now=timezone.now(), reason=reason,
                version=version,
            )  # fmt: skip
            package = Package.objects.select_related("store").get(pk=package.pk)
            return Response(standing(package), headers={"ETag": f'"{package.version}"'})

        return once(request, key, hashlib.sha256(data).digest(), work)


class TrackingLink(PackageView):
    scopes = {"POST": ApiScope.TRACKING_READ}

    @extend_schema(operation_id="make_tracking_link", **schema.TRACKING_LINK)
    def post(self, request: Request, reference: str) -> Response:
        """A customer's private link. Each call makes a new one: only its hash is kept here, so none can be shown again."""
        self.object(request, ())
        package, now = self.package(request, reference), timezone.now()
        if package.state in ENDED:
            raise ParseError(_("This package is not on its way any more; there is nothing to follow."), code="ended")
        token = links.issue(package=package, now=now)
        return Response({"url": links.url(token), "expires_at": package.links.latest("pk").expires_at}, status=201)


class Eligibility(ApiView):
    scopes = {"POST": ApiScope.ELIGIBILITY_READ}

    @extend_schema(operation_id="ask_eligibility", **schema.ELIGIBILITY)
    def post(self, request: Request) -> Response:
        """Whether an associate could bring it, by the store's rules; writes nothing."""
        said = self.object(request, eligibility.QUESTION.names)
        cells = {}
        for name, value in said.items():
            if value is None or value == "":
                continue
            if not isinstance(value, str | bool):
                raise BadValue(name, fields.Bad("wrong_type", str(_("Write a text or a number."))))
            cells[name] = value if isinstance(value, str) else str(value).lower()
        answer = eligibility.ask(cells, stores=self.key_of(request).stores.all(), now=timezone.now())
        if isinstance(answer, list):
            raise BadRow(answer)
        return Response(
            {
                "eligible": answer.eligible, "reasons": answer.reasons, "distance_m": answer.distance_m,
                "precision": answer.precision,
            }
        )  # fmt: skip
