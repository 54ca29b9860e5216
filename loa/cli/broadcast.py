"""Commands about broadcasts."""

from __future__ import annotations

import re
import time
import uuid
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from broadcasts.model import Mode, Urgency
from loa.cli.client import Api, api
from loa.cli.out import Failed, line, say
from loa.settings_sections import seconds


class NewKind(StrEnum):
    """What may be drafted; updates and cancellations come from the broadcast that they change."""

    ALERT = "alert"
    DIRECTIVE = "directive"
    NOTICE = "notice"


Config = Annotated[Path | None, typer.Option(help="Settings file; else LOA_CONFIG, else config.toml.")]
KEYS = ("code", "id", "state", "counts", "rollcall", "content_hash")
POLL_SECONDS = 0.5
DELIVERY_KEYS = (
    "id", "unit", "person", "channel", "step", "state", "reason", "provider_id", "provider_code", "parts", "at",
)  # fmt: skip
CONFIRMED = ("acknowledged", "acknowledged_late", "needs_help")
ENDED_UNHAPPILY = ("cancelled", "expired", "rejected")


def send(
    to: Annotated[
        str, typer.Option(help="AUDIENCE: all-units, unit:…, group:…, role:…, list:…, file:PATH, joined by + or -.")
    ],
    text: Annotated[str | None, typer.Option(help="Free text.")] = None,
    file: Annotated[Path | None, typer.Option(help="Free text from a file.")] = None,
    template: Annotated[str | None, typer.Option(help="A template's name (T1 … T10, bao, lu, …).")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="A blank of the template: K=V.")] = None,
    channels: Annotated[str, typer.Option(help="Channels, in order.")] = "zalo,telegram,sms",
    accented: Annotated[bool, typer.Option("--accented", help="SMS with accents (UCS-2).")] = False,
    urgency: Annotated[Urgency | None, typer.Option(help="Left out: the template's own.")] = None,
    kind: Annotated[NewKind | None, typer.Option(help="Left out: the template's own.")] = None,
    mode: Annotated[Mode, typer.Option(help="An exercise says so in the text itself.")] = Mode.ACTUAL,
    valid_for: Annotated[str, typer.Option(help="How long it may still leave: 90m, 6h, 1d.")] = "6h",
    title: Annotated[str, typer.Option(help="Its name on the board.")] = "",
    supersedes: Annotated[str | None, typer.Option(help="The code that it replaces.")] = None,
    duplicate_ok: Annotated[bool, typer.Option("--duplicate-ok", help="A duplicate is better than silence.")] = False,
    document_number: Annotated[str, typer.Option(help="Of the document a directive stands for: 04/CĐ-UBND.")] = "",
    signer: Annotated[str, typer.Option(help="Who signed that document.")] = "",
    attach: Annotated[list[Path] | None, typer.Option(help="PDF, JPEG or PNG to go with it; may be repeated.")] = None,
    approver_key: Annotated[str | None, typer.Option(help="Another person's API key: approves at once.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Follow it to its end.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Nothing but JSON (no progress bar).")] = False,
    config: Config = None,
) -> None:
    """Draft a broadcast and ask for its approval."""
    duration = seconds(valid_for)
    if not isinstance(duration, float):
        raise typer.BadParameter(valid_for, param_hint="--valid-for")
    words = {"text": _text(text, file), "template": template, "blanks": _blanks(set_ or [])}
    service = api(config)
    draft: dict[str, Any] = {
        **words,
        "title": title,
        "audience": _upload_files(service, to),
        "channels": [one for one in (part.strip() for part in channels.split(",")) if one],
        "accented": accented,
        "urgency": urgency and urgency.value,
        "kind": kind and kind.value,
        "mode": mode.value,
        "valid_for_seconds": duration,
        "supersedes": supersedes,
        "duplicate_ok": duplicate_ok,
        "document_number": document_number,
        "signer": signer,
        "attachments": [_attached(service, one) for one in attach or []],
    }
    made = service.post("/broadcasts", draft, {"Idempotency-Key": str(uuid.uuid4())})
    view = service.post(f"/broadcasts/{made['id']}/submit")
    if approver_key is not None:
        approver = Api(service.url, approver_key)
        view = approver.post(f"/broadcasts/{made['id']}/approve", {"content_hash": view["content_hash"]})
    if wait:
        view = _follow(service, view, quiet=json)
    line(_short(view))
    if wait and view["state"] in ENDED_UNHAPPILY:
        raise Failed("cli.ended", code=view["code"], state=say(f"state.broadcast.{view['state']}"))


