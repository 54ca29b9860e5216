"""All commands in one place; each is a few lines over its own module."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loa.cli import audit, broadcast, keeping, local, office, serve, zalo

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
text = typer.Typer(no_args_is_help=True)
units = typer.Typer(no_args_is_help=True)
importing = typer.Typer(no_args_is_help=True)
zalo_app = typer.Typer(no_args_is_help=True)
user = typer.Typer(no_args_is_help=True)
key = typer.Typer(no_args_is_help=True)
log = typer.Typer(no_args_is_help=True)
app.add_typer(text, name="text", help="Count texts as SMS.")
app.add_typer(units, name="units", help="Find communes and wards.")
app.add_typer(importing, name="import", help="Import people, numbers or content.")
app.add_typer(zalo_app, name="zalo", help="The office's account with Zalo.")
app.add_typer(user, name="user", help="People who sign in.")
app.add_typer(key, name="key", help="API keys.")
app.add_typer(log, name="audit", help="The log of who did what.")

Config = Annotated[Path | None, typer.Option(help="Settings file; else LOA_CONFIG, else config.toml.")]

text.command("count")(local.text_count)
app.command("number")(local.number)
units.command("find")(local.units_find)
app.command("ask")(local.ask)

app.command("send")(broadcast.send)
app.command("approve")(broadcast.approve)
app.command("cancel")(broadcast.cancel)
app.command("status")(broadcast.status)

importing.command("people")(office.import_people)
importing.command("list")(office.import_list)
importing.command("content")(office.import_content)
user.command("add")(office.add_user)
user.command("reset")(office.reset_user)
user.command("bind")(office.bind_user)
key.command("add")(office.add_key)
log.command("verify")(audit.verify)
zalo_app.command("authorise")(zalo.authorise)
app.command("doctor")(office.doctor)
app.command("export")(office.export)
app.command("backup")(keeping.backup)
app.command("restore")(keeping.restore)
app.command("move")(keeping.move)

app.command("run")(serve.run)
app.command("demo")(serve.demo)
