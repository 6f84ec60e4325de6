"""What a member of staff may see and do: the one place for row-level access.

Every list, look-up, export and action of staff starts from `rows()`; another store's row is simply not there. What a
role may do besides looking is in VERBS (a verb's name in `deliveries/actions`) and FORMS (a model it edits by hand).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from .models import StaffMember, Store, User

M = TypeVar("M", bound=Model)

# Verbs a role may use besides looking. A name here is a verb's name in `deliveries/actions`.
BAY_VERBS = frozenset({"stage", "load", "unload", "report_missing", "receive_return", "hold", "collect"})
LEAD_VERBS = BAY_VERBS | {
    "withdraw", "release", "reassign", "override", "tender", "force_hold", "cancel", "confirm_pin", "abandon", "pause",
    "set_stage", "move_cutoff", "switch", "word", "simulate", "report", "settle_report", "import",
}  # fmt: skip
PAY_VERBS = frozenset({"report", "correct", "accept_dispute", "explain_dispute", "approve_pay"})
VERBS: dict[str, frozenset[str]] = {
    StaffMember.Role.BAY: BAY_VERBS,
    StaffMember.Role.LEAD: LEAD_VERBS,
    StaffMember.Role.DISTRICT: LEAD_VERBS | PAY_VERBS,
    StaffMember.Role.PAYROLL: PAY_VERBS,
    StaffMember.Role.SUPPORT: frozenset({"report"}),
}
# Models a role edits by hand, by model name. Everything else changes through a verb, or comes from a feed.
LEAD_FORMS = frozenset({"store", "payplan", "holiday", "carrier", "carrierrate", "associate", "stoprule"})
FORMS: dict[str, frozenset[str]] = {
    StaffMember.Role.BAY: frozenset(),
    StaffMember.Role.LEAD: LEAD_FORMS,
    StaffMember.Role.DISTRICT: LEAD_FORMS,
    StaffMember.Role.PAYROLL: frozenset({"payplan"}),
    StaffMember.Role.SUPPORT: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Access:
    """A person's roles, read once: for one request and never longer, so that a role taken away is gone at the next."""

    everywhere: bool
    roles: Mapping[int, str]

    @property
    def anywhere(self) -> bool:
        """Whether the person is staff of any store at all."""
        return self.everywhere or bool(self.roles)

    def may(self, verb: str, store_id: int) -> bool:
        """Whether the person may use `verb` in that store."""
        return self.everywhere or verb in VERBS.get(self.roles.get(store_id, ""), frozenset())

    def may_edit(self, form: str, store_id: int | None = None) -> bool:
        """Whether the person edits rows of that model by hand, in one store, or in any (None)."""
        if self.everywhere:
            return True
        roles = self.roles.values() if store_id is None else [self.roles.get(store_id, "")]
        return any(form in FORMS.get(role, frozenset()) for role in roles)

    def editable_stores(self, form: str) -> QuerySet[Store]:
        """The stores whose rows of that model the person edits by hand."""
        if self.everywhere:
            return Store.objects.all()
        return Store.objects.filter(pk__in=[pk for pk in self.roles if self.may_edit(form, pk)])


NOBODY = Access(everywhere=False, roles={})


def access(user: User | AnonymousUser) -> Access:
    """What `user` may do, as of now; one query, none for a superuser."""
    if not user.is_authenticated or not user.is_active:
        return NOBODY
    if user.is_superuser:
        return Access(everywhere=True, roles={})
    return Access(everywhere=False, roles=dict(StaffMember.objects.filter(user=user).values_list("store_id", "role")))


def access_of(request: HttpRequest) -> Access:
    """The same for the person behind `request`, read once a request: a page asks many times."""
    known: Access | None = getattr(request, "_homeward_access", None)
    if known is None:
        known = access(request.user)
        request._homeward_access = known  # type: ignore[attr-defined]
    return known


def stores_of(user: User | AnonymousUser) -> QuerySet[Store]:
    """The stores `user` works in as staff; all of them for a superuser, none for anybody else."""
    if not user.is_authenticated or not user.is_active:
        return Store.objects.none()
    if user.is_superuser:
        return Store.objects.all()
    return Store.objects.filter(staff__user=user)


def rows(queryset: QuerySet[M], user: User | AnonymousUser, *, store: str = "store") -> QuerySet[M]:
    """`queryset` cut to the stores of `user`; `store` is the path from a row to its store ("trip__store")."""
    return queryset.filter(**{f"{store}__in": stores_of(user)})


def may(user: User | AnonymousUser, verb: str, store: Store) -> bool:
    """Whether `user` may use `verb` in `store`."""
    return access(user).may(verb, store.pk)
