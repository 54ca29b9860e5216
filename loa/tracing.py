"""Traces switched on by the settings. Nothing of OpenTelemetry is imported while they are off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from broadcasts.tracing import OFF, use
from loa.settings_error import SettingsError
from loa.settings_sections import Telemetry

log = structlog.get_logger(__name__)


@contextmanager
def tracing(settings: Telemetry) -> Iterator[None]:
    """While the service runs. Raises `SettingsError` (`otel_missing`) where the packages of the extra `otel` are not
    there."""
    if not settings.traces:
        yield
        return
    try:
        from loa.spans import Spans, exporter

        spans = Spans(exporter(settings.traces_url), settings.traces_share)
    except ImportError as missing:
        raise SettingsError("otel_missing", package=missing.name or "opentelemetry") from missing
    use(spans)
    log.info("traces_on", share=settings.traces_share)
    try:
        yield
    finally:
        use(OFF)
        spans.close()
