"""How `make messages` finds the sentences of Django's templates, for Babel (config/babel.cfg). Babel itself reads Python.

Django turns a template into something that looks like Python for xgettext; Babel's own reader takes it as well once the
lines begin at the margin, so a machine without GNU gettext extracts, too.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Mapping
from typing import IO, Any

from babel.messages.extract import extract_python
from django.utils.translation.template import templatize


def templates(
    template: IO[bytes], keywords: Mapping[str, Any], comments: Collection[str], options: Mapping[str, Any]
) -> Iterator[tuple[Any, ...]]:
    """Line, function, message or messages, and comments for the translator, of every marked sentence in `template`."""
    source = templatize(template.read().decode(), origin=getattr(template, "name", None))
    lines = "\n".join(line.lstrip() for line in source.splitlines())
    reading: Any = {**options, "encoding": "utf-8"}
    yield from extract_python(io.BytesIO(lines.encode()), keywords, comments, reading)
