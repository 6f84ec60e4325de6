"""MAP_TILES_URL: where maps get their pictures from, and what the pages' policy has to allow for it."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

PLACES = ("{z}", "{x}", "{y}")


def source_of(url: str, attribution: str) -> list[str]:
    """The sources of pictures that the policy allows for this template; none for an empty one.

    `https://tiles.example.com/{z}/{x}/{y}.png`; `{s}` as the first part of the host stands for its servers a, b and c. Raises
    ImproperlyConfigured where the template or its attribution is not whole.
    """
    if not url:
        return []
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.netloc or any(place not in url for place in PLACES):
        raise ImproperlyConfigured(
            f"MAP_TILES_URL is “{url}”; it must be https and name {{z}}, {{x}} and {{y}}, as "
            "https://tiles.example.com/{z}/{x}/{y}.png"
        )
    if "{" in parts.netloc.removeprefix("{s}."):
        raise ImproperlyConfigured(f"MAP_TILES_URL is “{url}”; in the host only a leading {{s}}. may vary.")
    if not attribution:
        raise ImproperlyConfigured("MAP_TILES_URL is set and MAP_TILES_ATTRIBUTION is not: say whose map it is.")
    return [f"https://{parts.netloc.replace('{s}', '*')}"]
