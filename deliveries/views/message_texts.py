"""One message to customers in one language: staff's own words for it, tried out before they are saved."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from deliveries.actions import Refused, wording
from deliveries.models import MessageText
from deliveries.notices import texts
from deliveries.notices import wording as words
from deliveries.notices.channels.sms import LONGEST
from deliveries.notices.kinds import CUSTOMER
from deliveries.notices.previews import preview
from stores.models import Language, Store, User

from .staff import Desk, show, staff_page

MOST_ROWS = 10


class TextForm(forms.Form):
    """The three parts of a message that may be worded."""

    subject = forms.CharField(label=_("Subject of the mail"), strip=True, required=False)
    short = forms.CharField(
        label=_("Text message and notification"), required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The link to the package and how to stop are added by themselves."),
    )  # fmt: skip
    body = forms.CharField(
        label=_("Mail"), required=False, widget=forms.Textarea(attrs={"rows": 9}),
        help_text=_("The link, the store’s name and how to stop stand below it, always."),
    )  # fmt: skip

    def __init__(self, *args: Any, kind: str, language: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind, self.language = kind, language

    def clean(self) -> dict[str, Any]:
        """What the verb would refuse, beside the field it is about."""
        cleaned: dict[str, Any] = super().clean() or {}
        for field, sentence in texts.faults(self.kind, self.language, self.said()):
            self.add_error(field, sentence)
        return cleaned

    def said(self) -> words.Words:
        """What was typed, clean."""
        return texts.clean(words.Words(*(self.cleaned_data.get(name, "") for name in ("subject", "short", "body"))))


@staff_page
def message_text_view(request: HttpRequest, desk: Desk, kind: str, language: str) -> HttpResponse:
    """See it, try it out, save it, go back to ours. `?for=all` is about every store, for those who run all of them."""
    if kind not in words.EDITABLE or language not in Language.values:
        raise Http404
    for_all = request.GET.get("for") == "all"
    if not (desk.access.everywhere if for_all else desk.may("word")):
        raise PermissionDenied(gettext("Your role does not include this. Ask a lead of your store."))
    store = None if for_all else desk.store
    now, user = timezone.now(), request.user
    assert isinstance(user, User)
    here = f"{request.path}?store={desk.store.number}{'&for=all' if for_all else ''}"
    own = MessageText.objects.filter(store=store, kind=kind, language=language)
    if request.POST.get("do") == "reset":
        wording.unword(store=store, kind=kind, language=language, by=user, now=now)
        messages.success(request, gettext("Back to what it was before you worded it."))
        return HttpResponseRedirect(here)
    begun = _begin(desk.store, for_all, kind, language)
    form = TextForm(
        request.POST or None, kind=kind, language=language,
        initial={"subject": begun.subject, "short": begun.short, "body": begun.body},
    )  # fmt: skip
    shown: words.Words | None = begun
    if request.method == "POST":
        shown = form.said() if form.is_valid() else None
        if shown and request.POST.get("do") == "save":
            return _save(request, here, store=store, kind=kind, language=language, said=shown, by=user)
    page = {
        "title": CUSTOMER[kind].title, "store": desk.store, "stores": [], "form": form, "here": here, "for_all": for_all,
        "language": language, "language_name": Language(language).label, "may_all": desk.access.everywhere, "longest": LONGEST,
        "preview": preview(kind, "customer", desk.store, language, shown, now=now) if shown else None,
        "placeholders": [(f"{{{name}}}", words.MEANS[name]) for name in words.PLACEHOLDERS[kind]],
        "is_own": own.filter(ended_at=None).exists(), "history": own.select_related("made_by", "ended_by")[:MOST_ROWS],
    }  # fmt: skip
    return show(request, "admin/staff/message_text.html", page)


def _begin(store: Store, for_all: bool, kind: str, language: str) -> words.Words:
    """What is sent now, or ours with names where values will be."""
    if for_all:
        row = MessageText.objects.filter(store=None, kind=kind, language=language, ended_at=None).first()
        said = words.Words(row.subject, row.short, row.body) if row else None
    else:
        said = words.in_force(store.pk).get((kind, language))
    return said or words.ours(kind, language)


def _save(request: HttpRequest, here: str, **asked: Any) -> HttpResponse:
    try:
        wording.word(**asked, now=timezone.now())
    except Refused as no:
        messages.error(request, str(no))
    else:
        messages.success(request, gettext("Saved. The next message of this kind says it so."))
    return HttpResponseRedirect(here)
