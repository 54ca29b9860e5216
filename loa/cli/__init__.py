"""The command line: JSON on stdout, one object a line; everything else on stderr (docs: README, "Lệnh")."""

from __future__ import annotations

import logging
import os
import sys
from typing import Final

import structlog

from loa.cli.app import app
from loa.cli.out import Failed, fail

OWNER_ONLY: Final = 0o077
"""Umask: ledgers, their journals, backups and exports hold people's numbers."""


def main() -> None:
    """Exit 0 done, 1 the thing asked for failed (one line says why), 2 wrong usage. No traceback reaches a user."""
    os.umask(OWNER_ONLY)
    structlog.configure(  # until a service says otherwise; library rooms speak, too
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    try:
        app(standalone_mode=True)
    except Failed as failed:
        fail(failed)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
