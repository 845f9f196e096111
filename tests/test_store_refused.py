"""A store that cannot be used: each is refused with the path, what is wrong, and what to do."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from deltalake import DeltaTable, write_deltalake
from tagged_shop import row, tagged

from vocnlp.errors import StoreError
from vocnlp.store import Store
from vocnlp.store_rows import STORED

LOG = "_delta_log"


@pytest.fixture
def url(tmp_path: Path) -> Path:
    """The folder of a store with four versions."""
    store = Store.open(tmp_path / "feedback", create=True)
    for n in range(3):
        store.put(tagged([row(n, text="送货上门了")]))
    return tmp_path / "feedback"


def refusal(url: Path | str, **how: object) -> StoreError:
    with pytest.raises(StoreError) as told:
        Store.open(url, **how).read().to_table()
    assert str(told.value).startswith(f"{url}: ")
    return told.value


def test_nothing_there(tmp_path: Path) -> None:
    told = refusal(tmp_path / "none")
    assert told.message == f"{tmp_path / 'none'}: there is no store"
    assert told.hint == "check the spelling, or create one: vocnlp store put FILE --store DIR"
    assert not (tmp_path / "none").exists()


def test_a_folder_with_other_things_in_it(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("报告", encoding="utf-8")
    assert refusal(tmp_path).message == f"{tmp_path}: there is no store"
    assert refusal(tmp_path, create=True).message == f"{tmp_path}: the folder holds other files"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "feedback.csv"
    path.write_text("评论\n不错\n", encoding="utf-8")
    assert refusal(path).message == f"{path}: is a file, not a store"


def test_a_delta_table_of_somebody_else(tmp_path: Path) -> None:
    write_deltalake(tmp_path / "orders", tagged([row(1)]))
    assert refusal(tmp_path / "orders").message == f"{tmp_path / 'orders'}: is a Delta table, but no store of vocnlp"


def test_a_store_of_a_later_version(url: Path) -> None:
    DeltaTable(url).alter.set_table_properties({"vocnlp.store": "3"}, raise_if_not_exists=False)
    told = refusal(url)
    assert told.message == f"{url}: is a store of format 3; this version of vocnlp reads formats 1, 2"
    assert told.hint == "pip install --upgrade vocnlp"


def test_a_store_whose_columns_another_program_changed(url: Path) -> None:
    extra = STORED.empty_table().append_column("奖励", tagged([])["score"])
    write_deltalake(url, extra, mode="append", schema_mode="merge")
    told = refusal(url)
    assert told.message == f"{url}: was changed by another program: column '奖励' is float, not expected at all"
    assert told.hint == "restore an earlier version"


def _garbage(log: Path) -> None:
    (log / f"{2:020d}.json").write_text("{不是 JSON", encoding="utf-8")


def _cut(log: Path) -> None:
    path = log / f"{3:020d}.json"
    path.write_bytes(path.read_bytes()[:100])


def _emptied(log: Path) -> None:
    (log / f"{3:020d}.json").write_bytes(b"")


def _hole(log: Path) -> None:
    (log / f"{1:020d}.json").unlink()


def _checkpoint(log: Path) -> None:
    DeltaTable(log.parent).create_checkpoint()
    next(log.glob("*.checkpoint.parquet")).write_bytes(b"PAR1")


@pytest.mark.parametrize("harm", [_garbage, _cut, _emptied, _hole, _checkpoint])
def test_a_damaged_log(url: Path, harm: Callable[[Path], None]) -> None:
    harm(url / LOG)
    told = refusal(url)
    assert "the log of the store is damaged" in told.message
    assert "restore the folder _delta_log from a backup" in told.hint


def test_a_log_that_is_gone_is_not_written_over(url: Path) -> None:
    shutil.rmtree(url / LOG)
    assert refusal(url).message == f"{url}: there is no store"
    assert refusal(url, create=True).message == f"{url}: the folder holds other files"


def test_an_address_that_does_not_answer() -> None:
    options = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_REGION": "cn-north-1",
        "AWS_ALLOW_HTTP": "true",
        "max_retries": "0",
    }
    told = refusal("s3://feedback/tagged", options=options)
    assert told.message.startswith("s3://feedback/tagged: cannot be reached (")
    assert told.hint == "check the address, the network and the storage options (keys, region, endpoint)"


def test_an_address_of_no_known_kind() -> None:
    assert "this kind of address is not known" in refusal("gopher://feedback/tagged").message


def test_without_the_package_the_pip_line_is_named(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['deltalake'] = None\n"
        "from vocnlp.errors import MissingExtraError\nfrom vocnlp.store import Store\n"
        "try: Store.open(sys.argv[1], create=True)\n"
        "except MissingExtraError as error: print(error, error.hint, sep='|')"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(tmp_path / "s")], capture_output=True, encoding="utf-8")
    assert ran.stdout == "this needs the package 'deltalake', which is not installed|pip install \"vocnlp[store]\"\n"
