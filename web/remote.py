"""Whose request it is: the caller's address, also behind a proxy of ours."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from aiohttp import web

from web.context import services_of

FORWARDED = "X-Forwarded-For"


def address_of(request: web.Request) -> str:
    """The caller's address. Behind a trusted proxy, the last address of X-Forwarded-For that is no such proxy; what
    stands further left was written by the caller and proves nothing."""
    peer, trusted = request.remote or "", services_of(request).settings.trusted_proxies
    hops = [hop.strip() for line in request.headers.getall(FORWARDED, ()) for hop in line.split(",")]
    while hops and is_trusted(peer, trusted):
        peer = hops.pop()
    return peer


def is_trusted(address: str, trusted: tuple[str, ...]) -> bool:
    try:
        return any(ip_address(address) in ip_network(one, strict=False) for one in trusted)
    except ValueError:
        return False
