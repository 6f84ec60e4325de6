"""How a verb says no, in every app."""

from __future__ import annotations

from django.utils.functional import Promise


class Refused(Exception):
    """A verb says no. `sentence` is for people and translated when shown; `code` is for programs (HTTP 409)."""

    code = "refused"
    sentence: str | Promise = ""

    def __init__(self, sentence: str | Promise | None = None) -> None:
        if sentence is not None:
            self.sentence = sentence
        super().__init__(self.code)

    def __str__(self) -> str:
        return str(self.sentence)
