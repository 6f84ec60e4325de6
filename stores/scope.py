"""What a member of staff may see: the one place for row-level access.

Every list, look-up, export and action of staff starts from `rows()`; another store's row is simply not there.
"""

from __future__ import annotations

from typing import TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, QuerySet

from .models import StaffMember, Store, User

M = TypeVar("M", bound=Model)

# Verbs a role may use besides looking. A name here is a verb's name in `deliveries/actions`.
BAY_VERBS = frozenset({"stage", "load", "unload", "receive_return", "hold"})
LEAD_VERBS = BAY_VERBS | {"withdraw", "tender", "cancel", "reassign", "confirm_pin", "abandon", "pause", "set_stage"}
VERBS: dict[str, frozenset[str]] = {
    StaffMember.Role.BAY: BAY_VERBS,
    StaffMember.Role.LEAD: LEAD_VERBS,
    StaffMember.Role.DISTRICT: LEAD_VERBS,
    StaffMember.Role.PAYROLL: frozenset(),
    StaffMember.Role.SUPPORT: frozenset(),
}


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
    if not user.is_authenticated or not user.is_active:
        return False
    if user.is_superuser:
        return True
    role = StaffMember.objects.filter(user=user, store=store).values_list("role", flat=True).first()
    return role is not None and verb in VERBS[role]
