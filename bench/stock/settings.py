"""The product's own settings, with the channel layer that Channels' documentation names."""

from chatadmin.settings import *  # noqa: F403
from chatadmin.settings import REDIS_PREFIX, REDIS_URL

ASGI_APPLICATION = "bench.stock.asgi.application"
if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {"hosts": [REDIS_URL], "prefix": f"{REDIS_PREFIX}-stock"},
        }
    }
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
if IS_SQLITE:  # noqa: F405
    # PostgreSQL has a pool; here opening the file anew for each hop would be most of what is measured.
    DATABASES["default"]["CONN_MAX_AGE"] = None  # noqa: F405
