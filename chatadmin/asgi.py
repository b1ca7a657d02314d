"""The ASGI application: pages through Django, the two sockets beside it."""

import gc
import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatadmin.settings")
django_application = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path  # noqa: E402

from chatadmin import jobs  # noqa: E402
from chatadmin.lib.socket import refuse, served_by  # noqa: E402
from live.consumers import StaffSocket  # noqa: E402
from widget.consumers import VisitorSocket  # noqa: E402

# What is loaded by now stays. A full collection would look at all of it, in the middle of somebody's page.
gc.freeze()

application = ProtocolTypeRouter(
    {
        "http": jobs.started_by(django_application),
        "websocket": URLRouter(
            [
                path("ws/widget/", served_by(VisitorSocket)),  # type: ignore[arg-type]
                path("ws/staff/", served_by(StaffSocket)),  # type: ignore[arg-type]
                path("<path:anything>", refuse),  # type: ignore[arg-type]
                path("", refuse),  # type: ignore[arg-type]
            ]
        ),
        "lifespan": jobs.lifespan,
    }
)
