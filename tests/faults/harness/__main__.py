"""`python -m tests.faults.harness --setting embedded --runs 200 --seed 1`: one line a run, a summary, exit 1 if
anything was lost, doubled or broken. How long recovery took is told and gates nothing without `--hold-times`."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.faults.harness.disk import own_mounts
from tests.faults.harness.figures import RECOVERY_MEDIAN_SECONDS, RECOVERY_MOST_SECONDS, quantile
from tests.faults.harness.fostered import Nursery
from tests.faults.harness.house import LEASE_SECONDS
from tests.faults.harness.scenario import Run, night
from tests.faults.harness.settings import SETTINGS


def main() -> int:
    given = _arguments()
    own_mounts()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="loa-faults-"))
    folder.mkdir(parents=True, exist_ok=True)
    seeds = given.seeds or range(given.seed, given.seed + given.runs)
    nursery = Nursery(folder, given.lease)
    try:
        with ThreadPoolExecutor(given.at_once) as pool:
            runs = list(pool.map(lambda seed: _one(seed, folder, nursery, given), seeds))
    finally:
        nursery.end()
    return summary([run for run in runs if run is not None], len(runs), given.hold_times)


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


def summary(runs: list[Run], asked: int, hold_times: bool) -> int:
    """What went wrong ends the command with 1; how long recovery took is only told, unless the times are to hold."""
    seconds = [one for run in runs for _, one in run.figures.recovery]
    crashes = sum(run.figures.crashes for run in runs)
    broken = [run.seed for run in runs if run.broken]
    doubted, doubled = (sum(getattr(run.figures, name) for run in runs) for name in ("doubted", "doubled"))
    median, late = quantile(seconds, 0.5), sum(one > RECOVERY_MOST_SECONDS for one in seconds)
    print(
        f"{len(runs)} runs, {sum(len(run.faults) for run in runs)} faults, {crashes} crashes of ours;"
        f" broken {broken or 'none'}; recovery p50 {median:.1f} s, p95 {quantile(seconds, 0.95):.1f} s,"
        f" max {max(seconds, default=0.0):.1f} s, {late} over {RECOVERY_MOST_SECONDS:.0f} s;"
        f" in doubt {doubted / max(1, crashes):.1f} and doubled {doubled / max(1, crashes):.2f} a crash"
    )
    too_slow = hold_times and (late > 0 or median >= RECOVERY_MEDIAN_SECONDS)
    return 0 if len(runs) == asked and not broken and not too_slow else 1


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
    parser.add_argument(
        "--hold-times", action="store_true", help="exit 1 for slow recovery, too: on a machine of its own"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
