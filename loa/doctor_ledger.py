"""The ledger as the doctor sees it: what it lies on, whether its schema is this program's, and, where several processes
share it, which of them run."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from loa.cli.out import say
from loa.doctor_line import Check, check, line
from loa.roles.role import Role
from loa.settings import Settings
from store import leases, revisions, server, workers
from store.engine import LedgerError, Tx
from store.opening import is_made, reading
from store.server import Server

SQLITE_SOUND: Final = (3, 51, 3)
"""From here on two connections cannot lose committed pages (sqlite.org/wal.html#walreset); Loa writes with one."""
NEEDED: Final = (Role.WEB, Role.WORKER, Role.SCHEDULER)
"""Roles without which nobody is answered, nothing leaves, or nothing falls due."""
CONNECTIONS_FULL: Final = 0.8
"""Part of the server's connections beyond which another process may find none."""


@contextmanager
def opened(settings: Settings) -> Iterator[Tx | None]:
    """None: there is no ledger yet. One of an older release may lack what is asked for (`LedgerError`): the service
    brings it up to date when it starts."""
    url = settings.store.ledger_url()
    if not is_made(url):
        yield None
        return
    with reading(url) as tx:
        yield tx


def ledger_checks(settings: Settings) -> Iterator[Check]:
    """The last line is not ok where the ledger cannot be read: then nothing else in it can be looked at."""
    if settings.store.in_a_file():
        sound = sqlite3.sqlite_version_info >= SQLITE_SOUND
        yield check("sqlite", True, key="sqlite" if sound else "sqlite_one_writer", version=sqlite3.sqlite_version)
    try:
        with opened(settings) as tx:
            if tx is None:
                yield check("schema", True, key="schema_none")
                return
            if not settings.store.in_a_file():
                yield from _server(server.about(tx))
            made = revisions.ledger_revision(tx, in_a_file=settings.store.in_a_file())
            floor = workers.schema_floor(tx) if made > revisions.own_revision() else ""
    except LedgerError as refused:
        yield _unreadable(settings, refused)
        return
    yield _schema(made, floor)


def process_checks(settings: Settings) -> Iterator[Check]:
    """Nothing where one process has the ledger for itself."""
    if settings.store.in_a_file():
        return
    with opened(settings) as tx:
        assert tx is not None  # a server is there or it is not
        alive = workers.alive(tx, leases.ledger_clock(tx))
    roles = [one.role for one in alive]
    shown = ", ".join(f"{role} {roles.count(role)}" for role in dict.fromkeys(roles))
    missing = [] if Role.ALL in roles else [role.value for role in NEEDED if role not in roles]
    key = "" if not missing else "processes_none" if not roles else "processes_bad"
    yield check("processes", not missing, key=key, running=shown, missing=", ".join(missing))


def _server(found: Server) -> Iterator[Check]:
    yield check("postgresql", True, version=found.version)
    yield check("durable", not found.unsafe, names=", ".join(found.unsafe))
    yield check("connections", found.used < CONNECTIONS_FULL * found.most, used=found.used, most=found.most)


def _unreadable(settings: Settings, refused: LedgerError) -> Check:
    if settings.store.in_a_file():
        says = say(f"error.{refused.key}", **refused.params)
        return line("ledger", False, says, say("doctor.ledger_bad.mend"))
    place, detail = refused.params.get("path") or refused.params.get("ledger", ""), refused.params.get("detail", "")
    return check("postgresql", False, key="postgresql_bad" if detail else "postgresql_away", path=place, detail=detail)


def _schema(made: str, floor: str) -> Check:
    """`made`: the revision of the ledger, "" for none; `floor`: the oldest program that may work on it."""
    own = revisions.own_revision()
    if not made:
        return check("schema", True, key="schema_none")
    if made < own:
        return check("schema", True, key="schema_older", made=made, own=own)
    if made > own and floor > own:
        return check("schema", False, made=made, own=own)
    return check("schema", True, key="schema_newer" if made > own else "", made=made, own=own)