def approve(
    code: Annotated[str, typer.Argument(help="The broadcast's code.")],
    hash_: Annotated[str, typer.Option("--hash", help="The content_hash of the version that was read.")],
    json: Annotated[bool, typer.Option("--json")] = False,
    config: Config = None,
) -> None:
    """Approve exactly the version with this hash."""
    line(_short(api(config).post(f"/broadcasts/{_path(code)}/approve", {"content_hash": hash_})))


def cancel(
    code: Annotated[str, typer.Argument(help="The broadcast's code.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    json: Annotated[bool, typer.Option("--json")] = False,
    config: Config = None,
) -> None:
    """Stop a broadcast: nothing more leaves."""
    line(_short(api(config).post(f"/broadcasts/{_path(code)}/cancel", {"reason": reason})))


def status(
    code: Annotated[str | None, typer.Argument(help="The broadcast's code; left out: all, newest first.")] = None,
    deliveries: Annotated[bool, typer.Option("--deliveries", help="One line each.")] = False,
    json: Annotated[bool, typer.Option("--json")] = False,
    config: Config = None,
) -> None:
    """How a broadcast stands."""
    service = api(config)
    if code is None:
        for view in service.get("/broadcasts")["items"]:
            line(_short(view))
        return
    if not deliveries:
        line(_short(service.get(f"/broadcasts/{_path(code)}")))
        return
    after: int | None = 0
    while after is not None:
        page = service.get(f"/broadcasts/{_path(code)}/deliveries", after=after)
        for one in page["items"]:
            line({key: one[key] for key in DELIVERY_KEYS})
        after = page["next"]


def _short(view: dict[str, Any]) -> dict[str, Any]:
    return {key: view[key] for key in KEYS}


def _path(code: str) -> str:
    if not re.fullmatch(r"[\w-]+", code):
        raise typer.BadParameter(code)
    return code


def _text(text: str | None, file: Path | None) -> str | None:
    if text is not None and file is not None:
        raise typer.BadParameter("--text or --file")
    if file is None:
        return text
    try:
        return file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise Failed("cli.file_unreadable", path=str(file)) from None


def _blanks(pairs: list[str]) -> dict[str, str]:
    blanks = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise typer.BadParameter(pair, param_hint="--set K=V")
        blanks[name.strip()] = value
    return blanks


def _upload_files(service: Api, audience: str) -> str:
    """`file:PATH` becomes the list that its numbers were uploaded as."""

    def upload(found: re.Match[str]) -> str:
        path = Path(found[1])
        try:
            with path.open("rb") as content:
                report = service.upload("/lists", content)
        except OSError:
            raise Failed("cli.file_unreadable", path=str(path)) from None
        return f"file:{report['list_id']}"

    terms = r"all-units|unit:|group:|role:|list:|file:"
    return re.sub(rf"file:(.+?)(?=[+-](?:{terms})|$)", upload, audience)


def _attached(service: Api, file: Path) -> int:
    """The number of an uploaded file."""
    try:
        return int(service.upload_form("/attachments", file)["id"])
    except OSError:
        raise Failed("cli.file_unreadable", path=str(file)) from None


def _follow(service: Api, view: dict[str, Any], *, quiet: bool) -> dict[str, Any]:
    """Until every delivery is final or the roll-call is closed."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[says]}"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), disable=quiet) as bar:
        task = bar.add_task(view["code"], total=None, says="")
        while True:
            view = service.get(f"/broadcasts/{view['id']}")
            counts, rollcall = view["counts"], view["rollcall"]
            total = sum(counts.values())
            waiting = sum(counts.get(state, 0) for state in ("queued", "sending", "retrying"))
            units = sum(rollcall.values())
            answered = sum(rollcall.get(state, 0) for state in CONFIRMED)
            says = say("cli.progress", sent=total - waiting, total=total, answered=answered, units=units)
            bar.update(task, total=total or None, completed=total - waiting, says=says)
            if view["final"]:
                return dict(view)
            time.sleep(POLL_SECONDS)
