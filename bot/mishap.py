"""What a log may say of an exception whose text may quote a person: its type and where it came from."""

from __future__ import annotations

import traceback


def trace(raised: BaseException) -> dict[str, str]:
    """Keys for a log event: never the exception's own text, which may hold what somebody wrote."""
    frames = traceback.extract_tb(raised.__traceback__)
    return {"error": type(raised).__name__, "trace": " > ".join(f"{frame.name}:{frame.lineno}" for frame in frames)}
