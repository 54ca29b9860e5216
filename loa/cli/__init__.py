"""The command line: JSON on stdout, one object a line; everything else on stderr (docs: README, "Lệnh")."""

from __future__ import annotations

import logging
import sys

import structlog

from loa.cli.app import app
from loa.cli.out import Failed, fail


def main() -> None:
    """Exit 0 done, 1 the thing asked for failed (one line says why), 2 wrong usage. No traceback reaches a user."""
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
