"""What members of staff type to command us, and what they are told (`data/officers.toml`). Pure."""

from __future__ import annotations

import hashlib
import hmac
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from bot.wording import Form
from text.folding import fold, nfc, unaccent
from text.safe import to_safe

OFFICERS_FILE: Final = Path(__file__).parent.parent / "data" / "officers.toml"
CODE_DIGITS: Final = 4
"""Of a one-time code; together with `WRONG_MOST` a guess succeeds once in two thousand."""
WRONG_MOST: Final = 5
"""Wrong codes of one person for one broadcast, after which a message approves nothing any more."""

_REF: Final = r"(?:(?:{prefix} ?)?(\d{{4}}) ?(\d{{2,4}}))"
_APPROVE: Final = r"duyet (?:tin )?{ref} (\d{{{digits}}})"
_GIVE_BACK: Final = (
    r"#?(?P<word>sua|tra ?lai)\s+(?:tin\s+)?(?:{prefix}\s?)?(?P<month>\d{{4}})[\s-]?(?P<number>\d{{2,4}})"
    r"\s+(?P<otp>\d{{{digits}}})(?:[\s:;,.-]+(?P<reason>.*))?"
)
_FREELY: Final = re.IGNORECASE | re.DOTALL
_AROUND: Final = " \t\n:;,.-"
_OPENINGS: Final = ("duyet", "sua", "tra", "tinh", "ai ")
_STATUS: Final = r"tinh ?trang(?: tin)?(?: {ref})?"
_SILENT: Final = r"ai (?:con )?chua (?:xac )?nhan(?: tin)?(?: {ref})?"


@dataclass(frozen=True, slots=True)
class Command:
    """`ref` is a broadcast's code, "" for the newest; `otp` only where something is decided. `reason`: what is to be
    changed, or why it is given back; "" if that was not said."""

    act: Literal["approve", "change", "return", "status", "silent"]
    ref: str = ""
    otp: str = ""
    reason: str = ""


def parse_command(text: str, prefix: str) -> Command | None:
    """ "DUYET 1126-07 4831", "TRALAI 1126-07 4831 sai phụ lục", "TINHTRANG TB1126-07", "AI CHUA NHAN"; nothing else
    beside it. `prefix` opens codes."""
    said = fold(text)
    if not said.startswith(_OPENINGS):
        return None
    given_back = _given_back(text, prefix)
    if given_back is not None:
        return given_back
    ref = _REF.format(prefix=re.escape(fold(prefix)))
    if found := re.fullmatch(_APPROVE.format(ref=ref, digits=CODE_DIGITS), said):
        return Command("approve", f"{prefix}{found[1]}-{found[2]}", found[3])
    acts: tuple[tuple[Literal["status", "silent"], str], ...] = (("status", _STATUS), ("silent", _SILENT))
    for act, pattern in acts:
        if found := re.fullmatch(pattern.format(ref=ref), said):
            return Command(act, f"{prefix}{found[1]}-{found[2]}" if found[1] else "")
    return None


def _given_back(text: str, prefix: str) -> Command | None:
    """The reason as it was written, accents and all."""
    clean = nfc(text).strip()
    found = re.fullmatch(_GIVE_BACK.format(prefix=re.escape(prefix), digits=CODE_DIGITS), unaccent(clean), _FREELY)
    if found is None:
        return None
    same = len(unaccent(clean)) == len(clean)
    reason = " ".join((clean[found.start("reason") :] if same else found["reason"]).split()) if found["reason"] else ""
    act: Literal["change", "return"] = "change" if found["word"].lower() == "sua" else "return"
    return Command(act, f"{prefix}{found['month']}-{found['number']}", found["otp"], reason.strip(_AROUND))


def one_time_code(secret: bytes, broadcast_no: int, content_hash: str, staff: str) -> str:
    """The digits by which exactly this person approves exactly this version (truncated as in RFC 4226 5.3)."""
    message = f"{broadcast_no}:{content_hash}:{staff}".encode()
    digest = hmac.new(secret, message, hashlib.sha256).digest()
    at = digest[-1] & 0x0F
    number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**CODE_DIGITS:0{CODE_DIGITS}d}"


@dataclass(frozen=True, slots=True)
class OfficerWords:
    sentences: Mapping[str, Mapping[Form, str]]
    mode: Mapping[str, str]
    urgency: Mapping[str, str]
    state: Mapping[str, str]
    lead: Mapping[str, str]
    """What opens the reason, by the kind of the command."""
    button: Mapping[str, str]
    change: Mapping[str, str]

    def say(self, key: str, form: Form, **params: str | int) -> str:
        values = {name: str(value) for name, value in params.items()}
        if form == "sms":
            values = {name: to_safe(value).text for name, value in values.items()}
        return self.sentences[key][form].format_map(values)


@cache
def load_officer_words(path: Path = OFFICERS_FILE) -> OfficerWords:
    """Raises OSError, TOMLDecodeError or KeyError at start where the file is not whole."""
    raw: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    return OfficerWords(
        raw["say"], raw["mode"], raw["urgency"], raw["state"], raw["lead"], raw["button"], raw["change"]
    )
