"""What an associate is asked. Each form checks one question and says it in the units people know; `save` calls a verb."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from stores import places, units
from stores.models import Language

from . import actions, terms
from .models import NEEDED_CONSENTS, Associate, Consent, SizeClass

# What people know about their car, as the room a load may take. From VDA luggage volumes of common cars, rounded down.
TRUNKS = (
    (250_000, _("Small car: about 4 shopping bags in the trunk")),
    (400_000, _("Sedan or hatchback: about 8 shopping bags")),
    (800_000, _("SUV, wagon or van: the back of the car")),
)
# 110 lb is 49,895 g; the database's bound is 50 kg.
HEAVIEST_LB = 110


class JoinForm(forms.Form):
    store_number = forms.IntegerField(
        label=_("Store number"), min_value=1, max_value=99_999, help_text=_("Up to five digits, on your badge."),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )  # fmt: skip
    employee_reference = forms.CharField(
        label=_("Employee number"), max_length=40, help_text=_("As on your badge or pay statement."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters"}),
    )  # fmt: skip
    birth_date = forms.DateField(
        label=_("Date of birth"), help_text=_("To find you on the roster, and because drivers must be 18."),
        widget=forms.DateInput(attrs={"type": "date", "autocomplete": "bday"}, format="%Y-%m-%d"),
    )  # fmt: skip

    def clean_birth_date(self) -> date:
        born: date = self.cleaned_data["birth_date"]
        if not born.year >= 1900:
            raise forms.ValidationError(_("Check the year of your birth."))
        return born


class StepForm(forms.Form):
    """One question. `current` is what is already known; `save` stores the answer and may return a sentence to show."""

    question: Any = ""
    why: Any = ""
    # Whether the answer is part of the sentence that says what the limits mean; then it is shown while one edits.
    has_meaning = False

    def meant(self) -> dict[str, Any]:
        """The fields of Limits that this answer sets, in their units; and "weekdays"."""
        return {}

    @classmethod
    def current(cls, person: Associate) -> dict[str, Any]:
        return {}

    def save(self, person: Associate, now: datetime) -> str:
        raise NotImplementedError


class ConsentsForm(StepForm):
    question = _("What you agree to")
    why = _("Each on its own. You can take any of them back at any time under “Me”.")

    work = forms.BooleanField(
        required=False, label=_("Delivery work"),
        help_text=_(
            "I may be offered deliveries after my shift. Taking one is always my choice; passing costs nothing and is "
            "not counted. The time from the end of my shift to my last drop-off is paid work."
        ),
    )  # fmt: skip
    location = forms.BooleanField(
        required=False,
        label=_("Location while on a trip"),
        help_text=_(
            "My phone’s position is used while I am on a trip: as proof at a drop-off, and so that the customer whose stop is "
            "next sees roughly where I am. Never before a trip, never after the last stop."
        ),
    )
    home = forms.BooleanField(
        required=False, label=_("Home area"),
        help_text=_(
            "My address is turned into a square of about 300 meters and then forgotten. Only the planner reads it, to "
            "work out the way home. No colleague, manager or customer can see it."
        ),
    )  # fmt: skip
    messages = forms.BooleanField(
        required=False,
        label=_("Messages"),
        help_text=_(
            "Tell me of offers, of my trip and of my pay: by e-mail, and in other ways that I choose under “Messages”. This "
            "one is up to you; everything is on these pages, too."
        ),
    )

    @classmethod
    def current(cls, person: Associate) -> dict[str, Any]:
        return dict(actions.consents_standing(person))

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        for kind in Consent.Kind.values:
            if kind in NEEDED_CONSENTS and not given.get(kind):
                self.add_error(kind, _("Deliveries do not work without this one."))
        return given

    def save(self, person: Associate, now: datetime) -> str:
        for kind in Consent.Kind.values:
            if self.cleaned_data[kind]:
                actions.give_consent(associate=person, kind=kind, by=person.user, now=now)
            else:
                actions.withdraw_consent(associate=person, kind=kind, by=person.user, now=now)
        return ""


# What taking a consent back means, said beside the button.
TAKEN_BACK: dict[str, Any] = {
    Consent.Kind.WORK: _("Offers stop at once. A trip that you claimed stays yours to finish or give back."),
    Consent.Kind.LOCATION: _("Offers stop at once. On a trip that you claimed you can confirm with a photo alone."),
    Consent.Kind.HOME: _("Your home area is forgotten at once, and offers stop. A trip that you claimed stays yours."),
    Consent.Kind.MESSAGES: _("Nothing is sent to you any more. Everything still shows on these pages."),
}


class HomeForm(StepForm):
    question = _("Where does your drive home end?")
    why = _(
        "We find the spot, keep a square of about 300 meters around it, and forget the address: it is not stored, and "
        "no one can look it up. A street corner nearby is fine, too."
    )

    street = forms.CharField(
        label=_("Street and number"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "address-line1"})
    )
    zip = forms.RegexField(
        r"^\s*[0-9]{5}(-[0-9]{4})?\s*$", label=_("ZIP code"),
        error_messages={"invalid": _("A ZIP code has five digits, like 07002.")},
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "postal-code"}),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        answer = super().clean() or {}
        if "street" in answer and "zip" in answer:
            answer["located"] = places.locate(answer["street"], answer["zip"])
            if answer["located"] is None:
                self.add_error("zip", _("We do not know this ZIP code. Check its five digits, or use one nearby."))
        return answer

    def save(self, person: Associate, now: datetime) -> str:
        located: places.Located = self.cleaned_data["located"]
        zip5 = self.cleaned_data["zip"].strip()[:5]
        actions.set_home(associate=person, point=located.point, area=zip5, by=person.user, now=now)
        if located.precision != places.Precision.ZIP:
            return ""
        return str(
            _("We could not find that street, so we use the middle of ZIP %(zip)s. Quotes may be off by a few minutes.")
        ) % {"zip": zip5}


class VehicleForm(StepForm):
    question = _("What do you drive?")
    why = _("So that you are never offered more than fits.")

    vehicle = forms.CharField(
        label=_("Your car"), max_length=60, help_text=_("For example: blue Honda Civic"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    trunk_ml = forms.TypedChoiceField(
        label=_("Room for packages"), choices=TRUNKS, coerce=int, widget=forms.RadioSelect
    )

    @classmethod
    def current(cls, person: Associate) -> dict[str, Any]:
        has = terms.limits_of(person).trunk_ml
        nearest = min((trunk for trunk, _label in TRUNKS), key=lambda trunk: abs(trunk - has))
        return {"vehicle": person.vehicle, "trunk_ml": nearest}

    def save(self, person: Associate, now: datetime) -> str:
        actions.set_vehicle(associate=person, by=person.user, now=now, **self.cleaned_data)
        return ""


class LimitForm(StepForm):
    """A question whose fields are fields of Limits, in the same units."""

    has_meaning = True

    def meant(self) -> dict[str, Any]:
        return self.cleaned_data

    @classmethod
    def current(cls, person: Associate) -> dict[str, Any]:
        limits = terms.limits_of(person)
        return {name: getattr(limits, name) for name in cls.base_fields}

    def save(self, person: Associate, now: datetime) -> str:
        actions.set_limits(associate=person, by=person.user, now=now, **self.meant())
        return ""


def _number(label: Any, least: int, most: int, **more: Any) -> forms.IntegerField:
    return forms.IntegerField(
        label=label, min_value=least, max_value=most,
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "data-stepper": more.pop("step", 1)}), **more,
    )  # fmt: skip


class CountForm(LimitForm):
    question = _("How many packages at most?")
    why = _("On one drive home. You can still claim fewer.")
    max_packages = _number(_("Packages"), 1, 20)


class MinutesForm(LimitForm):
    question = _("How much longer than your drive home?")
    why = _("Loading at the store, the detour and the stops together, compared to driving straight home.")
    max_extra_minutes = _number(_("Minutes"), 5, 60, step=5)


class SizeForm(LimitForm):
    question = _("How large may a package be?")
    why = _("The largest one that you want to carry to a door.")
    max_size_class = forms.TypedChoiceField(
        label=_("Largest package"), choices=SizeClass.choices, coerce=int, widget=forms.RadioSelect
    )


class WeightForm(LimitForm):
    question = _("How heavy may it be?")
    why = _("One package on its own, and everything together.")
    each = _number(_("Heaviest package, pounds"), 1, HEAVIEST_LB, step=5)
    load = _number(_("Everything together, pounds"), 1, 1_000, step=10)

    @classmethod
    def current(cls, person: Associate) -> dict[str, Any]:
        limits = terms.limits_of(person)
        return {
            "each": round(units.pounds(limits.max_package_weight_g)),
            "load": round(units.pounds(limits.max_total_weight_g)),
        }

    def clean(self) -> dict[str, Any]:
        answer = super().clean() or {}
        if "each" in answer and "load" in answer and answer["load"] < answer["each"]:
            self.add_error("load", _("Together it must be at least as much as one package."))
        return answer

    def meant(self) -> dict[str, Any]:
        return {
            "max_package_weight_g": units.grams(Decimal(self.cleaned_data["each"])),
            "max_total_weight_g": units.grams(Decimal(self.cleaned_data["load"])),
        }


class HomeByForm(LimitForm):
    question = _("Home by when, at the latest?")
    why = _("If you want to be home by a certain time. Leave it empty if the minutes are enough.")
    home_by = forms.TimeField(
        required=False,
        label=_("Home by"),
        help_text=_("On the store’s clock. A time before four in the morning counts as the night after."),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )


class FloorForm(LimitForm):
    question = _("The least for an extra hour?")
    why = _(
        "Offers that pay less for each hour of extra time are not sent to you. That means fewer offers; what an offer pays "
        "does not change. Leave it empty to see them all."
    )
    dollars = forms.DecimalField(
        required=False, label=_("Dollars for an extra hour"), min_value=0, max_value=200, decimal_places=2,
        widget=forms.NumberInput(attrs={"inputmode": "decimal", "step": "0.01"}),
    )  # fmt: skip

    @classmethod
    def current(cls, person: Associate) -> dict[str, Any]:
        cents = terms.limits_of(person).floor_cents_per_hour
        return {"dollars": Decimal(cents) / 100 if cents else None}

    def meant(self) -> dict[str, Any]:
        return {"floor_cents_per_hour": int((self.cleaned_data["dollars"] or 0) * 100)}


class DaysForm(StepForm):
    question = _("On which days?")
    why = _("Offers come only on these, when you work. “Not tonight” is always there as well.")
    weekdays = forms.TypedMultipleChoiceField(
        label=_("Days"), choices=[(day, name) for day, name in sorted(WEEKDAYS.items())], coerce=int,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one day. To stop for a while, use “Pause” under “Me”.")},
    )  # fmt: skip
    has_meaning = True

    def meant(self) -> dict[str, Any]:
        return {"weekdays": self.cleaned_data["weekdays"]}

    @classmethod
    def current(cls, person: Associate) -> dict[str, Any]:
        return {"weekdays": terms.weekdays_of(person)}

    def save(self, person: Associate, now: datetime) -> str:
        actions.set_days(associate=person, weekdays=self.cleaned_data["weekdays"], by=person.user, now=now)
        return ""


class LanguageForm(StepForm):
    question = _("Which language do you read?")
    why = _("For these pages and for messages to you.")
    language = forms.ChoiceField(label=_("Language"), choices=Language.choices, widget=forms.RadioSelect)

    @classmethod
    def current(cls, person: Associate) -> dict[str, Any]:
        return {"language": person.user.language}

    def save(self, person: Associate, now: datetime) -> str:
        actions.set_language(associate=person, language=self.cleaned_data["language"], by=person.user, now=now)
        return ""


class PermissionForm(StepForm):
    """A permission that the phone asks for on a tap, with the reason before and the way by hand beside it. Nothing is
    stored: the browser keeps the answer, for each phone its own."""

    permission: Any = ""  # as browsers call it
    ask: Any = ""
    by_hand: Any = ""

    def save(self, person: Associate, now: datetime) -> str:
        return ""


class PositionForm(PermissionForm):
    question = _("May this phone say where a package was left?")
    why = _(
        "Asked at the door, as proof that you were there. Only on a trip, never before it and never after the last stop."
    )
    permission = "geolocation"
    ask = _("Allow the position")
    by_hand = _(
        "Without it: a photo, or a sentence on why it is left there. Nothing is refused and nothing is paid less."
    )


class CameraForm(PermissionForm):
    question = _("May this page use the camera?")
    why = _("To scan the labels at the bay, and to photograph where a package was left.")
    permission = "camera"
    ask = _("Allow the camera")
    by_hand = _("Without it: type the number on the label, and take the photo with your camera app or leave it out.")


class NotificationsForm(PermissionForm):
    question = _("May this phone tell you of an offer?")
    why = _(
        "An offer is open for a while before your shift ends. At night it stays silent; you set the hours under “Messages”."
    )
    permission = "notifications"
    by_hand = _("Without it: we write to your e-mail address, and every offer shows under “Offers”.")


FORMS: dict[str, type[StepForm]] = {
    "consents": ConsentsForm,
    "home": HomeForm,
    "vehicle": VehicleForm,
    "count": CountForm,
    "weight": WeightForm,
    "size": SizeForm,
    "minutes": MinutesForm,
    "days": DaysForm,
    "language": LanguageForm,
    "position": PositionForm,
    "camera": CameraForm,
    "notifications": NotificationsForm,
    # Not asked at set-up: choices for later, under "Me".
    "home-by": HomeByForm,
    "floor": FloorForm,
}


class DayExceptionForm(forms.Form):
    """One date on which they do, or do not, deliver."""

    day = forms.DateField(label=_("Date"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    delivers = forms.TypedChoiceField(
        label=_("On this date"), choices=(("no", _("I do not deliver")), ("yes", _("I deliver, if I work"))),
        coerce=lambda said: said == "yes", widget=forms.RadioSelect, initial="no",
    )  # fmt: skip
