"""Switches: what stands still in a store or everywhere, and turning it off and on with a reason."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from deliveries import actors, switches
from deliveries.actions import Refused, switching
from deliveries.models import Halt

from .staff import Desk, show, staff_page

MOST_ROWS = 20
MEANS: dict[str, str | Promise] = {
    Halt.What.MESSAGES: _(
        "Off, nothing is sent to customers and associates; sign-in codes and calls for help to your leads still are. On "
        "again, what waited goes out where it is still true and not stale: urgent news for an hour, the rest for half a day."
    ),
    Halt.What.OFFERS: _(
        "Off, no offers are made, the open board is empty and nothing new can be claimed. What is claimed goes on and is "
        "paid. What is left goes to the carrier at the cut-off."
    ),
    Halt.What.CARRIER: _(
        "Off, nothing goes to the carrier, neither at the cut-off nor by hand. On again, what is due goes within a minute."
    ),
}


@dataclass(frozen=True, slots=True)
class Switch:
    """One switch of the page: what it stops, in this store or everywhere, and whether it is off. `above`: it is off
    everywhere, whatever the store's own switch says."""

    what: str
    label: str | Promise
    means: str | Promise
    halt: Halt | None
    everywhere: bool
    above: bool
    may: bool


class TurnForm(forms.Form):
    """One turn of one switch."""

    what = forms.ChoiceField(choices=Halt.What.choices)
    turn = forms.ChoiceField(choices=[("off", "off"), ("on", "on")])
    everywhere = forms.BooleanField(required=False)
    reason = forms.CharField(required=False, max_length=280)


def switches_of(desk: Desk) -> list[Switch]:
    """The store's own, and for those who run all stores the ones for all."""
    halts = switches.open_in(desk.store.pk).select_related("off_user")
    found = {(halt.what, halt.store_id is None): halt for halt in halts}
    kinds = [False, True] if desk.access.everywhere else [False]
    return [
        Switch(
            what, label, MEANS[what], found.get((what, everywhere)), everywhere, (what, True) in found and not everywhere,
            everywhere or desk.may("switch"),
        )
        for everywhere in kinds
        for what, label in Halt.What.choices
    ]  # fmt: skip


@staff_page
def switches_view(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Looked at by all staff, turned by leads; for every store at once only by those who run all of them."""
    here = f"{reverse('staff:switches')}?store={desk.store.number}"
    if request.method == "POST":
        _turn(request, desk)
        return HttpResponseRedirect(here)
    all_of_them = Halt.objects.filter(Q(store=desk.store) | Q(store=None)).select_related("off_user", "on_user")
    elsewhere = [] if desk.access.everywhere else switches.open_in(desk.store.pk).filter(store=None)
    page = {
        "title": _("Switches"), "store": desk.store, "stores": desk.stores, "page_url": reverse("staff:switches"),
        "here": here, "switches": switches_of(desk), "for_all": elsewhere, "history": all_of_them[:MOST_ROWS],
    }  # fmt: skip
    response = show(request, "admin/staff/switches.html", page)
    response["Cache-Control"] = "private, no-store"
    return response


def _turn(request: HttpRequest, desk: Desk) -> None:
    form = TurnForm(request.POST)
    if not form.is_valid():
        messages.error(request, gettext("That was no switch of this page. Nothing was changed; try again."))
        return
    asked = form.cleaned_data
    everywhere = asked["everywhere"]
    if not (desk.access.everywhere if everywhere else desk.may("switch")):
        raise PermissionDenied(gettext("Your role does not include this. Ask a lead of your store."))
    user_id: int = request.user.pk  # type: ignore[assignment]  # staff pages let nobody in who is not signed in
    verb = switching.switch_off if asked["turn"] == "off" else switching.switch_on
    try:
        verb(
            what=asked["what"], store=None if everywhere else desk.store, by=actors.staff(user_id), now=timezone.now(),
            reason=asked["reason"],
        )  # fmt: skip
    except Refused as no:
        messages.error(request, str(no))
        return
    label = Halt.What(asked["what"]).label
    said = gettext("%(what)s: switched off.") if asked["turn"] == "off" else gettext("%(what)s: switched on.")
    messages.success(request, said % {"what": label})
