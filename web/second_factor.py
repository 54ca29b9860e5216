"""One-time codes of a telephone's app (TOTP, RFC 6238) and recovery codes. Pure but for randomness."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

import pyotp

PERIOD_SECONDS: Final = 30
"""RFC 6238 4.1; what the usual apps expect."""
STEPS_OFF: Final = (0, -1, 1)
"""A telephone's clock may be one step early or late (RFC 6238 5.2)."""
ISSUER: Final = "Loa"
RECOVERY_CODES: Final = 10
RECOVERY_LETTERS: Final = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
"""None that look like another one on paper."""
RECOVERY_LENGTH: Final = 12
"""Letters of 30: 58 bits, with attempts limited, stored as a digest."""
GROUP: Final = 4


def new_secret() -> str:
    """160 bits, base32 (RFC 4226 4 recommends as much)."""
    return pyotp.random_base32()


def address(secret: str, name: str) -> str:
    """What the QR code holds: `otpauth://totp/Loa:<name>?secret=…`."""
    return pyotp.TOTP(secret, interval=PERIOD_SECONDS).provisioning_uri(name=name, issuer_name=ISSUER)


def matching_step(secret: str, typed: str, now: float) -> int | None:
    """The time step that the six digits belong to; None: to none near now."""
    digits = "".join(typed.split())
    if not (digits.isascii() and digits.isdecimal() and len(digits) == 6):
        return None
    totp, step = pyotp.TOTP(secret, interval=PERIOD_SECONDS), int(now // PERIOD_SECONDS)
    matching = [step + off for off in STEPS_OFF if hmac.compare_digest(totp.generate_otp(step + off), digits)]
    return matching[0] if matching else None


def new_recovery_codes() -> list[str]:
    """To be shown once, in groups of four: "K7QM-2XVB-9RTA"."""
    return [
        "-".join(
            "".join(secrets.choice(RECOVERY_LETTERS) for _ in range(GROUP)) for _ in range(RECOVERY_LENGTH // GROUP)
        )
        for _ in range(RECOVERY_CODES)
    ]


def recovery_digest(typed: str) -> str | None:
    """How a recovery code is stored and looked up, whatever spaces, dashes and case it is typed with."""
    plain = "".join(one for one in typed.upper() if one.isalnum())
    if len(plain) != RECOVERY_LENGTH or not set(plain) <= set(RECOVERY_LETTERS):
        return None
    return hashlib.sha256(plain.encode()).hexdigest()
