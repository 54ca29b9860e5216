"""What section 3 of OASIS CAP 1.2 demands in prose, beyond what its schema can say. Pure; own messages only."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final
from xml.etree.ElementTree import Element, fromstring

from broadcasts.cap import NAMESPACE

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d")
_NAME: Final = re.compile(r"[^\s,<&]+")
_TRIPLE: Final = re.compile(rf"{_NAME.pattern},{_NAME.pattern},{_TIME.pattern}")
_POINT: Final = re.compile(r"-?\d+(?:\.\d+)?,-?\d+(?:\.\d+)?")
_CIRCLE: Final = re.compile(rf"{_POINT.pattern} \d+(?:\.\d+)?")
REFERRING: Final = frozenset({"Update", "Cancel", "Ack", "Error"})
POLYGON_MIN: Final = 4
"""Points of a polygon, the first again at the end."""


def prose_problems(message: bytes) -> list[str]:
    """One word for each rule that is broken, [] for a message that keeps them all. Raises ParseError for no XML."""
    root = fromstring(message)
    kind, scope = _text(root, "msgType"), _text(root, "scope")
    infos = root.findall(_tag("info"))
    broken: list[str] = []

    def check(rule: str, holds: bool) -> None:
        if not holds:
            broken.append(rule)

    check("identifier", bool(_NAME.fullmatch(_text(root, "identifier"))))
    check("sender", bool(_NAME.fullmatch(_text(root, "sender"))))
    times = [one.text or "" for name in ("sent", "effective", "onset", "expires") for one in root.iter(_tag(name))]
    check("time", all(_TIME.fullmatch(one) for one in times))
    references = _text(root, "references")
    check("references_missing", kind not in REFERRING or bool(references))
    check("references_form", all(_TRIPLE.fullmatch(one) for one in references.split()))
    check(
        "refers_to_itself",
        _text(root, "identifier") not in {one.split(",")[1:2][0] for one in references.split() if "," in one},
    )
    check("restriction", (scope == "Restricted") == bool(_text(root, "restriction")))
    check("addresses", scope != "Private" or bool(_text(root, "addresses")))
    check("info_missing", kind not in ("Alert", "Update") or bool(infos))
    for info in infos:
        check("language", bool(_text(info, "language")))
        check("expired_before_sent", _later(_text(info, "expires"), _text(root, "sent")))
        headline = _text(info, "headline")
        check("exercise", _text(root, "status") != "Exercise" or headline.upper().startswith("DIỄN TẬP"))
        for area in info.findall(_tag("area")):
            check("area", bool(_text(area, "areaDesc")))
            check("polygon", all(_is_polygon(one.text or "") for one in area.findall(_tag("polygon"))))
            check("circle", all(_CIRCLE.fullmatch(one.text or "") for one in area.findall(_tag("circle"))))
    return list(dict.fromkeys(broken))


def _later(end: str, begin: str) -> bool:
    if not _TIME.fullmatch(end) or not _TIME.fullmatch(begin):
        return not end
    return datetime.fromisoformat(end) > datetime.fromisoformat(begin)


def _is_polygon(text: str) -> bool:
    points = text.split()
    return len(points) >= POLYGON_MIN and points[0] == points[-1] and all(_POINT.fullmatch(one) for one in points)


def _text(parent: Element, name: str) -> str:
    return (parent.findtext(_tag(name)) or "").strip()


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
