"""The command line's way to the running service: its API."""

from __future__ import annotations

import os
import secrets
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from loa import local_word
from loa.cli.out import Failed, language
from loa.settings import load_settings
from loa.settings_sections import ROOT

DEMO_FOLDER = ROOT / "var" / "demo"
TIMEOUT_SECONDS = 60.0
UPLOAD_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Api:
    url: str
    key: str
    timeout: float = TIMEOUT_SECONDS

    def get(self, path: str, **query: Any) -> Any:
        return self._call("GET", path, None, query)

    def post(self, path: str, body: Any = None, headers: Mapping[str, str] | None = None, **query: Any) -> Any:
        data = orjson.dumps(body) if body is not None else b""
        return self._call("POST", path, data, query, {"Content-Type": "application/json", **(headers or {})})

    def upload(self, path: str, content: BinaryIO, **query: Any) -> Any:
        """Send a file as it is read."""
        return self._call("POST", path, content, query, {"Content-Type": "application/octet-stream"})

    def upload_form(self, path: str, file: Path) -> Any:
        """Send a file as the part `file` of a form, as it is read. Raises OSError."""
        boundary = secrets.token_hex(16)
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{quoted(file.name)}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode()
        tail = f"\r\n--{boundary}--\r\n".encode()
        with file.open("rb") as content:
            length = len(head) + os.fstat(content.fileno()).st_size + len(tail)
            headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Content-Length": str(length)}
            pieces = chain((head,), iter(lambda: content.read(UPLOAD_CHUNK_BYTES), b""), (tail,))
            return self._call("POST", path, pieces, {}, headers)

    def _call(
        self, method: str, path: str, data: Any, query: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> Any:
        wanted = {name: str(value) for name, value in query.items() if value is not None}
        url = f"{self.url}{path}" + (f"?{urllib.parse.urlencode(wanted)}" if wanted else "")
        request = urllib.request.Request(url, data=data, method=method)
        request.add_header("Authorization", f"Bearer {self.key}")
        request.add_header("Accept-Language", language())
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as response:
                return orjson.loads(response.read())
        except urllib.error.HTTPError as refused:
            raise _refused(refused) from None
        except (OSError, orjson.JSONDecodeError):
            raise Failed("cli.no_answer", url=self.url) from None


def quoted(name: str) -> str:
    """A name inside a part's header (WHATWG HTML, multipart/form-data: these three are escaped)."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _refused(refused: urllib.error.HTTPError) -> Failed:
    """The problem that the service described, in one line."""
    try:
        problem = orjson.loads(refused.read())
        says = problem.get("detail") or problem["title"]
        errors = " ".join(error["says"] for error in problem.get("errors") or [])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return Failed("cli.refused", status=refused.code)
    return Failed(sentence=f"{says} {errors}".strip())


def api(config: Path | None, *, admin: bool = False) -> Api:
    """`LOA_API` with `LOA_API_KEY`, else the service whose data folder the settings name, else the demo's.

    One that was killed is said, and no other is taken for it."""
    if url := os.environ.get("LOA_API"):
        return Api(url.rstrip("/"), os.environ.get("LOA_API_KEY", ""))
    for folder in _folders(config):
        word = local_word.read(folder)
        if word is None:
            continue
        if not word.held:
            raise Failed("cli.service_killed", folder=str(folder))
        return Api(word.api, os.environ.get("LOA_API_KEY") or (word.admin_key if admin else word.key))
    raise Failed("cli.no_service")


def is_served(config: Path | None) -> bool:
    """A service of this machine runs on the ledger that the settings name (the demo is no such)."""
    word = local_word.read(_folders(config)[0])
    return word is not None and word.held


def _folders(config: Path | None) -> list[Path]:
    if "LOA_DATA" in os.environ:
        return [Path(os.environ["LOA_DATA"])]
    return [load_settings(config).data_folder(), DEMO_FOLDER]
