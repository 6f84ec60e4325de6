"""What a page needs to offer notifications on this device."""

from __future__ import annotations

from django import template

from deliveries.notices import channels

register = template.Library()


@register.simple_tag
def push_key() -> str:
    """Our public key, as `static/js/push.js` wants it; "" where notifications are not offered."""
    return channels.PUSH.public_key()
