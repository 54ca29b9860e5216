"""One line of the doctor's: what was looked at, whether it is well, what it says, what to do."""

from __future__ import annotations

from typing import Any

from loa.cli.out import say

Check = dict[str, Any]
"""`{"check", "ok", "says", "mend"}`"""


def check(about: str, ok: bool, /, *, key: str = "", **params: Any) -> Check:
    key = key or (about if ok else f"{about}_bad")
    return line(about, ok, say(f"doctor.{key}.says", **params), "" if ok else say(f"doctor.{key}.mend", **params))


def line(name: str, ok: bool, says: str, mend: str) -> Check:
    return {"check": name, "ok": ok, "says": says, "mend": mend}
