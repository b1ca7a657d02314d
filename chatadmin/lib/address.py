"""Whose address a request came from, behind as many trusted proxies as the installation names."""

from __future__ import annotations

import functools
import hmac
import ipaddress
from collections.abc import Iterable

from django.conf import settings


def client_address(peer: str, forwarded_for: str) -> str:
    """The client's address: `peer`, or what the outermost trusted proxy saw, counted from the right of
    X-Forwarded-For, whose left part anybody can make up."""
    trusted = settings.TRUSTED_PROXIES
    hops = [hop.strip() for hop in forwarded_for.split(",") if hop.strip()]
    if trusted and len(hops) >= trusted:
        return _plain(hops[-trusted])
    return _plain(peer)


def _plain(address: str) -> str:
    """One spelling for each address: no port, which some proxies add, and IPv4 as such where the socket speaks IPv6.
    What is counted by address would else be counted apart, or all of IPv4 as one network of IPv6."""
    host = address
    if address.startswith("["):
        host = address[1:].partition("]")[0]
    elif address.count(":") == 1:
        host = address.partition(":")[0]
    try:
        parsed = ipaddress.ip_address(host)
    except ValueError:
        return address
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def scope_address(scope: dict) -> str:
    """The same for an ASGI scope."""
    headers: Iterable[tuple[bytes, bytes]] = scope.get("headers", ())
    forwarded = ",".join(value.decode("latin-1") for name, value in headers if name == b"x-forwarded-for")
    return client_address((scope.get("client") or ("", 0))[0], forwarded)


def network_prefix(address: str) -> str:
    """The address cut to its network: /24 of IPv4, /48 of IPv6; "" for what is no address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return _network(parsed, 24 if parsed.version == 4 else 48)


def counted_as(address: str) -> str:
    """What stands for an address where limits are counted, in this process or in Redis: a keyed hash, 32 hex digits, for
    an address itself is kept nowhere. Of IPv6 it is its /64's, for whoever has one address there has them all."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        counted = address
    else:
        counted = address if parsed.version == 4 else _network(parsed, 64)
    return hmac.digest(_key(settings.SECRET_KEY), counted.encode(), "sha256")[:16].hex()


@functools.cache
def _key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"chatadmin counted address", "sha256")


def _network(address: ipaddress.IPv4Address | ipaddress.IPv6Address, length: int) -> str:
    bare = type(address)(int(address))  # without the zone that an address of IPv6 may name
    return str(ipaddress.ip_network(f"{bare}/{length}", strict=False))
