"""`python -m tests.faults.harness --setting embedded --runs 200 --seed 1`: one line a run, a summary, exit 1 if
anything was lost, doubled or broken."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.faults.harness.figures import RECOVERY_MEDIAN_SECONDS, median
from tests.faults.harness.fostered import Nursery
from tests.faults.harness.house import LEASE_SECONDS, Embedded
from tests.faults.harness.machines import Machines
from tests.faults.harness.scenario import Builder, Run, night

SETTINGS: dict[str, Builder] = {"embedded": Embedded, "machines": Machines}


def main() -> int:
    given = _arguments()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="loa-faults-"))
    folder.mkdir(parents=True, exist_ok=True)
    seeds = given.seeds or range(given.seed, given.seed + given.runs)
    nursery = Nursery(folder, given.lease)
    try:
        with ThreadPoolExecutor(given.at_once) as pool:
            runs = list(pool.map(lambda seed: _one(seed, folder, nursery, given), seeds))
    finally:
        nursery.end()
    return _summary([run for run in runs if run is not None], len(runs))


def _one(seed: int, folder: Path, nursery: Nursery, given: argparse.Namespace) -> Run | None:
    place = folder / f"{given.setting}-{seed}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    try:
        run = night(seed, place, SETTINGS[given.setting], nursery, given.lease)
    except Exception:
        (place / "harness.log").write_text(traceback.format_exc(), "utf-8")
        print(f"seed {seed}: the harness itself failed; see {place}/harness.log", flush=True)
        return None
    print(_line(run), *(f"    {said}" for said in run.broken), sep="\n", flush=True)
    if not run.broken and not given.keep:
        shutil.rmtree(place)
    return run


def _line(run: Run) -> str:
    figures = run.figures
    recovery = " ".join(f"{name}:{seconds:.1f}s" for name, seconds in figures.recovery)
    return (
        f"seed {run.seed}: {'ok' if not run.broken else 'BROKEN'} in {run.seconds:.0f} s; {recovery};"
        f" in doubt {figures.doubted}, unknown {figures.unknown}, doubled {figures.doubled}"
    )


def _summary(runs: list[Run], asked: int) -> int:
    seconds = [one for run in runs for _, one in run.figures.recovery]
    crashes = max(1, sum(run.figures.crashes for run in runs))
    broken = [run.seed for run in runs if run.broken]
    doubted, doubled = (sum(getattr(run.figures, name) for run in runs) for name in ("doubted", "doubled"))
    print(
        f"{len(runs)} runs, {sum(len(run.faults) for run in runs)} faults, {crashes} crashes of ours;"
        f" broken {broken or 'none'}; recovery p50 {median(seconds):.1f} s, max {max(seconds, default=0.0):.1f} s;"
        f" in doubt {doubted / crashes:.1f} and doubled {doubled / crashes:.2f} a crash"
    )
    return 0 if len(runs) == asked and not broken and median(seconds) < RECOVERY_MEDIAN_SECONDS else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.harness", description=__doc__)
    parser.add_argument("--setting", choices=sorted(SETTINGS), default="embedded")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1, help="of the first run; each further one has the next")
    parser.add_argument("--seeds", type=int, nargs="*", help="just these")
    parser.add_argument("--lease", type=float, default=LEASE_SECONDS, help="seconds; the product's is 30")
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where logs go; those of runs that held are removed")
    parser.add_argument("--keep", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
