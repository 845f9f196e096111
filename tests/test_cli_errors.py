"""What goes wrong at the command line: exit code 2, a message that names the place, the next step, and no output."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from command_line import CommandLine, command_line
from corner_export import HEADER, comments, names_in, read_csv, rows, write, write_csv, write_jsonl, write_xlsx

__all__ = ["command_line"]

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENCRYPTED = OLE + b"\x00" * 1024 + "EncryptedPackage".encode("utf-16-le") + b"\x00" * 1024


def two_sheets(path: Path) -> Path:
    book = openpyxl.load_workbook(write_xlsx(path, rows(3)))
    book.create_sheet("汇总")
    book.save(path)
    return path


def ragged(path: Path) -> Path:
    write_csv(path, [{"评论": text, "NPS": 9} for text in comments(20)])
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    lines[12] = "快递,太慢,2"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def titled(path: Path) -> Path:
    header = {f"列{n}": name for n, name in enumerate(HEADER)}
    write(path, [header, *({f"列{n}": cell for n, cell in enumerate(row.values())} for row in rows(40))])
    if path.suffix == ".csv":
        lines = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join(["六月客户调研,导出人王芳" + "," * (len(HEADER) - 2), *lines[1:]]), encoding="utf-8")
        return path
    book = openpyxl.load_workbook(path)
    assert book.active is not None
    book.active.delete_rows(1)
    book.active.insert_rows(1)
    book.active["A1"] = "六月客户调研"
    book.save(path)
    return path


def bytes_at(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def folder(path: Path) -> Path:
    path.mkdir()
    return path


#: Name of the input, what makes it, more words, and what the message and the next step must say.
INPUTS: dict[str, tuple[str, Callable[[Path], object], list[str], list[str], str]] = {
    "missing": ("没有.csv", lambda p: None, [], ["没有.csv: no such file"], "check the spelling and the folder"),
    "directory": ("夹.csv", folder, [], ["夹.csv: this is a directory"], "name one file inside it"),
    "unknown ending": ("a.doc", lambda p: bytes_at(p, b"x"), [], ["a.doc", "'.doc' is not one of"], ".xlsx or .csv"),
    "csv named xlsx": ("a.xlsx", lambda p: bytes_at(p, "评论\n好".encode()), [], ["a.xlsx", "text"], "rename it to a.csv"),
    "xlsx named csv": ("a.csv", lambda p: shutil.move(write_xlsx(p.with_suffix(".xlsx"), rows(2)), p), [],
                       ["a.csv", "xlsx workbook"], "rename it to a.xlsx"),
    "encrypted": ("a.xlsx", lambda p: bytes_at(p, ENCRYPTED), [], ["a.xlsx", "password-protected"],
                  "save it without a password"),
    "old Excel": ("a.xlsx", lambda p: bytes_at(p, OLE + b"\x00" * 2048), [], ["a.xlsx", "97-2003"], "save it as .xlsx"),
    "damaged workbook": ("a.xlsx", lambda p: bytes_at(p, b"PK\x03\x04" + b"\x07" * 99), [], ["a.xlsx", "damaged"],
                         "export it again"),
    "damaged parquet": ("a.parquet", lambda p: bytes_at(p, b"PAR1" + b"\x00" * 99), [], ["a.parquet", "damaged"],
                        "export it again"),
    "empty": ("a.csv", lambda p: bytes_at(p, b""), [], ["a.csv: the file is empty (0 bytes)"], "export it again"),
    "no text column": ("a.csv", lambda p: write_csv(p, [{"编号": n, "NPS": n % 11} for n in range(30)]), [],
                       ["a.csv", "no column holds comments"], "name one with --text; columns: 编号, NPS"),
    "two candidates": ("a.csv", lambda p: write_csv(p, [{"评论": t, "评价": t + "嗯"} for t in comments(30)]), [],
                       ["a.csv", "two candidates for the text: 评论, 评价"], "name one with --text"),
    "two scores": ("a.csv", lambda p: write_csv(p, [{"评论": t, "NPS": 9, "推荐度": 8} for t in comments(30)]), [],
                   ["a.csv", "two candidates for the score"], "name one with --score"),
    "misspelt column": ("a.csv", lambda p: write_csv(p, rows(3)), ["--text", "评伦"],
                        ["a.csv", "column '评伦'", "no such column for text"], "did you mean '评论'?"),
    "unknown sheet": ("a.xlsx", two_sheets, ["--sheet", "明细"], ["a.xlsx", "no such sheet", "'明细'"],
                      "its sheets: 答卷, 汇总"),
    "empty sheet": ("a.xlsx", two_sheets, ["--sheet", "汇总"], ["a.xlsx", "'汇总' is empty"], "its sheets: 答卷, 汇总"),
    "sheet of a csv": ("a.csv", lambda p: write_csv(p, rows(3)), ["--sheet", "答卷"], ["a.csv", "has no sheets"],
                       "leave the sheet name out"),
    "undecodable": ("a.csv", lambda p: bytes_at(p, "评论,NPS\n味道很好,9\n".encode() * 40 + b"\xff\xff\xfe,3\n"), [],
                    ["a.csv"], "UTF-8"),
    "ragged row": ("a.csv", ragged, [], ["a.csv, row 12: 3 cells where the header has 2", "快递,太慢,2"],
                   "quote cells that hold the delimiter"),
    "title of two cells above a csv": ("a.csv", titled, [], ["a.csv: '六月客户调研' is a title", "编号, 评论"],
                          "delete the rows above the header"),
    "broken json": ("a.jsonl", lambda p: bytes_at(p, '{"评论":"好"}\n{"评论":'.encode()), [],
                    ["a.jsonl, row 2", "line 2 is not JSON"], "one object a line"),
    "a name of ours": ("a.csv", lambda p: write_csv(p, [{"评论": "味道很好", "voc_tags": "x"}]), [],
                       ["a.csv, column 'voc_tags'"], "rename or delete it"),
}  # fmt: skip


@pytest.mark.parametrize("case", INPUTS)
def test_an_input_that_cannot_be_used(tmp_path: Path, vocnlp: CommandLine, tiny_bundle: Path, case: str) -> None:
    name, make, more, said, step = INPUTS[case]
    make(tmp_path / name)
    before = list(names_in(tmp_path))
    ended = vocnlp("score", tmp_path / name, "-o", tmp_path / "out.csv", "--bundle", tiny_bundle, *more)
    message = ended.err[ended.err.index("error:") :]
    assert ended.code == 2
    assert [part for part in said if part not in message] == []
    assert step in message.partition("next step:")[2]
    assert "Traceback" not in ended.err
    assert list(names_in(tmp_path)) == before


#: Where the output is to go, further words, and what the message and the next step must say.
OUTPUTS: dict[str, tuple[str, list[str], str, str]] = {
    "exists": ("old.csv", [], "old.csv: already exists", "choose another name, or replace it with --force"),
    "no such folder": (
        "nowhere/out.csv",
        [],
        "out.csv: the folder does not exist",
        "nowhere, or choose another folder",
    ),
    "a file for a folder": ("old.csv/out.csv", [], "out.csv: cannot be written: Not a directory", "another folder"),
    "unknown ending": (
        "out.pdf",
        [],
        "out.pdf: no table is written with the ending '.pdf'",
        "name the output out.xlsx",
    ),
    "no ending": ("out", [], "out: no table is written with the ending '(none)'", "name the output out.xlsx"),
    "the input": ("a.csv", ["--force"], "a.csv: is the input itself", "write to another file"),
    "the input, unforced": ("a.csv", [], "a.csv: is the input itself", "write to another file"),
    "a folder": ("there.csv", ["--force"], "there.csv: is a folder", "name a file in it"),
    "too long a name": ("长" * 90 + ".csv", [], ".csv: the name is too long", "choose a shorter name"),
    "unknown journey": ("out.csv", ["--journey", "飞行"], "has no journey '飞行'", "journeys here: general, catering"),
}


@pytest.mark.parametrize("case", OUTPUTS)
def test_an_output_that_cannot_be_made(tmp_path: Path, vocnlp: CommandLine, tiny_bundle: Path, case: str) -> None:
    name, more, said, step = OUTPUTS[case]
    source = write_csv(tmp_path / "a.csv", rows(5))
    (tmp_path / "old.csv").write_text("旧", encoding="utf-8")
    (tmp_path / "there.csv").mkdir()
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    ended = vocnlp("score", source, "-o", tmp_path / name, "--bundle", tiny_bundle, *more)
    message = ended.err[ended.err.index("error:") :]
    assert ended.code == 2
    assert said in message
    assert step in message.partition("next step:")[2]
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before
    assert sorted(names_in(tmp_path)) == ["a.csv", "old.csv", "there.csv"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to(tmp_path: Path, vocnlp: CommandLine, tiny_bundle: Path) -> None:
    source, closed = write_csv(tmp_path / "a.csv", rows(5)), tmp_path / "closed"
    closed.mkdir(mode=0o555)
    ended = vocnlp("score", source, "-o", closed / "b.csv", "--bundle", tiny_bundle)
    assert ended.code == 2
    assert "b.csv: no permission to write here" in ended.err


def test_a_permission_that_is_refused_is_told_as_such(
    tmp_path: Path, vocnlp: CommandLine, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    ended = vocnlp("score", write_csv(tmp_path / "a.csv", rows(5)), "-o", tmp_path / "b.csv", "--bundle", tiny_bundle)
    assert ended.code == 2
    assert "b.csv: no permission to write here" in ended.err
    assert "next step: choose another folder" in ended.err


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
sys.argv = ["vocnlp", *sys.argv[2:]]
from vocnlp.cli import main
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of a file as Unix does")
@pytest.mark.parametrize(
    ("after", "limit"), [(".csv", 100_000), (".xlsx", 60_000), (".parquet", 9_000), (".csv", 3_000)]
)
def test_a_file_system_that_takes_no_more(tmp_path: Path, tiny_bundle: Path, after: str, limit: int) -> None:
    source, out = write_csv(tmp_path / "a.csv", rows(600)), tmp_path / f"b{after}"
    words = [sys.executable, "-c", LIMITED, str(limit), "score", source, "-o", out, "--bundle", tiny_bundle]
    ended = subprocess.run(words, check=False, capture_output=True, text=True, encoding="utf-8")
    assert ended.returncode == 2, ended.stderr
    assert f"error: {out}: the disk is full" in ended.stderr
    assert "next step: free some space, then go on with --resume" in ended.stderr
    assert not out.exists()
    again = [sys.executable, "-m", "vocnlp.cli", "score", source, "-o", out, "--bundle", tiny_bundle, "--resume"]
    subprocess.run(again, check=True, capture_output=True)
    assert sorted(names_in(tmp_path)) == ["a.csv", out.name]


# Models and frames


def altered(bundle: Path, path: Path, change: Callable[[Path], object]) -> Path:
    shutil.copytree(bundle, path)
    change(path)
    return path


def rewrite(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **values}), encoding="utf-8")


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


BUNDLES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "gone": (shutil.rmtree, "no such bundle folder", "a bundle is a folder with a manifest.json"),
    "no manifest": (lambda p: (p / "manifest.json").unlink(), "has no manifest.json", "get the bundle anew"),
    "half a manifest": (lambda p: (p / "manifest.json").write_text("{"), "manifest.json cannot be read", "anew"),
    "no weights": (lambda p: (p / "model.safetensors").unlink(), "model.safetensors cannot be read", "anew"),
    "altered weights": (lambda p: flip(p / "model.safetensors"), "model.safetensors was altered", "anew"),
    "altered thresholds": (lambda p: rewrite(p / "manifest.json", thresholds={}), "manifest.json was altered", "anew"),
    "newer": (lambda p: rewrite(p / "manifest.json", format=99), "is of format 99", "pip install --upgrade vocnlp"),
}


@pytest.mark.parametrize("case", BUNDLES)
def test_a_bundle_that_cannot_be_used(tmp_path: Path, vocnlp: CommandLine, tiny_bundle: Path, case: str) -> None:
    change, said, step = BUNDLES[case]
    bundle = altered(tiny_bundle, tmp_path / "模型", change)
    source = write_csv(tmp_path / "a.csv", rows(5))
    for words in (["score", source, "-o", tmp_path / "b.csv"], ["classify", "味道很好"]):
        ended = vocnlp(*words, "--bundle", bundle)
        assert ended.code == 2
        assert f"error: {bundle}: {said}" in ended.err
        assert step in ended.err.partition("next step:")[2]
    assert not (tmp_path / "b.csv").exists()


FRAME = """schema: 1
name: broken
version: 1.0.0
codes:
  - {id: taste, name: 味道, definition: 好不好吃}
  - {id: taste, name: 口味, definition: 好不好吃}
