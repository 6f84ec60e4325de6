"""What every staff page of the admin starts from: own stores only, read-only unless it says otherwise.

Django's own model permissions are not asked: what a role may do is in `stores/scope.py`. A row of another store is not
forbidden, it is not there: in lists, look-ups, choices, inlines, histories and actions alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import ForeignKey, ManyToManyField, Model, QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.http import Http404, HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline

from stores import scope

from .models import Store


def store_of(row: Model, path: str) -> int:
    """The id of the store that `row` belongs to; `path` as in `scope.rows` ("store", "trip__store", "pk")."""
    *relations, last = path.split(LOOKUP_SEP)
    for name in relations:
        row = getattr(row, name)
    return int(row.pk if last == "pk" else getattr(row, f"{last}_id"))


def in_store_time(field: str, label: Any, *, store: str = "store") -> Callable[[Any, Any], str]:
    """A column: the row's `field` on the clock of its store, with the zone's name."""

    def show(self: Any, row: Model) -> str:
        moment = getattr(row, field)
        if moment is None:
            return "–"
        owner: Any = row
        for name in store.split(LOOKUP_SEP):
            owner = owner if name == "pk" else getattr(owner, name)
        return f"{owner.when(moment)} {owner.local(moment):%Z}"

    show.__name__ = f"{field}_in_store_time"
    return admin.display(description=label, ordering=field)(show)


class StoreFilter(admin.SimpleListFilter):
    """Own stores only, and only for people with several."""

    title = _("store")
    parameter_name = "in_store"
    path = "store"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        stores = list(scope.stores_of(request.user))
        return [(str(store.pk), str(store)) for store in stores] if len(stores) > 1 else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not (self.value() or "").isdigit():
            return queryset
        return queryset.filter(**{self.path: self.value()})


class ScopedAdmin(ModelAdmin):
    """A model in the admin, cut to the person's stores.

    `store_path` leads from a row to its store. `by_hand` names what may be done without a verb: "add", "change",
    "delete"; who may, says `scope.FORMS` under the model's name.
    """

    store_path = "store"
    by_hand: frozenset[str] = frozenset()
    also_by: Sequence[str] = ()  # columns of the model that links of ours filter by, without a filter in the list
    show_full_result_count = False
    list_per_page = 50
    ordering: Sequence[str] = ("-pk",)  # pages of an unordered list may repeat a row and leave another out
    actions: Sequence[Any] = []

    @property
    def form_name(self) -> str:
        return str(self.opts.model_name)

    # --- Rows --------------------------------------------------------------------------------------------------------
    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return scope.rows(super().get_queryset(request), request.user, store=self.store_path)

    def get_field_queryset(
        self, db: str | None, db_field: ForeignKey[Any, Any] | ManyToManyField[Any, Any], request: HttpRequest
    ) -> QuerySet[Any] | None:
        """Choices of a relation: stores the person edits this model in; otherwise what that model's own page lists."""
        related = db_field.remote_field.model
        if related is Store:
            return scope.access_of(request).editable_stores(self.form_name)
        page = self.admin_site._registry.get(related)
        if isinstance(page, ScopedAdmin):
            return page.get_queryset(request)
        return related._default_manager.none()

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Only what the page itself filters by. Django would allow every column of the row in the address bar, so that
        `?resting_on=…` listed who said "not tonight", though no page shows it."""
        offered = {*self.also_by}
        for item in self.get_list_filter(request):
            if isinstance(item, type) and issubclass(item, admin.SimpleListFilter):
                offered.add(str(item.parameter_name))
            else:
                offered.add(item if isinstance(item, str) else item[0])
        if "\x00" in str(value):  # PostgreSQL's text has no such character
            return False
        return any(lookup == name or lookup.startswith(name + LOOKUP_SEP) for name in offered)

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Without the store's column for people who have one store."""
        access = scope.access_of(request)
        several = access.everywhere or len(access.roles) > 1
        return [name for name in super().get_list_display(request) if several or name != "store"]

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> Any:
        """Not found is 404, for what is not there and for what is another store's alike; Django would redirect."""
        raise Http404

    # --- Who may -----------------------------------------------------------------------------------------------------
    def _may_by_hand(self, what: str, request: HttpRequest, row: Model | None) -> bool:
        if what not in self.by_hand:
            return False
        store_id = store_of(row, self.store_path) if row is not None else None
        return scope.access_of(request).may_edit(self.form_name, store_id)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return scope.access_of(request).anywhere

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return scope.access_of(request).anywhere

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._may_by_hand("add", request, None)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may_by_hand("change", request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may_by_hand("delete", request, obj)

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """A changed row writes the fields that were changed and no other: a verb may have moved the rest meanwhile."""
        if change:
            columns = {field.name for field in obj._meta.concrete_fields}
            obj.save(update_fields=[name for name in form.changed_data if name in columns])
        else:
            super().save_model(request, obj, form, change)


class ReadOnlyInline(TabularInline):
    """Rows shown with their parent. The parent was found in the person's scope; nothing here is edited."""

    extra = 0
    can_delete = False
    hide_title = True

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return scope.access_of(request).anywhere

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
