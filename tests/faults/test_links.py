"""What the harness puts between Loa and others does what it is told: bytes pass, and stop passing, on purpose only."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.harness.links import Link
from tests.processes import until

pytestmark = pytest.mark.faults

PATIENCE_SECONDS = 10.0
SHORT_SECONDS = 0.3
MUCH = 4_000_000


class Echo:
    """Gives back what it hears, and a full stop at the end."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                one, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._speak, args=(one,), daemon=True).start()

    def _speak(self, one: socket.socket) -> None:
        with closing(one):
            try:
                while heard := one.recv(65_536):
                    one.sendall(heard)
                one.sendall(b".")
            except OSError:
                return

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    with closing(Echo()) as found:
        yield found


@pytest.fixture
def link(tmp_path: Path, echo: Echo) -> Iterator[Link]:
    found = Link("test", echo.address, tmp_path)
    yield found
    found.end()


def connected(link: Link) -> socket.socket:
    host, _, port = link.address.rpartition(":")
    return socket.create_connection((host, int(port)), PATIENCE_SECONDS)


def says(one: socket.socket, word: bytes) -> bytes:
    one.sendall(word)
    return one.recv(len(word), socket.MSG_WAITALL)


def is_gone(one: socket.socket) -> bool:
    try:
        return one.recv(1) == b""
    except ConnectionError:
        return True


def test_bytes_pass_unchanged_however_many_and_each_side_may_end_first(link: Link) -> None:
    much = os.urandom(MUCH)
    with connected(link) as one:

        def send() -> None:
            one.sendall(much)
            one.shutdown(socket.SHUT_WR)

        sending = threading.Thread(target=send)
        sending.start()
        heard = bytearray()
        while octets := one.recv(65_536):
            heard += octets
        sending.join()
    assert heard == much + b"."


def test_a_cut_ends_every_connection_and_the_next_one_works(link: Link) -> None:
    with connected(link) as one, connected(link) as other:
        assert says(one, b"hm") == b"hm"
        assert says(other, b"ja") == b"ja"
        link.cut()
        assert is_gone(one)
        assert is_gone(other)
    with connected(link) as again:
        assert says(again, b"ja") == b"ja"


@pytest.mark.parametrize("early", [True, False])
def test_nothing_passes_while_it_is_stalled_and_nothing_is_lost(link: Link, early: bool) -> None:
    with connected(link) as witness:
        assert says(witness, b"hm") == b"hm"
        one = connected(link) if early else None
        link._tell("stall")
        until(lambda: is_silent(witness), PATIENCE_SECONDS, "it stalls")
        with one or connected(link) as one:
            one.sendall(b"held")
            assert is_silent(one)
            link._tell("go")
            assert one.recv(5, socket.MSG_WAITALL) == b"held?"


def is_silent(one: socket.socket) -> bool:
    """It asks, and hears nothing."""
    one.settimeout(SHORT_SECONDS)
    one.sendall(b"?")
    try:
        one.recv(1)
    except TimeoutError:
        return True
    finally:
        one.settimeout(PATIENCE_SECONDS)
    return False


def test_who_is_refused_or_meets_nobody_is_told_so(link: Link, echo: Echo) -> None:
    refusing = threading.Thread(target=link.refuse, args=(SHORT_SECONDS,))
    with connected(link) as one:
        assert says(one, b"hm") == b"hm"
        refusing.start()
        assert is_gone(one)
    with connected(link) as other:
        assert is_gone(other)
    refusing.join()
    link.aim("127.0.0.1:9")
    until(lambda: nobody(link), PATIENCE_SECONDS, "it goes elsewhere")


def nobody(link: Link) -> bool:
    with connected(link) as one:
        return is_gone(one)


def test_one_that_is_killed_is_there_again_on_its_port(link: Link) -> None:
    before = link.address
    with connected(link) as one:
        assert says(one, b"hm") == b"hm"
        link.kill(0.0)
        assert is_gone(one)
    assert link.address == before
    with connected(link) as again:
        assert says(again, b"ja") == b"ja"
