"""What a room wants done from time to time. Each is safe to miss, to repeat and to run late: SQL says what is due."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

Job = tuple[Callable[[], Awaitable[Any]], float]
"""What to call, and how many seconds lie between two calls."""
