"""Pages by Django, sockets by Channels."""

from __future__ import annotations

import django
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.urls import path

django.setup()

from bench.stock.consumers import StaffConsumer, VisitorConsumer  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(
                URLRouter(
                    [
                        path("ws/widget/", VisitorConsumer.as_asgi()),
                        path("ws/staff/", StaffConsumer.as_asgi()),
                    ]
                )
            )
        ),
    }
)
