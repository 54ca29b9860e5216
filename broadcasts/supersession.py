"""Which broadcast may take the place of which: only of one that people have, once, and for all who have it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

import orjson

from broadcasts.model import BroadcastState, Draft, Kind, Problem
from store import broadcasts, rollcalls
from store.broadcasts import BroadcastRow
from store.engine import Tx

S = BroadcastState
LONGEST_CHAIN: Final = 1_000
"""Updates of updates that are followed; a storm has eight bulletins a day."""
NAMES_SHOWN: Final = 5
"""Units named in a sentence; the others are counted."""


def replaced(
    tx: Tx, ref: str | None, own_code: str, problems: list[Problem], *, taking_back: bool
) -> BroadcastRow | None:
    """The broadcast that a draft with the code `own_code` replaces; what stands in the way goes into `problems`.

    `taking_back`: it recalls or corrects, which what was stopped halfway may need as well."""
    if ref is None:
        return None
    row = broadcasts.one(tx, ref)
    if row is None:
        problems.append(Problem("supersedes", "no_such_broadcast", {"ref": ref}))
        return None
    known = len(problems)
    if row.code == own_code or own_code in _ancestors(tx, row):
        problems.append(Problem("supersedes", "supersede_loop", {"code": row.code, "own": own_code}))
    elif row.superseded_by is not None:
        newer = broadcasts.by_no(tx, row.superseded_by)
        by = newer.code if newer is not None else ""
        problems.append(Problem("supersedes", "already_superseded", {"code": row.code, "by": by}))
    elif row.started_at is None:
        ended = row.state in (S.CANCELLED, S.REJECTED, S.EXPIRED)
        key = "supersede_never_sent" if ended else "supersede_not_sent"
        problems.append(Problem("supersedes", key, {"code": row.code}))
    elif row.state == S.CANCELLED and not taking_back:
        problems.append(Problem("supersedes", "supersede_cancelled", {"code": row.code}))
    return row if len(problems) == known else None


def left_out(
    tx: Tx, row: BroadcastRow, units: Collection[str], name_of: Callable[[str], str], problems: list[Problem]
) -> None:
    """Whoever got the old words must get the new ones: two versions would be about."""
    missing = sorted(set(addressed_units(tx, row.no)) - set(units))
    if missing:
        names = ", ".join(name_of(code) for code in missing[:NAMES_SHOWN]) + ("…" if len(missing) > NAMES_SHOWN else "")
        facts = {"code": row.code, "count": len(missing), "names": names}
        problems.append(Problem("audience", "supersede_leaves_out", facts))


def addressed_units(tx: Tx, no: int) -> list[str]:
    """Every unit that a broadcast called upon."""
    return [ack.unit_code for ack in rollcalls.of_broadcast(tx, no)]


def words_to_go_on(tx: Tx, row: BroadcastRow) -> tuple[BroadcastRow, Draft]:
    """What an update of `row` begins with: its own words, or those of what it took back."""
    spoken = row
    while spoken.kind == Kind.CANCEL and spoken.supersedes is not None:
        older = broadcasts.by_no(tx, spoken.supersedes)
        if older is None:
            break
        spoken = older
    return row, Draft.model_validate(orjson.loads(spoken.content)["draft"])


def _ancestors(tx: Tx, row: BroadcastRow) -> set[str]:
    """Codes of everything that `row` replaced, directly or through others."""
    found: set[str] = set()
    older = row.supersedes
    while older is not None and len(found) < LONGEST_CHAIN:
        parent = broadcasts.by_no(tx, older)
        if parent is None or parent.code in found:
            break
        found.add(parent.code)
        older = parent.supersedes
    return found
