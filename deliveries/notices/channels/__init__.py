"""How a message leaves the house: mail, text message, web push. Each sends one message to one address, or says why not.

A channel that no setting names is not offered: nothing is owed by it and nobody is asked about it.
"""

from . import mail, push, sms
from .sending import Failed, Text

MAIL, SMS, PUSH = mail.Mail(), sms.Sms(), push.Push()

__all__ = ["MAIL", "PUSH", "SMS", "Failed", "Text"]
