"""HTTP and WebSocket in one process, static files in front. Sockets are routed to `deliveries/consumers.py`."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
http = get_asgi_application()  # loads the apps; what imports models comes after it

from config.static_files import StaticFirst  # noqa: E402
from deliveries.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter({"http": StaticFirst(http), "websocket": URLRouter(websocket_urlpatterns)})
