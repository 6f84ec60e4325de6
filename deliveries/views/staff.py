"""What the store's own pages share: signed in as staff, in one store of theirs, inside the admin's frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from stores import scope
from stores.models import Store


@dataclass(frozen=True, slots=True)
class Desk:
    """One person at work in one store."""

    store: Store
    stores: list[Store]
    access: scope.Access

    def may(self, verb: str) -> bool:
        return self.access.may(verb, self.store.pk)


def staff_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page for members of staff, at a store.

    `?store=NUMBER` picks among their stores, the first otherwise. A number that is not theirs is not found. Whoever
    has no store is told how to get one.
    """

    @wraps(view)
    def page(request: HttpRequest, **asked: Any) -> HttpResponse:
        stores = list(scope.stores_of(request.user))
        if not stores:
            return show(request, "admin/staff/no_store.html", {"title": ""}, status=403)
        number = request.GET.get("store", "")
        store = next((store for store in stores if str(store.number) == number), None) if number else stores[0]
        if store is None:
            raise Http404
        return view(request, Desk(store, stores, scope.access_of(request)), **asked)

    def guarded(request: HttpRequest, **asked: Any) -> HttpResponse:
        # The admin's site is looked up late: unfold puts its own in place when apps are ready.
        response: HttpResponse = admin.site.admin_view(page)(request, **asked)
        return response

    return guarded


def home_view(request: HttpRequest) -> HttpResponse:
    """Where the admin begins: at tonight's board, not at a list of tables."""
    response: HttpResponse = admin.site.admin_view(lambda request: redirect("staff:tonight"))(request)
    return response


def show(request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200) -> TemplateResponse:
    """`template` in the admin's frame, with its side bar."""
    return TemplateResponse(request, template, {**admin.site.each_context(request), **context}, status=status)
