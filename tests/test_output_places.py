"""Where a command will write is looked at before its work: nothing is found out at the end, and no input is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from vocnlp.errors import OutputError
from vocnlp.output_places import Place, check_places


def refused(places: list[Place], inputs: list[Path | None]) -> tuple[str, str]:
    with pytest.raises(OutputError) as error:
        check_places(places, inputs)
    return error.value.message, error.value.hint


def test_a_new_file_in_a_folder_passes_and_leaves_nothing_behind(tmp_path: Path) -> None:
    check_places([Place(tmp_path / "页面.html", (".html",)), Place(tmp_path / "清单.jsonl")], [None, tmp_path / "没有"])
    assert list(tmp_path.iterdir()) == []


def test_an_input_is_never_written_over_whatever_its_path_looks_like(tmp_path: Path) -> None:
    data = tmp_path / "评论.jsonl"
    data.write_text("{}\n", encoding="utf-8")
    (tmp_path / "b").mkdir()
    (tmp_path / "link.jsonl").symlink_to(data)
    for path in (data, tmp_path / "b" / ".." / "评论.jsonl", tmp_path / "link.jsonl"):
        assert refused([Place(path)], [data]) == (f"{path}: is the input itself", "choose another name")


def test_a_folder_that_holds_an_input_is_not_replaced(tmp_path: Path) -> None:
    bundle, data = tmp_path / "b", tmp_path / "b" / "评论.jsonl"
    bundle.mkdir()
    data.write_text("{}\n", encoding="utf-8")
    told = f"{bundle}: holds an input, {data}", "choose another folder"
    assert refused([Place(bundle, folder=True)], [data]) == told
    check_places([Place(tmp_path / "c", folder=True)], [data])


def test_two_outputs_do_not_share_a_place(tmp_path: Path) -> None:
    one, again = tmp_path / "a.jsonl", tmp_path / "." / "a.jsonl"
    assert refused([Place(one), Place(again)], []) == (
        f"{one}: would be written twice", "give each output a name of its own"
    )  # fmt: skip
    folder, inside = tmp_path / "b", tmp_path / "b" / "r.toml"
    told = f"{inside}: lies in {folder}, which is written as a whole", "put it beside b"
    assert refused([Place(folder, folder=True), Place(inside)], []) == told


def test_what_stands_there_goes_only_where_it_may(tmp_path: Path) -> None:
    page = tmp_path / "页面.html"
    page.write_text("老页面", encoding="utf-8")
    told = f"{page}: already exists", "choose another name, or replace it with --force"
    assert refused([Place(page, may_replace=False)], []) == told
    kept = Place(
        page, may_replace=lambda path: path.read_text("utf-8") == "新页面", refusal="is no page", hint="rename it"
    )
    assert refused([kept], []) == (f"{page}: is no page", "rename it")
    check_places([Place(page, may_replace=True)], [])
    assert page.read_text(encoding="utf-8") == "老页面"


def test_endings_and_folders_are_told_with_the_name_that_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.txt"
    told = f"{page}: the page is an HTML file", "name it page.html"
    assert refused([Place(page, (".html", ".htm"), "the page is an HTML file")], []) == told
    lost = tmp_path / "没有" / "清单.xlsx"
    folder = f"{lost}: the folder does not exist", f"create {lost.parent}, or choose another folder"
    assert refused([Place(lost)], []) == folder
    assert refused([Place(tmp_path)], []) == (f"{tmp_path}: is a folder", "choose another name")
    long = tmp_path / ("长" * 84 + ".x")  # fits itself, and not with the ending it is written under
    assert refused([Place(long)], [])[0] == f"{long}: the name is too long"

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "touch", refuse)
    closed = tmp_path / "清单.xlsx"
    assert refused([Place(closed)], []) == (
        f"{closed}: no permission to write here", "choose another folder, and close the file in other programs"
    )  # fmt: skip


def test_a_folder_that_one_is_in_is_not_replaced_and_its_name_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "模型"
    (bundle / "onnx").mkdir(parents=True)
    told = "holds the folder you are in, so it cannot be replaced from here", f"cd {tmp_path}, and name it 模型"
    monkeypatch.chdir(bundle)
    assert refused([Place(Path(), folder=True)], []) == (f".: {told[0]}", told[1])
    assert refused([Place(Path(), may_replace=False, folder=True)], [])[0] == ".: already exists"
    monkeypatch.chdir(bundle / "onnx")
    assert refused([Place(Path(".."), folder=True)], []) == (f"..: {told[0]}", told[1])
    monkeypatch.chdir(tmp_path)
    check_places([Place(Path("模型"), folder=True)], [])
    kept = Place(Path("/"), (), "", False, "is no bundle, so it is not replaced", "choose another folder", folder=True)
    assert refused([kept], []) == ("/: is no bundle, so it is not replaced", "choose another folder")


def test_a_link_to_a_folder_is_looked_at_where_it_leads(tmp_path: Path) -> None:
    link, nowhere, ring = (tmp_path / name for name in ("链接", "断了的", "绕圈的"))
    link.symlink_to("新模型")
    nowhere.symlink_to("没有/模型")
    ring.symlink_to(ring.name)
    check_places([Place(link, folder=True)], [])
    hint = f"create {tmp_path / '没有'}, or choose another folder"
    assert refused([Place(nowhere, folder=True)], []) == (f"{nowhere}: the folder does not exist", hint)
    told = f"{ring}: is a link that leads back to itself", "remove it, or choose another name"
    assert refused([Place(ring, folder=True)], []) == told
    both = [Place(link, folder=True), Place(tmp_path / "新模型", folder=True)]
    assert refused(both, [])[0] == f"{link}: would be written twice"
