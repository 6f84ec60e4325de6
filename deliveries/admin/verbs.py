"""Verbs in the admin: a button on the row, an action on the list, one page that asks why, one call of the verb.

The page decides nothing. It finds the rows in the person's scope, asks `scope` whether the role may, calls the verb in
`deliveries/actions` for each, and shows a refusal as the sentence the verb gave. Who, when and why go into the Event;
the row's own history in the admin gets a line as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from deliveries import actors
from deliveries.actions import Refused
from deliveries.actors import Actor
from deliveries.states import MOVES
from stores import scope
from stores.scoped_admin import ScopedAdmin, store_of

Text = str | Promise
MOST_AT_ONCE = 200


class NoQuestion(forms.Form):
    """For verbs that need no reason."""


class ReasonForm(forms.Form):
    """Why. Kept with the event, so written for the person who reads it next month."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text=_("Kept in the audit trail with your name and the time."),
    )


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb as staff see it.

    `name` is the verb's in `scope.VERBS`; `run(row, answers, by, now)` makes the one call. `states` are those of a row
    in which the button is shown; the verb itself has the last word. `one_at_a_time` keeps it off the list's actions.
    """

    name: str
    button: Text
    question: Text
    run: Callable[[Any, dict[str, Any], Actor, datetime], object]
    states: Collection[str]
    form: type[forms.Form] = ReasonForm
    grave: bool = False
    one_at_a_time: bool = False


def sources(verb: str) -> Collection[str]:
    """The states a verb of the MOVES table starts from."""
    return MOVES[verb].sources


class VerbAdmin(ScopedAdmin):
    """A read-only model whose rows change through verbs."""

    verbs: Sequence[Verb] = ()
    change_form_outer_before_template = "admin/staff/verbs.html"

    # --- Buttons -----------------------------------------------------------------------------------------------------
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        buttons = self.buttons(request, row) if row is not None else []
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "verb_buttons": buttons})

    def buttons(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        """What this person may do with this row now: label, address, and whether it is grave."""
        access, store_id = scope.access_of(request), store_of(row, self.store_path)
        return [
            {"verb": verb.name, "label": verb.button, "url": f"{self.verb_url(verb)}?ids={row.pk}", "grave": verb.grave}
            for verb in self.verbs
            if self.state_of(row) in verb.states and access.may(verb.name, store_id)
        ]

    def state_of(self, row: Any) -> str:
        """What the verbs' `states` are compared with."""
        return str(row.state)

    def form_of(self, request: HttpRequest, verb: Verb, rows: Sequence[Any]) -> forms.Form:
        """The verb's question, filled in where it was answered."""
        return verb.form(request.POST if request.method == "POST" else None, initial=self.initial(verb, rows[0]))

    def verb_url(self, verb: Verb) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_verb", args=[verb.name])

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """The same verbs for the rows ticked in the list; no "delete selected"."""
        access = scope.access_of(request)
        found: dict[str, Any] = {}
        for verb in self.verbs:
            if not verb.one_at_a_time and (access.everywhere or any(access.may(verb.name, pk) for pk in access.roles)):
                found[verb.name] = (self._list_action(verb), verb.name, verb.button)
        return found

    def _list_action(self, verb: Verb) -> Callable[..., HttpResponse]:
        def go(modeladmin: VerbAdmin, request: HttpRequest, queryset: Any) -> HttpResponse:
            ids = ",".join(str(pk) for pk in queryset.values_list("pk", flat=True)[:MOST_AT_ONCE])
            return HttpResponseRedirect(f"{modeladmin.verb_url(verb)}?ids={ids}")

        return go

    # --- The page ----------------------------------------------------------------------------------------------------
    def get_urls(self) -> list[Any]:
        page = path(
            "verb/<slug:name>/",
            self.admin_site.admin_view(self.verb_view),
            name=f"{self.opts.app_label}_{self.opts.model_name}_verb",
        )
        return [page, *super().get_urls()]

    def verb_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Ask (GET) and do (POST). Rows that are not the person's are not found; a role that may not is refused."""
        verb = next((verb for verb in self.verbs if verb.name == name), None)
        asked = (request.POST if request.method == "POST" else request.GET).get("ids", "")
        ids = [int(part) for part in asked.split(",") if part.isdecimal() and len(part) < 19][:MOST_AT_ONCE]
        rows = list(self.get_queryset(request).filter(pk__in=ids).order_by("pk"))
        if verb is None or not rows or (verb.one_at_a_time and len(rows) > 1):
            raise Http404
        access = scope.access_of(request)
        if not all(access.may(verb.name, store_of(row, self.store_path)) for row in rows):
            raise PermissionDenied(gettext("Your role does not include this. Ask a lead of your store."))
        form = self.form_of(request, verb, rows)
        if request.method == "POST" and form.is_valid():
            self._do(request, verb, rows, form.cleaned_data)
            return HttpResponseRedirect(self._back(rows))
        return TemplateResponse(
            request,
            "admin/staff/verb.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": verb.button,
                "verb": verb,
                "form": form,
                "rows": [(row, self.state_of(row) in verb.states) for row in rows],
                "possible": sum(self.state_of(row) in verb.states for row in rows),
                "ids": ",".join(str(row.pk) for row in rows),
                "back": self._back(rows),
            },
        )

    def initial(self, verb: Verb, row: Any) -> dict[str, Any]:
        """What the form starts with."""
        return {}

    def _do(self, request: HttpRequest, verb: Verb, rows: Sequence[Any], answers: dict[str, Any]) -> None:
        """Call the verb for each row; a refusal of one stops no other."""
        user_id: int = request.user.pk  # type: ignore[assignment]  # the admin lets nobody in who is not signed in
        by, now = actors.staff(user_id), timezone.now()
        done: list[Any] = []
        refused: Counter[str] = Counter()
        for row in rows:
            try:
                verb.run(row, answers, by, now)
            except Refused as no:
                refused[str(no)] += 1
            else:
                done.append(row)
        if done:
            why = answers.get("reason", "")
            LogEntry.objects.log_actions(user_id, done, CHANGE, f"{verb.name}: {why}" if why else verb.name)
            text = ngettext("%(what)s: done for %(count)d.", "%(what)s: done for %(count)d.", len(done))
            messages.success(request, text % {"what": verb.button, "count": len(done)})
        for sentence, count in refused.items():
            text = ngettext(
                "%(sentence)s (%(count)d left as it was)", "%(sentence)s (%(count)d left as they were)", count
            )
            messages.error(request, text % {"sentence": sentence, "count": count})

    def _back(self, rows: Sequence[Any]) -> str:
        prefix = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        return reverse(f"{prefix}_change", args=[rows[0].pk]) if len(rows) == 1 else reverse(f"{prefix}_changelist")


def link(page: str, pk: int | None, text: object) -> str:
    """A link to a row's page, for a column; `page` as in "deliveries_trip_change"."""
    if pk is None:
        return "–"
    return format_html('<a class="hw-link" href="{}">{}</a>', reverse(f"admin:{page}", args=[pk]), text)
