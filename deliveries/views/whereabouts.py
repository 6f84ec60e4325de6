"""The phone of somebody on a trip says where it is, every quarter of a minute while the page is open."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from associates.models import Associate
from deliveries import nearby
from deliveries.actions import positions

from .access import associate_page
from .dropoffs import position_of
from .sync import ago


@never_cache
@require_POST
@associate_page
def position(request: HttpRequest, person: Associate) -> HttpResponse:
    """Answers JSON: whether to go on, and after how many seconds. `stop`: they switched it off."""
    now = timezone.now()
    if request.POST.get("stop"):
        positions.stop_sharing(by=person, now=now)
        return JsonResponse({"share": False})
    said = position_of(request, person)
    go_on = said is not None and positions.report(position=said, by=person, now=now, happened_at=now - ago(request))
    return JsonResponse({"share": go_on, "again_s": nearby.STEP_S})
