"""An Atom feed of CAP messages (RFC 4287), for whoever wants to carry them on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, register_namespace, tostring

from broadcasts.cap import Alert, stamp

ATOM: Final = "http://www.w3.org/2005/Atom"
CAP_TYPE: Final = "application/cap+xml"


def atom(alerts: Sequence[Alert], *, title: str, own_url: str, base: str, updated: datetime) -> bytes:
    """`base` ends before `<identifier>.xml`. `updated` is used where there is no message."""
    register_namespace("", ATOM)
    root = Element(_tag("feed"))
    _text(root, "id", own_url)
    _text(root, "title", title)
    _text(root, "updated", stamp(max((one.sent for one in alerts), default=updated)))
    SubElement(root, _tag("link"), rel="self", href=own_url)
    author = SubElement(root, _tag("author"))
    _text(author, "name", title)
    for alert in alerts:
        entry = SubElement(root, _tag("entry"))
        url = f"{base}{alert.identifier}.xml"
        _text(entry, "id", url)
        headline = alert.info.headline if alert.info else alert.note
        _text(entry, "title", f"{alert.type.value} {alert.identifier}: {headline}")
        _text(entry, "updated", stamp(alert.sent))
        SubElement(entry, _tag("link"), rel="alternate", type=CAP_TYPE, href=url)
        if alert.info is not None:
            _text(entry, "summary", alert.info.description)
        SubElement(entry, _tag("category"), term=alert.status)
    indent(root)
    body: bytes = tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + body + b"\n"


def _text(parent: Element, name: str, value: str) -> None:
    SubElement(parent, _tag(name)).text = "".join(sign for sign in value if sign in "\t\n" or sign >= " ")


def _tag(name: str) -> str:
    return f"{{{ATOM}}}{name}"
