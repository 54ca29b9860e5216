"""Log lines on stderr: `event key=value`, or JSON for a collector. Libraries speak from WARNING up."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any, Final, Literal

import orjson
import structlog
from structlog.typing import Processor

Form = Literal["text", "json"]
Level = Literal["debug", "info", "warning"]
_FIRST_KEYS: Final = ["timestamp", "level", "event"]


def configure_logging(form: Form = "text", level: Level = "info") -> None:
    """Before the first line is written; later calls do not reach loggers that were used. At `debug` every message
    speaks, with its delivery's id; request lines of libraries never do, for their addresses may hold tokens."""
    common: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
    ]
    render = _renderer(form)
    structlog.configure(
        processors=[*common, structlog.processors.format_exc_info, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*common, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                render,
            ],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def _renderer(form: Form) -> Processor:
    if form == "json":
        return structlog.processors.JSONRenderer(serializer=_as_json)
    return structlog.processors.KeyValueRenderer(key_order=_FIRST_KEYS)


def _as_json(line: Mapping[str, Any], **_: object) -> str:
    first = {key: line[key] for key in _FIRST_KEYS if key in line}
    return orjson.dumps({**first, **line}, default=str).decode()
