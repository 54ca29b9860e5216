"""Passwords: argon2id in a thread, as one hash takes about 0.1 s and 64 MiB."""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

AT_ONCE: Final = 2
"""Hashes in parallel: each takes 64 MiB, so that a flood of sign-ins cannot take the memory."""
SHORTEST: Final = 10
"""Characters (NIST SP 800-63B asks for at least 8)."""
LONGEST: Final = 256
"""Characters; more only costs time."""
MADE_LENGTH: Final = 12
"""Bytes of randomness in a password that we make."""

_hasher: Final = PasswordHasher()  # argon2-cffi's defaults: RFC 9106's second recommended set, 64 MiB
_threads: Final = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2")


def made_password() -> str:
    """A password that nobody chose, to be shown once."""
    return secrets.token_urlsafe(MADE_LENGTH)


async def hashed(password: str) -> str:
    return await asyncio.get_running_loop().run_in_executor(_threads, _hasher.hash, password)


async def matches(stored: str | None, password: str) -> bool:
    """Whether the password is right. For an unknown name (`stored` None) it takes as long and is wrong."""
    if len(password) > LONGEST:
        return False
    right = await asyncio.get_running_loop().run_in_executor(_threads, _verify, stored, password)
    return right and stored is not None


def _verify(stored: str | None, password: str) -> bool:
    try:
        return _hasher.verify(stored or _hash_of_nobody(), password)
    except (VerificationError, ValueError):  # InvalidHashError is a ValueError
        return False


@cache
def _hash_of_nobody() -> str:
    return _hasher.hash(secrets.token_urlsafe())
