"""A text that people just got: repeated word for word, carriers drop it as a duplicate, and nobody gets the re-issue.

eSMS and FPT refuse the same text to the same number within 5 minutes, others keep it for up to a day (RequestId of
eSMS: 24 h). So an SMS that says what another broadcast of the last day said carries its own code as a changing part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import orjson

from broadcasts.content import SMS, SMS_LEADER, Content, Setting, too_long
from broadcasts.marks import load_marks
from broadcasts.model import BroadcastState, Notice, Problem
from broadcasts.templates import CODE, fill
from store import broadcasts
from store.engine import Tx
from text.safe import to_safe

S = BroadcastState
WINDOW_SECONDS: Final = 86_400.0
LOOKED_THROUGH: Final = 200
"""Newest broadcasts that are compared with: more than any office sends in a day."""
LEAVING: Final = (S.PENDING_APPROVAL, S.SCHEDULED, S.SENDING)
LEFT: Final = (S.SENT, S.CLOSED)


def said_lately(tx: Tx, code: str, now: float) -> dict[str, str]:
    """SMS text → code of the newest other broadcast that said it, or will."""
    said: dict[str, str] = {}
    for row in broadcasts.listed(tx, None, LOOKED_THROUGH):
        waits = row.state in LEAVING
        left = row.state in LEFT and (row.sent_at or row.submitted_at or 0.0) > now - WINDOW_SECONDS
        if row.code != code and (waits or left):
            forms: dict[str, str] = orjson.loads(row.content).get("forms", {})
            for form in (SMS, SMS_LEADER):
                if form in forms:
                    said.setdefault(forms[form], row.code)
    return said


def unlike(
    content: Content, said: Mapping[str, str], setting: Setting, notices: list[Notice], problems: list[Problem]
) -> Content:
    """`content` with its code behind every SMS text that was said lately; what that means is added to the lists."""
    repeats = [
        form
        for form in (SMS, SMS_LEADER)
        if content.forms.get(form, "") in said and setting.code not in content.forms[form]
    ]
    if not repeats:
        return content
    forms = content.forms | {form: _marked(content.forms[form], setting) for form in repeats}
    notices.append(Notice("text", "text_repeats", {"code": said[content.forms[repeats[0]]], "mark": setting.code}))
    known = {one.key for one in content.problems}
    problems += [one for one in too_long(forms, setting, "text") if one.key not in known]
    return replace(content, forms=forms)


def unmarked_of(content: Content, setting: Setting) -> dict[str, str]:
    """The SMS forms as they were before `unlike`."""
    mark = _mark(setting)
    return {form: content.forms[form].removesuffix(mark) for form in (SMS, SMS_LEADER) if form in content.forms}


def _marked(text: str, setting: Setting) -> str:
    return text + _mark(setting)


def _mark(setting: Setting) -> str:
    mark = fill(load_marks().repeat, {CODE: setting.code})
    return f" {mark if setting.accented else to_safe(mark).text}"
