"""From our broadcasts to CAP messages (`data/cap.toml`): identifiers, references and times are functions of the ledger,
so that a feed that is made again is the same feed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import orjson

from broadcasts.cap import Alert, Area, Info, MsgType, Reference, Scope
from broadcasts.model import BroadcastState, Kind, Mode
from broadcasts.prepared import After
from broadcasts.supersession import LONGEST_CHAIN, addressed_units
from store import broadcasts
from store.broadcasts import BroadcastRow
from store.engine import Tx

CAP_FILE: Final = Path(__file__).parent.parent / "data" / "cap.toml"
FEED_SECONDS: Final = 7 * 86_400.0
"""How long a message stays in the feed: as long as one may be valid."""
STATUS: Final = {Mode.ACTUAL: "Actual", Mode.EXERCISE: "Exercise", Mode.TEST: "Test"}
OTHER: Final = "other"
STOPPED: Final = ".cancel"
"""Ends the identifier of the Cancel for what was stopped and that nothing followed."""
SHORTEST: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class CapOffice:
    """Who speaks. `sender` is unique on the Internet: a domain or an address of the office."""

    sender: str
    name: str
    contact: str = ""


@cache
def load_cap(path: Path = CAP_FILE) -> Mapping[str, Any]:
    """Raises OSError or TOMLDecodeError at start."""
    return tomllib.loads(path.read_text("utf-8"))


def messages(tx: Tx, row: BroadcastRow, office: CapOffice, name_of: Callable[[str], str]) -> list[Alert]:
    """The CAP messages of one broadcast, oldest first; [] for one that never went out."""
    if row.started_at is None:
        return []
    chain = _chain(tx, row)
    alert = _alert(tx, row, chain, office, name_of)
    if row.state != BroadcastState.CANCELLED or row.superseded_by is not None or row.ended_at is None:
        return [alert]
    stopped = Alert(
        identifier=alert.identifier + STOPPED,
        sender=alert.sender,
        sent=_time(row.ended_at),
        status=alert.status,
        type=MsgType.CANCEL,
        scope=alert.scope,
        restriction=alert.restriction,
        references=(alert.reference,),
        info=None,
        note=row.reason,
    )
    return [alert, stopped]


def feed(
    tx: Tx, now: float, office: CapOffice, name_of: Callable[[str], str], *, open_only: bool, limit: int
) -> list[Alert]:
    """The newest messages first. `open_only`: what anybody may read: actual alerts to people."""
    found: list[Alert] = []
    for row in broadcasts.begun_since(tx, now - FEED_SECONDS, limit):
        found += [one for one in messages(tx, row, office, name_of) if not open_only or is_open(one)]
    return sorted(found, key=lambda one: (one.sent, one.identifier), reverse=True)


def is_open(alert: Alert) -> bool:
    return alert.scope is Scope.PUBLIC and alert.status == STATUS[Mode.ACTUAL]


def _alert(
    tx: Tx, row: BroadcastRow, chain: Sequence[BroadcastRow], office: CapOffice, name_of: Callable[[str], str]
) -> Alert:
    words = load_cap()
    root = chain[-1] if chain else row
    public = root.kind == Kind.ALERT
    kind = MsgType.CANCEL if row.kind == Kind.CANCEL else MsgType.UPDATE if chain else MsgType.ALERT
    return Alert(
        identifier=row.code,
        sender=office.sender,
        sent=_time(row.started_at or 0.0),
        status=STATUS[Mode(row.mode)],
        type=kind,
        scope=Scope.PUBLIC if public else Scope.RESTRICTED,
        restriction="" if public else words["restriction"],
        references=[Reference(office.sender, one.code, _time(one.started_at or 0.0)) for one in chain],
        info=_info(tx, row, chain, office, name_of, public=public),
    )


def _info(
    tx: Tx,
    row: BroadcastRow,
    chain: Sequence[BroadcastRow],
    office: CapOffice,
    name_of: Callable[[str], str],
    *,
    public: bool,
) -> Info:
    words, content = load_cap(), orjson.loads(row.content)
    spoken = _of_the_event([row, *chain])
    event = words["event"].get(spoken.get("template") or OTHER, words["event"][OTHER])
    risk = next((spoken["blanks"][name] for name in words["risk_blanks"] if spoken["blanks"].get(name)), "")
    over = (content.get("template") or "").startswith(After.ALL_CLEAR.value)
    forms: dict[str, str] = content["forms"]
    said = (forms.get("sms") if public else None) or forms.get("chat") or next(iter(forms.values()), row.title)
    headline = row.title
    if row.mode == Mode.EXERCISE and not headline.upper().startswith(words["exercise"]):
        headline = f"{words['exercise']}: {headline}"
    units = addressed_units(tx, row.no)
    return Info(
        language=words["language"],
        category=event["category"],
        event=event["event"],
        response="AllClear" if over else event["response"],
        urgency="Past" if over else words["urgency"][row.urgency],
        severity=words["severity"].get(risk, "Unknown"),
        certainty=event["certainty"],
        expires=max(_time(row.valid_until), _time(row.started_at or 0.0) + SHORTEST),
        sender_name=office.name,
        headline=headline,
        description=said,
        contact=office.contact,
        parameters=[
            ("VN:maTin", row.code),
            ("VN:doKhan", row.urgency),
            *([("VN:capDoRuiRo", risk)] if risk else []),
        ],
        areas=[Area(name_of(code), code) for code in units] or [Area(words["area"])],
        geocode=words["geocode"],
    )


def _of_the_event(rows: Sequence[BroadcastRow]) -> dict[str, Any]:
    """The content that names the event: the newest that is not prepared words about an earlier one."""
    for row in rows:
        content: dict[str, Any] = orjson.loads(row.content)
        key = (content.get("template") or "").partition(".")[0]
        if key not in {after.value for after in After}:
            return {"template": content.get("template"), "blanks": content.get("blanks") or {}}
    return {"template": None, "blanks": {}}


def _chain(tx: Tx, row: BroadcastRow) -> list[BroadcastRow]:
    """What it replaces, and what that replaced: newest first."""
    found: list[BroadcastRow] = []
    older = row.supersedes
    while older is not None and len(found) < LONGEST_CHAIN:
        parent = broadcasts.by_no(tx, older)
        if parent is None or parent.started_at is None or any(parent.no == one.no for one in found):
            break
        found.append(parent)
        older = parent.supersedes
    return found


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(int(at), UTC)
