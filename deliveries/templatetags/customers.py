"""What customers have told whoever stands at their door. The pages these stand on are already the person's own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import template
from django.utils import timezone

from associates.models import Associate
from deliveries import controls, gate_codes
from deliveries.models import Package, Thanks
from deliveries.states import PackageState

register = template.Library()
THANKS_SHOWN_FOR = timedelta(days=60)


@register.inclusion_tag("associate/from_customer.html")
def from_customer(package: Package, stop_id: int) -> dict[str, Any]:
    """Safe place, instructions, what they wrote last, and the way to answer."""
    lines = list(package.chat.filter(trip=package.trip_id)) if package.state in controls.TALKING else []
    theirs = [line for line in lines if line.from_customer]
    answered = bool(lines) and not lines[-1].from_customer
    return {
        "package": package, "stop_id": stop_id, "last": theirs[-1] if theirs else None, "answered": answered,
        "may_write": package.state in controls.TALKING,
    }  # fmt: skip


@register.inclusion_tag("associate/gate_code.html")
def gate_code(package: Package, person: Associate) -> dict[str, Any]:
    """The code of the gate before which `person` stands with this package in hand; nothing for anybody else."""
    mine = package.holder_id == person.pk and package.state == PackageState.OUT
    return {"package": package, "code": gate_codes.read([package]).get(package.pk, "") if mine else ""}


@register.inclusion_tag("associate/thanks.html")
def thanks(person: Associate) -> dict[str, Any]:
    """What customers thanked for lately, newest first."""
    since = (timezone.now() - THANKS_SHOWN_FOR).date()
    return {"thanks": Thanks.objects.filter(associate=person, day__gte=since)[:12]}