"""


def test_a_broken_codeframe_is_told_with_line_and_key(tmp_path: Path, vocnlp: CommandLine, tiny_bundle: Path) -> None:
    frame = tmp_path / "frame.yaml"
    frame.write_text(FRAME, encoding="utf-8")
    source = write_csv(tmp_path / "a.csv", rows(5))
    for words in (
        ["codeframe", "check", frame],
        ["codeframe", "show", frame],
        ["score", source, "-o", tmp_path / "b.csv", "--bundle", tiny_bundle, "--codeframe", frame],
    ):
        ended = vocnlp(*words)
        assert ended.code == 2
        assert f"error: {frame}, line 6, key 'id': duplicate id 'taste', first used in line 5" in ended.err
    assert sorted(names_in(tmp_path)) == ["a.csv", "frame.yaml"]


def test_a_codeframe_that_shares_no_code_with_the_model(tmp_path: Path, vocnlp: CommandLine, tiny_bundle: Path) -> None:
    frame = tmp_path / "frame.yaml"
    frame.write_text(
        FRAME.replace("taste, name: 口味", "smell, name: 气味").replace("id: taste", "id: tea"), encoding="utf-8"
    )
    ended = vocnlp("classify", "味道很好", "--bundle", tiny_bundle, "--codeframe", frame)
    assert ended.code == 2
    assert "error: codeframe broken shares no code with bundle corner-shop" in ended.err
    assert "next step: train a bundle for this codeframe, or give its codes keywords" in ended.err


# The other commands


def test_reports_that_cannot_be_made(tmp_path: Path, vocnlp: CommandLine, tiny_bundle: Path) -> None:
    source = write_csv(tmp_path / "a.csv", rows(5))
    (tmp_path / "old.html").write_text("旧", encoding="utf-8")
    (tmp_path / "there.html").mkdir()
    shutil.copy(source, tmp_path / "in.html")
    for name, more, said, step in (
        ("old.html", [], "old.html: already exists", "--force"),
        ("r.pdf", [], "r.pdf: a report is an HTML file", "name it r.html"),
        ("nowhere/r.html", [], "r.html: the folder does not exist", "create"),
        ("there.html", ["--force"], "there.html: is a folder or the input itself", "choose another name"),
        ("r.html", ["--journey", "飞行"], "has no journey '飞行'", "journeys here: general, catering"),
        ("r.html", ["--text", "评伦"], "no such column for text", "did you mean '评论'?"),
    ):
        ended = vocnlp("report", source, "-o", tmp_path / name, "--bundle", tiny_bundle, *more)
        assert ended.code == 2
        assert said in ended.err
        assert step in ended.err.partition("next step:")[2]
    assert sorted(names_in(tmp_path)) == ["a.csv", "in.html", "old.html", "there.html"]
    assert (tmp_path / "old.html").read_text(encoding="utf-8") == "旧"


def test_a_report_replaces_none_of_its_inputs_and_mixes_no_pictures(
    tmp_path: Path, vocnlp: CommandLine, tiny_bundle: Path
) -> None:
    source = write_csv(tmp_path / "a.csv", rows(5))
    gaps = write_xlsx(tmp_path / "gaps.xlsx", [{"维度": "服务", "体验": 6, "期望": 7}])
    frame, folder = tmp_path / "frame.html", tmp_path / "图"
    frame.write_text(FRAME, encoding="utf-8")
    folder.mkdir()
    (folder / "峰终.png").write_bytes(b"png")
    before = {path: path.read_bytes() for path in (source, gaps, frame, folder / "峰终.png")}
    out = tmp_path / "r.html"
    for words, said, step in (
        (
            ["-o", out, "--gaps", gaps, "--tables", gaps, "--force"],
            "gaps.xlsx: is a folder or the input itself",
            "choose",
        ),
        (["-o", frame, "--codeframe", frame, "--force"], "frame.html: is a folder or the input itself", "choose"),
        (
            ["-o", out, "--pictures", source, "--force"],
            "a.csv: is a file, and the pictures go into a folder",
            "a folder",
        ),
        (["-o", out, "--pictures", folder], "图: holds pictures of an earlier report, such as 峰终.png", "--force"),
    ):
        ended = vocnlp("report", source, "--bundle", tiny_bundle, *words)
        assert ended.code == 2
        assert said in ended.err
        assert step in ended.err.partition("next step:")[2]
    assert {path: path.read_bytes() for path in before} == before
    assert sorted(names_in(tmp_path)) == sorted(["a.csv", "gaps.xlsx", "frame.html", "图"])


def test_training_and_measuring_on_what_is_not_labelled(tmp_path: Path, vocnlp: CommandLine, tiny_bundle: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", [{"text": text} for text in comments(5)])
    (tmp_path / "there").mkdir()
    for words, said in (
        (["train", "--out", tmp_path / "b"], "nothing to train on"),
        (["train", "--out", tmp_path / "b", "--data", tmp_path / "none.jsonl"], "none.jsonl: no such file"),
        (["train", "--out", tmp_path / "there", "--data", tmp_path / "a.jsonl"], "there: already exists"),
        (["evaluate", "--bundle", tiny_bundle, "--data", tmp_path / "none.jsonl"], "none.jsonl: no such file"),
    ):
        ended = vocnlp(*words)
        assert ended.code == 2
        assert said in ended.err
    assert not (tmp_path / "b").exists()


def test_stdin_in_another_encoding_is_refused(vocnlp: CommandLine, tiny_bundle: Path) -> None:
    ended = vocnlp("classify", "--bundle", tiny_bundle, stdin="味道很好\n".encode("gb18030"))
    assert ended.code == 2
    assert "error: stdin is not utf-8" in ended.err
    assert "iconv -f gb18030 -t utf-8" in ended.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["score"], "Missing argument 'IN'"),
        (["score", "a.csv"], "Missing option"),
        (["score", "a.csv", "-o", "b.csv", "--workers", "0"], "--workers"),
        (["tag"], "No such command 'tag'"),
    ],
)
def test_a_command_that_is_misspelt(vocnlp: CommandLine, words: list[str], said: str) -> None:
    ended = vocnlp(*words)
    assert ended.code == 2
    assert said in " ".join(ended.err.replace("│", " ").split())


def test_markup_in_a_name_is_shown_as_it_is(tmp_path: Path, vocnlp: CommandLine, tiny_bundle: Path) -> None:
    source = write_csv(tmp_path / "[red]a[bold].csv", [{"[bold]评论[/]": "味道很好"}])
    ended = vocnlp("score", source, "-o", tmp_path / "b.csv", "--bundle", tiny_bundle)
    assert (ended.code, "[red]a[bold].csv" in ended.err, "[bold]评论[/]" in ended.err) == (0, True, True)
    assert next(iter(read_csv(tmp_path / "b.csv")[0])) == "[bold]评论[/]"
    ended = vocnlp("score", tmp_path / "[red]none.csv", "-o", tmp_path / "c.csv", "--bundle", tiny_bundle)
    assert "[red]none.csv: no such file" in ended.err
