"""An office of several processes for benchmarks: PostgreSQL with fsync, Redis, simulators, and `loa run --role …`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from simulators import smsc
from tests.cluster import Cluster
from tests.living import simulators, write_config
from tests.offices import ACCOUNT, LEASE_SECONDS, SHARED, Many
from tests.redis_stand import RedisServer

SERVER: Final = {"shared_buffers": "512MB", "max_wal_size": "4GB", "wal_compression": "lz4"}
WINDOW: Final = 100
PATIENT: Final = {"give_up_after": 3_600.0, "close_after": 3_600.0}
"""Nothing ends for lack of time while a machine is measured that does everything at once."""


@contextmanager
def several(
    folder: Path,
    *,
    workers: int = 1,
    channels: Sequence[str] = ("sms",),
    people: Path | None = None,
    server: Mapping[str, str] = SERVER,
) -> Iterator[Many]:
    """A web process, a scheduler and so many workers, each with an SMPP account of its own at one simulated carrier.
    `server`: settings of PostgreSQL. Raises `NoServer` where it cannot be started."""
    with ExitStack() as held:
        cluster = Cluster(safe=True, **server)
        held.callback(cluster.remove)
        cluster.start()
        redis = RedisServer()
        held.callback(redis.end)
        town = held.enter_context(simulators(folder, *(("--people", str(people)) if people else ())))
        more = SHARED.format(socket=redis.socket, lease=LEASE_SECONDS)
        more += "".join(_account(number, str(town.urls["smsc"])) for number in range(2, workers + 1))
        config = write_config(folder, town, channels=channels, window=WINDOW, more=more, **PATIENT)
        _keep_in(config, cluster.url())
        (folder / "data").mkdir(exist_ok=True)
        office = Many(folder, config, town, database=cluster.url())
        office.redis = redis
        held.callback(office.end)
        office.open_doors()
        for name in (*(f"worker{number}" for number in range(workers)), "scheduler"):
            office.begin(name.rstrip("0123456789"), name)
        yield office


def _account(number: int, address: str) -> str:
    host, _, port = address.rpartition(":")
    return ACCOUNT.format(
        name=f"sim{number}", host=host, port=port, system_id=smsc.SYSTEM_ID, password=smsc.PASSWORD,
        sender=json.dumps(smsc.SHORT_CODE), window=WINDOW, tps=0,
    )  # fmt: skip


def _keep_in(config: Path, url: str) -> None:
    """Whatever ledger tests are run on."""
    text, found = re.subn(r"(\[store\]\nurl = )[^\n]*", rf"\1{json.dumps(url)}", config.read_text("utf-8"), count=1)
    assert found
    config.write_text(text, "utf-8")
