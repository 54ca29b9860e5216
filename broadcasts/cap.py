"""A message of the Common Alerting Protocol, OASIS CAP 1.2, as XML: its elements in the order that the schema fixes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, register_namespace, tostring

from text.dates import local

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
HEADLINE_MAX: Final = 160
"""Characters of a headline: some devices show no more (CAP 1.2, 3.2.2, headline)."""


class MsgType(StrEnum):
    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"


class Scope(StrEnum):
    PUBLIC = "Public"
    RESTRICTED = "Restricted"


@dataclass(frozen=True, slots=True)
class Area:
    desc: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Info:
    language: str
    category: str
    event: str
    response: str
    urgency: str
    severity: str
    certainty: str
    expires: datetime
    sender_name: str
    headline: str
    description: str
    contact: str
    parameters: Sequence[tuple[str, str]]
    areas: Sequence[Area]
    geocode: str


@dataclass(frozen=True, slots=True)
class Reference:
    """An earlier message: together these three name it in the whole world."""

    sender: str
    identifier: str
    sent: datetime

    def __str__(self) -> str:
        return f"{self.sender},{self.identifier},{stamp(self.sent)}"


@dataclass(frozen=True, slots=True)
class Alert:
    identifier: str
    sender: str
    sent: datetime
    status: str
    """Actual, Exercise or Test."""
    type: MsgType
    scope: Scope
    restriction: str
    references: Sequence[Reference]
    info: Info | None
    note: str = ""

    @property
    def reference(self) -> Reference:
        return Reference(self.sender, self.identifier, self.sent)


def stamp(at: datetime) -> str:
    """ "2026-08-25T02:20:00+07:00": no fraction and no "Z", which the specification does not allow."""
    return local(at).replace(microsecond=0).isoformat()


def to_xml(alert: Alert) -> bytes:
    """Deterministic: the same message gives the same bytes."""
    register_namespace("", NAMESPACE)
    root = Element(_tag("alert"))
    _add(root, "identifier", alert.identifier)
    _add(root, "sender", alert.sender)
    _add(root, "sent", stamp(alert.sent))
    _add(root, "status", alert.status)
    _add(root, "msgType", alert.type.value)
    _add(root, "scope", alert.scope.value)
    _add(root, "restriction", alert.restriction if alert.scope is Scope.RESTRICTED else "")
    _add(root, "note", alert.note)
    _add(root, "references", " ".join(str(one) for one in alert.references))
    if alert.info is not None:
        _info(root, alert.info)
    indent(root)
    body: bytes = tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + body + b"\n"


def _info(root: Element, info: Info) -> None:
    block = SubElement(root, _tag("info"))
    for name, value in (
        ("language", info.language),
        ("category", info.category),
        ("event", info.event),
        ("responseType", info.response),
        ("urgency", info.urgency),
        ("severity", info.severity),
        ("certainty", info.certainty),
        ("expires", stamp(info.expires)),
        ("senderName", info.sender_name),
        ("headline", info.headline[:HEADLINE_MAX]),
        ("description", info.description),
        ("contact", info.contact),
    ):
        _add(block, name, value)
    for name, value in info.parameters:
        _pair(block, "parameter", name, value)
    for area in info.areas:
        place = SubElement(block, _tag("area"))
        _add(place, "areaDesc", area.desc)
        if area.code:
            _pair(place, "geocode", info.geocode, area.code)


def _pair(parent: Element, element: str, name: str, value: str) -> None:
    pair = SubElement(parent, _tag(element))
    _add(pair, "valueName", name)
    _add(pair, "value", value)


def _add(parent: Element, name: str, value: str) -> None:
    """An element that has something to say; signs that XML 1.0 does not allow are left out."""
    clean = "".join(sign for sign in value if sign in "\t\n" or sign >= " ")
    if clean:
        SubElement(parent, _tag(name)).text = clean


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
