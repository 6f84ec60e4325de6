"""What the channels have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Text:
    """A message in one language: whole for a mail, in two short lines for everything small.

    `link` leads to where it is about, `stop` to where it can be stopped ("" for associates: that is under Me).
    """

    subject: str
    body: str
    title: str
    short: str
    link: str
    stop: str = ""
    last_line: str = ""  # for machines: on a line of its own at the end of a text message
    says_stop: bool = False  # how to stop is said in a text message even where that makes it two
    language: str = "en"
    lasts: timedelta = field(default=timedelta(hours=12))


class Failed(Exception):
    """It was not sent. `code` is fit for logs and the database; nobody's address, name or link is.

    `for_good`: trying again cannot help. `gone`: the address itself is no more (or does not want to be written to).
    """

    def __init__(self, code: str, *, for_good: bool = False, gone: bool = False) -> None:
        super().__init__(code)
        self.code, self.for_good, self.gone = code, for_good or gone, gone
