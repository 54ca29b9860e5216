"""Statuses of a document as a file for the document axis: one status message for each line, in the fields and the form
of time that QCVN 102:2016/BTTTT (Thông tư 01/2022/TT-BTTTT) gives a status message. A live connection needs a
registered system; this is what such a system takes in by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from text.dates import local

STAMP: Final = "%d/%m/%Y %H:%M:%S"
DAY: Final = "%d/%m/%Y"


def status_file(
    view: Mapping[str, Any],
    lines: Iterable[Mapping[str, Any]],
    name_of: Callable[[str], str],
    organ_id: str,
    organ_of: Callable[[str], str] = lambda _: "",
) -> bytes:
    """`view` and `lines` as the API gives them, with aware datetimes; only lines that count are exchanged. `organ_id`
    and `organ_of`: identifiers on the axis ("000.00.01.H56"), empty where the office has not filled them in."""
    root = Element("StatusList")
    for line in lines:
        if not line["counts"]:
            continue
        status = SubElement(root, "Status")
        answered = SubElement(status, "ResponseFor")
        _text(answered, "OrganId", organ_id)
        _text(answered, "Code", view.get("document_number") or view["code"])
        _text(answered, "PromulgationDate", f"{local(view['created_at']):{DAY}}")
        _text(answered, "DocumentId", view["code"])
        sender = SubElement(status, "From")
        _text(sender, "OrganId", organ_of(line["unit"]))
        _text(sender, "OrganName", name_of(line["unit"]))
        _text(sender, "UnitCode", line["unit"])
        _text(status, "StatusCode", line["code"])
        _text(status, "Description", f"{line['says']}: {line['note']}" if line["note"] else line["says"])
        _text(status, "Timestamp", f"{local(line['at']):{STAMP}}")
        staff = SubElement(status, "StaffInfo")
        _text(staff, "Department", line["via"])
        _text(staff, "Staff", line["person"])
    indent(root)
    body: bytes = tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + body + b"\n"


def _text(parent: Element, name: str, value: str) -> None:
    """Signs that XML 1.0 does not allow are left out (https://www.w3.org/TR/xml/#charsets)."""
    SubElement(parent, name).text = "".join(one for one in value if one in "\t\n" or one >= " ")
