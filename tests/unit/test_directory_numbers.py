"""Lists of numbers: imported as a stream, each once, in order; a half import never counts; lists as sets."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import psutil
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from directory import importing, number_lists
from directory.columns import load_words
from directory.importing import ListReport, import_numbers
from directory.number_lines import ascending, collect
from directory.number_lists import NumberTerm, count_numbers, discard_incomplete, freeze_numbers
from directory.reading import FileRefused, Record
from store import number_lists as sql
from store import opt_outs
from store.engine import Ledger, LedgerWriteError
from tests.ledgers import ledger_of

NOW = 1_760_000_000.0


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    opened = ledger_of(tmp_path)
    opened.open()
    yield opened
    await opened.close()


def write(folder: Path, lines: Sequence[object], name: str = "list.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(map(str, lines)) + "\n", "utf-8")
    return path


async def numbers_of(ledger: Ledger, name: str) -> list[int]:
    row = await ledger.read(lambda tx: sql.current(tx, name))
    return await ledger.read(lambda tx: sql.page(tx, row.id, 0, 10**6)) if row else []


async def take(ledger: Ledger, path: Path, name: str = "dân") -> ListReport:
    said = await import_numbers(ledger, path, name, NOW, dry_run=True)
    done = await import_numbers(ledger, path, name, NOW)
    assert (said.size, said.digest, said.added, said.removed, said.duplicates, said.rejections) == (
        done.size, done.digest, done.added, done.removed, done.duplicates, done.rejections,
    )  # fmt: skip
    assert said.list_id is None
    return done


async def test_numbers_go_in_once_and_in_order(ledger: Ledger, tmp_path: Path) -> None:
    path = write(tmp_path, ["0900000003", "+84 900 000 001", "84900000002", "0900.000.003", "", "0123 400 0001"])
    report = await take(ledger, path)
    wanted = [84834000001, 84900000001, 84900000002, 84900000003]
    assert await numbers_of(ledger, "dan") == wanted
    assert (report.name, report.size, report.added, report.removed, report.duplicates) == ("dan", 4, 4, 0, 1)
    assert report.digest == hashlib.sha256("".join(f"{number}\n" for number in wanted).encode()).hexdigest()


async def test_a_new_import_is_a_new_version_with_its_difference(ledger: Ledger, tmp_path: Path) -> None:
    first = await take(ledger, write(tmp_path, [f"09000000{n:02d}" for n in range(10)]))
    second = await take(ledger, write(tmp_path, [f"09000000{n:02d}" for n in range(4, 20)]))
    assert (second.added, second.removed) == (10, 4)
    assert second.list_id != first.list_id
    same = await take(ledger, write(tmp_path, [f"09000000{n:02d}" for n in range(19, 3, -1)]))
    assert (same.added, same.removed, same.digest) == (0, 0, second.digest)
    assert len(await numbers_of(ledger, "dan")) == 16
    # the version that a broadcast may be using is still whole
    assert first.list_id is not None
    old = await ledger.read(lambda tx: sql.by_id(tx, first.list_id or 0))
    assert old is not None
    assert (old.size, old.current) == (10, False)
    assert [row.name for row in await ledger.read(sql.all_current)] == ["dan"]


async def test_the_difference_is_right_across_pages(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 7)
    monkeypatch.setattr(number_lists, "BATCH", 7)
    old = [84_900_000_000 + n * 3 for n in range(100)]
    new = [84_900_000_000 + n * 5 for n in range(80)]
    await take(ledger, write(tmp_path, old))
    report = await take(ledger, write(tmp_path, new))
    assert (report.added, report.removed) == (len(set(new) - set(old)), len(set(old) - set(new)))
    assert await numbers_of(ledger, "dan") == new


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        (["họ tên;sđt", "A;0900000001", "B;0900000002"], 2),
        (["DANH SÁCH HỘ DÂN", "năm 2025", "STT;Họ tên;Điện thoại", "1;A;0900000001"], 1),
        (["1,A,0900000001", "2,B,0900000002"], 2),
        (["phone", "0900000001"], 1),
    ],
)
async def test_the_column_is_found(ledger: Ledger, tmp_path: Path, lines: list[str], wanted: int) -> None:
    assert (await take(ledger, write(tmp_path, lines))).size == wanted


async def test_a_workbook_of_numbers(ledger: Ledger, tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(tmp_path / "n.xlsx")
    sheet = book.add_worksheet()
    for row, cell in enumerate(["Số điện thoại", 900000001, "0900000002", 84900000003.0, "x"]):
        sheet.write(row, 1, cell)
    book.close()
    report = await take(ledger, tmp_path / "n.xlsx")
    assert (report.size, report.rejections) == (3, 1)
    assert (report.rejected[0].line, report.rejected[0].key) == (5, "number_wrong")


async def test_wrong_lines_are_counted_and_the_first_listed(ledger: Ledger, tmp_path: Path) -> None:
    bad = ["02373000001", "không có", "112", '"0900', "0900000001234"]
    report = await take(ledger, write(tmp_path, ["phone", *bad, "0900000001", *["x"] * 300]))
    assert report.size == 1
    assert report.rejections == 305
    assert len(report.rejected) == 200
    assert [(reject.line, reject.key) for reject in report.rejected[:5]] == [
        (2, "number_landline"), (3, "number_wrong"), (4, "number_wrong"), (5, "broken_quotes"), (6, "number_wrong"),
    ]  # fmt: skip
    assert report.rejected[4].params["value"] == "0900***234"


@pytest.mark.parametrize(
    ("lines", "name", "key"),
    [(["phone"], "a", "no_numbers"), (["x", "y"], "a", "no_numbers"), (["0900000001"], "!", "list_name_missing")],
)
async def test_a_list_of_nothing_is_refused(
    ledger: Ledger, tmp_path: Path, lines: list[str], name: str, key: str
) -> None:
    await import_numbers(ledger, write(tmp_path, ["0900000001"]), "a", NOW)
    with pytest.raises(FileRefused) as refused:
        await import_numbers(ledger, write(tmp_path, lines), name, NOW)
    assert refused.value.key == key
    assert await numbers_of(ledger, "a") == [84900000001]


def test_an_endless_list_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("directory.number_lines.LIST_LIMIT", 3)
    monkeypatch.setattr("directory.number_lines.RUN", 2)
    with pytest.raises(FileRefused, match="list_too_long"):
        collect((Record(n, (f"090000000{n}",)) for n in range(1, 9)), load_words())


@given(st.lists(st.lists(st.integers(84_300_000_000, 84_300_000_050))))
def test_runs_merge_in_order_each_once(parts: list[list[int]]) -> None:
    records = [Record(1, (str(number),)) for part in parts for number in part]
    if records:
        collected = collect(records, load_words())
        assert list(ascending(collected.runs)) == sorted({number for part in parts for number in part})


async def failing(ledger: Ledger, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """The writer fails on its n-th batch, as a full disk does."""
    append, calls = sql.append, 0

    def sometimes(*args: object) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            raise LedgerWriteError("disk_full")
        append(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(sql, "append", sometimes)


async def test_a_failure_in_the_middle_leaves_the_old_version(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await import_numbers(ledger, write(tmp_path, ["0900000001"]), "dân", NOW)
    monkeypatch.setattr(importing, "BATCH", 10)
    await failing(ledger, monkeypatch, at=3)
    with pytest.raises(LedgerWriteError):
        await import_numbers(ledger, write(tmp_path, range(84_900_000_100, 84_900_000_200)), "dân", NOW)
    assert await numbers_of(ledger, "dan") == [84900000001]
    assert await ledger.read(lambda tx: sql.incomplete(tx, NOW + 1)) == []
    assert await ledger.read(lambda tx: tx.execute("SELECT count(*) FROM number_list_entry").fetchone()) == (1,)


async def test_a_cancelled_import_leaves_nothing(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 10)
    reached, append = asyncio.Event(), number_lists.NewVersion.append

    async def slow(self: number_lists.NewVersion, batch: list[int]) -> None:
        await append(self, batch)
        reached.set()
        await asyncio.sleep(60)

    monkeypatch.setattr(number_lists.NewVersion, "append", slow)
    path = write(tmp_path, range(84_900_000_100, 84_900_000_200))
    running = asyncio.create_task(import_numbers(ledger, path, "dân", NOW))
    await reached.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await ledger.read(lambda tx: sql.incomplete(tx, NOW + 1)) == []
    assert await numbers_of(ledger, "dan") == []


async def test_what_a_crash_left_is_removed_at_start(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(number_lists, "BATCH", 7)
    left = await ledger.write(lambda tx: sql.begin(tx, "dan", NOW))
    await ledger.write(lambda tx: sql.append(tx, left, range(84_900_000_000, 84_900_000_050)))
    assert await ledger.read(lambda tx: sql.current(tx, "dan")) is None
    assert await ledger.read(lambda tx: sql.by_id(tx, left)) is None
    assert await discard_incomplete(ledger) == 1
    assert await discard_incomplete(ledger) == 0
    assert await ledger.read(lambda tx: tx.execute("SELECT count(*) FROM number_list_entry").fetchone()) == (0,)


numbers = st.sets(st.integers(84_900_000_000, 84_900_000_060), max_size=40)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(st.tuples(numbers, st.booleans()), min_size=1, max_size=4), numbers, st.booleans(), st.integers(1, 9))
def test_lists_are_joined_and_taken_away_as_sets(
    tmp_path_factory: pytest.TempPathFactory,
    parts: list[tuple[set[int], bool]],
    opted: set[int],
    campaign: bool,
    batch: int,
) -> None:
    async def run() -> None:
        ledger = ledger_of(tmp_path_factory.mktemp("sets"))
        ledger.open()
        try:
            terms = [NumberTerm(await kept(ledger, part), plus) for part, plus in parts]
            for number in opted:
                await ledger.write(lambda tx, number=number: opt_outs.add(tx, number, "sms", NOW))  # type: ignore[misc]
            wanted: set[int] = set()
            for part, plus in parts:
                wanted = wanted | part if plus else wanted - part
            left_out = wanted & opted if campaign else set()
            wanted -= left_out
            count = await ledger.read(lambda tx: count_numbers(tx, terms, without_opted_out=campaign))
            assert (count.size, count.opted_out) == (len(wanted), len(left_out))
            frozen = await freeze_numbers(ledger, terms, NOW, without_opted_out=campaign)
            if not wanted:
                assert frozen is None
                return
            assert frozen is not None
            assert (frozen.size, frozen.opted_out) == (len(wanted), len(left_out))
            assert await ledger.read(lambda tx: sql.page(tx, frozen.list_id, 0, 1000)) == sorted(wanted)
        finally:
            await ledger.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(number_lists, "BATCH", batch)
        asyncio.run(run())


async def kept(ledger: Ledger, part: set[int]) -> int:
    async with number_lists.NewVersion(ledger, "", NOW) as version:
        await version.append(sorted(part))
        return (await version.finish()).id


async def test_a_single_list_is_frozen_as_it_is(ledger: Ledger, tmp_path: Path) -> None:
    report = await import_numbers(ledger, write(tmp_path, ["0900000001", "0900000002"]), "a", NOW)
    assert report.list_id is not None
    terms = [NumberTerm(report.list_id, True)]
    frozen = await freeze_numbers(ledger, terms, NOW)
    assert frozen is not None
    assert (frozen.list_id, frozen.digest) == (report.list_id, report.digest)
    await ledger.write(lambda tx: opt_outs.add(tx, 84900000001, "sms", NOW))
    without = await freeze_numbers(ledger, terms, NOW, without_opted_out=True)
    assert without is not None
    assert (without.list_id != report.list_id, without.size, without.opted_out) == (True, 1, 1)
    assert await freeze_numbers(ledger, [], NOW) is None


async def test_two_hundred_thousand_in_flat_memory(ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    with path.open("w") as file:
        file.write("họ tên;điện thoại\n")
        for n in range(200_000):
            file.write(f"Người mẫu số {n};09{n * 7_919 % 10_000_000:08d}\n")
    process = psutil.Process()
    before = process.memory_info().rss
    report = await import_numbers(ledger, path, "dân", NOW)
    assert report.size == 200_000
    assert process.memory_info().rss - before < 50 * 2**20
