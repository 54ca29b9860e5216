"""Commands that need no service: counting, numbers, units, answers."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from loa.cli.out import Failed, line
from text.report import count_report, number_report

Config = Annotated[Path | None, typer.Option(help="Settings file; else LOA_CONFIG, else config.toml.")]


def text_count(
    text: Annotated[str, typer.Argument(help="The text, or - for standard input.")],
    unaccented: Annotated[bool, typer.Option("--unaccented", help="Bring it into the safe SMS subset first.")] = False,
    config: Config = None,
) -> None:
    """Count a text as SMS: alphabet, units, segments and parts."""
    line(count_report(_whole_input(text), unaccented))


def number(
    number: Annotated[str, typer.Argument(help="A telephone number, or - for one a line on standard input.")],
    config: Config = None,
) -> None:
    """Normalise Vietnamese telephone numbers."""
    for one in _lines() if number == "-" else [number]:
        line(number_report(one))


def units_find(
    text: Annotated[str | None, typer.Argument(help="What somebody wrote.")] = None,
    tsv: Annotated[Path | None, typer.Option(help="A table with a header line; its first column is looked up.")] = None,
    config: Config = None,
) -> None:
    """Find the commune or ward that a text names."""
    from directory import units as unit_data
    from directory.unit_finder import UnitFinder, find_report

    finder = UnitFinder(unit_data.load())
    for one in _texts(text, tsv):
        line(find_report(finder.find(one)))


def ask(
    text: Annotated[str | None, typer.Argument(help="What somebody wrote.")] = None,
    tsv: Annotated[Path | None, typer.Option(help="A table with a header line; its first column is asked.")] = None,
    why: Annotated[bool, typer.Option("--why", help="Say why it was understood so.")] = False,
    config: Config = None,
) -> None:
    """Answer a text as an SMS from an unknown resident would be; stores and sends nothing."""
    from bot.report import Asked
    from directory import units as unit_data
    from loa.settings import load_settings
    from loa.texts import bot_office

    asked = Asked(unit_data.load(), bot_office(load_settings(config)))
    for one in _texts(text, tsv):
        report = asked.report(one)
        line(report if why else {key: report[key] for key in ("text", "intent", "argument", "reply")})


def _texts(text: str | None, tsv: Path | None) -> Iterator[str]:
    if (text is None) == (tsv is None):
        raise typer.BadParameter("give a text, or --tsv FILE")
    if text is not None:
        yield text
        return
    assert tsv is not None
    try:
        with tsv.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            next(rows, None)
            for row in rows:
                yield row[0] if row else ""
    except (OSError, UnicodeDecodeError):
        raise Failed("cli.file_unreadable", path=str(tsv)) from None


def _whole_input(text: str) -> str:
    return sys.stdin.buffer.read().decode("utf-8", "replace").removesuffix("\n") if text == "-" else text


def _lines() -> Iterator[str]:
    for one in sys.stdin.buffer:
        yield one.decode("utf-8", "replace").rstrip("\r\n")
