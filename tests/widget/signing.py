"""Signs identities as a site's server does."""

import hashlib
import hmac
from typing import Any

from staff.models import Widget


def signed(widget: Widget, external_id: str, expires: int | None = None, **claims: Any) -> dict[str, Any]:
    """The `identity` of that external id."""
    text = external_id if expires is None else f"{external_id}\n{expires}"
    digest = hmac.new(widget.identity_secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    extra = {} if expires is None else {"expires": expires}
    return {"external_id": external_id, "hash": digest, **extra, **claims}
