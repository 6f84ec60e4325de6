"""For servers that speak WSGI. Live pages need `config.asgi`; without it they fall back to polling."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django = get_wsgi_application()

from servestatic import ServeStatic  # noqa: E402

from config import static_files  # noqa: E402

application = static_files.table(ServeStatic, django)
