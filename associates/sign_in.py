"""Signing in with a code, by mail or by text message, on top of allauth: how it reaches phones, and what its forms ask.

A number is a way in only once a code sent to it came back; before that it is in the session and nowhere else. Whether a
number is known shows in nothing: the same page, the same words, the same work, because texts are sent by a worker.
"""

from __future__ import annotations

from typing import Any

import phonenumbers
import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.fields import PhoneField
from allauth.account.forms import LoginForm, RequestLoginCodeForm, VerifyPhoneForm
from allauth.account.views import ChangePhoneView, ConfirmLoginCodeView
from allauth.core.exceptions import ImmediateHttpResponse
from celery import current_app
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from stores.models import User

log = structlog.get_logger(__name__)

US = 1  # country code of the United States; texts to others cost much, which is why thieves like them
# As in `deliveries/waking.py`: a connection of its own, and nobody's tap waits long for a broker that is away.
BROKER_WAIT = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5, "max_retries": 0}


def by_text() -> bool:
    """Whether text messages are offered at all."""
    return bool(settings.SMS_URL)


class NumberField(PhoneField):
    """A mobile number as Americans write it; its value is E.164."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            **{
                "label": _("Mobile number"), "max_length": 40, "help_text": _("With its area code: 201-555-0123."),
                "widget": forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel"}),
                "validators": [], **options,
            }
        )  # fmt: skip

    def clean(self, value: Any) -> str:
        text = forms.CharField.clean(self, value)
        return us_number(text) if text else ""


def us_number(text: str) -> str:
    """`text` as an American number in E.164. Raises ValidationError."""
    try:
        parsed = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        parsed = None
    if parsed is None or parsed.country_code != US or parsed.extension or not phonenumbers.is_valid_number(parsed):
        raise forms.ValidationError(_("Write a US number with its area code, such as 201-555-0123."), code="phone")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


class Adapter(DefaultAccountAdapter):
    """What allauth asks of us for phones. The number lives in `User.phone`, always confirmed."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "phone_taken": _(
            "Another account signs in with this number. Sign in there and remove it, or ask your store’s people lead."
        ),
    }  # fmt: skip

    def phone_form_field(self, **options: Any) -> NumberField:
        return NumberField(**options)

    def get_user_by_phone(self, phone: str) -> User | None:
        return User.objects.filter(phone=phone, is_active=True).first()

    def get_phone(self, user: AbstractBaseUser) -> tuple[str, bool] | None:
        phone = User.objects.values_list("phone", flat=True).get(pk=user.pk)
        return (str(phone), True) if phone else None

    def set_phone(self, user: AbstractBaseUser, phone: str, verified: bool) -> None:
        """Keeps confirmed numbers only."""
        if verified:
            self.set_phone_verified(user, phone)

    def set_phone_verified(self, user: AbstractBaseUser, phone: str) -> None:
        try:
            with transaction.atomic():
                User.objects.filter(pk=user.pk).update(phone=phone)
        except IntegrityError:  # somebody else confirmed it between our look and our writing
            messages.error(self.request, self.error_messages["phone_taken"])
            raise ImmediateHttpResponse(redirect("account_change_phone")) from None
        log.info("account.number_confirmed", by_user=user.pk)

    def send_verification_code_sms(self, user: AbstractBaseUser, phone: str, code: str, **more: Any) -> None:
        self._hand_to_worker(phone, code)

    def send_unknown_account_sms(self, phone: str, **more: Any) -> None:
        """A stranger's number gets no text, but the same work is done, so that the clock tells nothing either."""
        self._hand_to_worker(phone, "")

    def _hand_to_worker(self, phone: str, code: str) -> None:
        try:
            with current_app.connection_for_write(transport_options=BROKER_WAIT) as broker:
                current_app.send_task(
                    "deliveries.text_code", args=[phone, code, get_language() or "en"], argsrepr="(...)",
                    expires=settings.ACCOUNT_LOGIN_BY_CODE_TIMEOUT, retry=False, connection=broker,
                )  # fmt: skip
        except (OperationalError, RedisError) as error:
            log.warning("account.code_not_sent", error=type(error).__name__)
            messages.error(self.request, _("We cannot send text messages at the moment. Use your e-mail address."))


class CodeForm(forms.Form):
    """One box for both: what has an @ in it is an address, anything else is a number."""

    address = forms.CharField(
        label=_("Your e-mail address"), max_length=254, help_text=_("We send a code to it. No password needed."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )  # fmt: skip

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if by_text():
            self.fields["address"].label = _("Your e-mail address or mobile number")
            self.fields["address"].widget = forms.TextInput(
                attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
            )

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        text = said.get("address", "")
        if text:
            way = "email" if "@" in text or not by_text() else "phone"
            inner = RequestLoginCodeForm({way: text})
            if inner.is_valid():
                self._user, said["email"], said["phone"] = (
                    inner._user,
                    inner.cleaned_data["email"],
                    inner.cleaned_data["phone"],
                )
            for faults in inner.errors.as_data().values():
                self.add_error("address", faults)
        return said


class PasswordForm(LoginForm):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        login = self.fields["login"]
        login.label = _("E-mail address or mobile number") if by_text() else _("E-mail address")
        login.widget.attrs.pop("placeholder", None)
        login.widget.attrs["autocomplete"] = "username"


def _with_keypad(form: forms.Form) -> forms.Form:
    """Codes by text message are digits."""
    form.fields["code"].widget.attrs["inputmode"] = "numeric"
    return form


class NumberCodeForm(VerifyPhoneForm):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        _with_keypad(self)


class EnterCode(ConfirmLoginCodeView):
    """Allauth's page. Its "send another" presumes that the number is somebody's; ours answers a stranger's the same."""

    def get_form(self, form_class: type[forms.Form] | None = None) -> forms.Form:
        form: forms.Form = super().get_form(form_class)
        return _with_keypad(form) if self._process.state.get("phone") and "code" in form.fields else form

    def _resend_form_valid(self, form: forms.Form) -> HttpResponse:
        process = self._process
        if process.user is None and process.state.get("phone"):
            process.send(skip_enumeration_mails=False)
            process.record_resend()
            process.persist()
            return redirect(self.passthrough_next_url(self.request.path))
        response: HttpResponse = super()._resend_form_valid(form)
        return response


class ChangeNumber(ChangePhoneView):
    """The mobile number of somebody signed in: set, changed, removed. Not there where no text can be sent."""

    def dispatch(self, request: HttpRequest, *args: Any, **options: Any) -> HttpResponseBase:
        if not by_text():
            raise Http404
        response: HttpResponseBase = super().dispatch(request, *args, **options)
        return response
