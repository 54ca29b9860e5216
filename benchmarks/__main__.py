"""`make bench`: every benchmark in turn, bounded in messages and time. They print figures and never fail on a time."""

from __future__ import annotations

import asyncio
import os
import platform
import sqlite3
import sys

from benchmarks import ledger

BENCHMARKS = {"ledger": ledger.main}


def main() -> None:
    wanted = sys.argv[1:] or list(BENCHMARKS)
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, ", end="")
    print(f"SQLite {sqlite3.sqlite_version} synchronous=FULL")
    for name in wanted:
        asyncio.run(BENCHMARKS[name]())


if __name__ == "__main__":
    main()
