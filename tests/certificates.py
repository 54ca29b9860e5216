"""Certificates for tests, made when they are asked for: an authority, and a server's that it signed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
NAMED = "subjectAltName=DNS:localhost\n"
"""Not for 127.0.0.1."""


def openssl(*arguments: str, folder: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    subprocess.run(("openssl", *arguments), cwd=folder, check=True, capture_output=True)


def authority(folder: Path, name: str) -> Path:
    """A certificate that signs others."""
    openssl("req", "-x509", *KEY, "-keyout", f"{name}.key", "-out", f"{name}.crt", "-days", "2", "-subj",
            f"/CN={name}", folder=folder)  # fmt: skip
    return folder / f"{name}.crt"


def signed(folder: Path, by: str) -> None:
    """`server.crt` and `server.key`, for localhost."""
    openssl("req", *KEY, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost", folder=folder)
    (folder / "names").write_text(NAMED)
    openssl("x509", "-req", "-in", "server.csr", "-CA", f"{by}.crt", "-CAkey", f"{by}.key", "-CAcreateserial",
            "-days", "2", "-extfile", "names", "-out", "server.crt", folder=folder)  # fmt: skip
