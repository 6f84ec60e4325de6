"""Mail, through Django: SMTP, or a provider's API by django-anymail where EMAIL_URL names one."""

from __future__ import annotations

import contextlib
import smtplib
from types import TracebackType

import requests
from anymail.exceptions import AnymailAPIError, AnymailError, AnymailInvalidAddress, AnymailRecipientsRefused
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from .sending import Failed, Text

TIMEOUT_S = 20


class Mail:
    """One connection is kept for a run of messages (`with channels.MAIL:`) and made anew after a failure."""

    def __init__(self) -> None:
        self._connection: BaseEmailBackend | None = None

    def offered(self) -> bool:
        return True

    def __enter__(self) -> Mail:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):  # it is hung up either way
                self._connection.close()
            self._connection = None

    def send(self, text: Text, to: str) -> None:
        """Send one mail. Raises Failed."""
        if self._connection is None:
            self._connection = get_connection(timeout=TIMEOUT_S)
        headers = {"Auto-Submitted": "auto-generated"}
        if text.stop:  # RFC 8058: the mail program's own button
            headers |= {"List-Unsubscribe": f"<{text.stop}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
        message = EmailMessage(text.subject, text.body, to=[to], headers=headers, connection=self._connection)
        try:
            message.send()
        except (OSError, smtplib.SMTPException, requests.RequestException, AnymailError, ValueError) as error:
            self.__exit__(None, None, None)
            raise _failed(error) from None  # never its text: it quotes the address


def _failed(error: Exception) -> Failed:
    code = getattr(error, "smtp_code", None)
    refused = isinstance(error, smtplib.SMTPRecipientsRefused)
    if isinstance(error, smtplib.SMTPRecipientsRefused) and error.recipients:
        code = next(iter(error.recipients.values()))[0]
    if isinstance(error, AnymailAPIError) and error.response is not None:
        code = error.response.status_code
    name = f"{type(error).__name__} {code or ''}".strip()
    # 5xx of SMTP is for good. Of an HTTP API only what says that this address will never do: the rest may be our key.
    for_good = (refused and isinstance(code, int) and code >= 500) or isinstance(
        error, AnymailRecipientsRefused | AnymailInvalidAddress
    )
    return Failed(name, for_good=for_good or (isinstance(error, ValueError) and not isinstance(error, OSError)))
