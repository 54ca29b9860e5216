"""`make bench`: every benchmark in turn, bounded in messages and time. They print figures and never fail on a time."""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import sqlite3
import sys

import structlog

from benchmarks import (
    answers,
    chat,
    console,
    idle,
    inbound,
    language,
    ledger,
    limiter,
    machines,
    sms,
    sms_cuts,
    sms_life,
    sms_limit,
    sms_list,
    webhooks,
)

BENCHMARKS = {
    "sms": sms.main,
    "sms-limit": sms_limit.main,
    "sms-life": sms_life.main,
    "sms-cuts": sms_cuts.main,
    "sms-list": sms_list.main,
    "chat": chat.main,
    "webhooks": webhooks.main,
    "ledger": ledger.main,
    "machines": machines.main,
    "limiter": limiter.main,
    "language": language.main,
    "inbound": inbound.main,
    "answers": answers.main,
    "console": console.main,
    "idle": idle.main,
}


def main() -> None:
    wanted = sys.argv[1:] or list(BENCHMARKS)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, ", end="")
    print(f"SQLite {sqlite3.sqlite_version} synchronous=FULL")
    for name in wanted:
        asyncio.run(BENCHMARKS[name]())


if __name__ == "__main__":
    main()
