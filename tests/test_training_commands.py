"""``vocnlp train`` as an analyst runs it: what it says of the data, what it refuses, what it leaves behind."""

from __future__ import annotations

import csv
import json
import socket
from pathlib import Path

import openpyxl
import pytest
import yaml
from command_line import CommandLine, command_line

from vocnlp import Bundle, Tagger
from vocnlp.errors import InputError
from vocnlp.training import encoder_source
from vocnlp.training.labelled import Labelled

__all__ = ["command_line"]

NAMES = {
    "quality": "质量",
    "taste": "味道",
    "attitude": "服务态度",
    "waiting": "等待时间",
    "delivery": "配送",
    "price": "价格",
}
WORDS = {"positive": "正面", "neutral": "中性", "negative": "负面"}


@pytest.fixture
def frame(tmp_path: Path) -> Path:
    """A flat frame with the corner shop's codes, ids in English and names in Chinese."""
    codes = [{"id": code, "name": name, "definition": f"说到{name}"} for code, name in NAMES.items()]
    content = {"schema": 1, "name": "corner", "version": "2", "codes": codes}
    (tmp_path / "frame.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return tmp_path / "frame.yaml"


@pytest.fixture
def wide(tiny_rows: list[Labelled], tmp_path: Path) -> Path:
    """The voices as an analyst's sheet: one column a code, by its Chinese name."""
    book = openpyxl.Workbook()
    book.active.append(["编号", "评论", *NAMES.values(), "跟进人"])
    for row in tiny_rows:
        said = {tag.code: WORDS[str(tag.polarity)] for tag in row.tags}
        book.active.append([row.id, row.text, *(said.get(code) for code in NAMES), "小李"])
    book.save(tmp_path / "wide.xlsx")
    return tmp_path / "wide.xlsx"


def test_a_sheet_with_chinese_names_trains_codes_of_the_frame(
    wide: Path, frame: Path, tmp_path: Path, vocnlp: CommandLine
) -> None:
    out = tmp_path / "b"
    ended = vocnlp("train", "--data", wide, "--codeframe", frame, "--linear", "--out", out, "--dev-parts", 6)
    assert ended.code == 0
    assert "rows to learn from" in ended.err
    assert "note columns whose names or cells are not those of codes were left out: '跟进人'" in ended.err
    bundle = Bundle.load(out)
    assert bundle.classifier.codes == tuple(NAMES)
    checks = bundle.training["checks"]
    assert [one["kind"] for one in checks["findings"]] == ["columns", "few"]
    assert checks["rows"] + checks["dev_rows"] == 63
    card = (out / "README.md").read_text(encoding="utf-8")
    assert "## Found in the data" in card
    assert f"| 味道 (taste) | {checks['per_code']['taste']} | {bundle.thresholds['taste']:.2f} |" in card
    (prediction,) = Tagger(bundle).tag(["味道很好"])
    assert [tag.code for tag in prediction.tags] == ["taste"]


def test_long_and_wide_tables_give_the_same_model(
    wide: Path, frame: Path, tiny_rows: list[Labelled], tmp_path: Path, vocnlp: CommandLine
) -> None:
    long = tmp_path / "long.csv"
    with long.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["编号", "评论", "标签", "极性"])
        for row in tiny_rows:
            for tag in row.tags:
                writer.writerow([row.id, row.text, NAMES[tag.code], WORDS[str(tag.polarity)]])
            if not row.tags:
                writer.writerow([row.id, row.text, "", ""])
    for name, data in (("w", wide), ("l", long)):
        ended = vocnlp("train", "--data", data, "--codeframe", frame, "--linear", "--out", tmp_path / name)
        assert ended.code == 0, ended.err
    one, two = ((tmp_path / name / "model.safetensors").read_bytes() for name in "wl")
    assert one == two


def test_check_only_checks(wide: Path, frame: Path, vocnlp: CommandLine, tmp_path: Path) -> None:
    sound = vocnlp("train", "--data", wide, "--codeframe", frame, "--check", "--linear")
    assert (sound.code, sound.out) == (0, "nothing stands in the way of training\n")
    content = yaml.safe_load(frame.read_text(encoding="utf-8"))
    content["codes"][1]["name"] = "口味"
    content["codes"][1]["id"] = "flavour"
    frame.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    unsound = vocnlp("train", "--data", wide, "--codeframe", frame, "--check", "--linear")
    assert unsound.code == 2
    assert "refused the codeframe corner has no such code: '味道'" in unsound.err
    assert "row 11, 12, 13, 14, 15, ..." in unsound.err
    assert {path.name for path in tmp_path.iterdir()} == {"frame.yaml", "wide.xlsx"}


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--linear", "--dev", "wide.xlsx"), "nothing can be learnt from 0 comment(s): at least 8 are needed; 63 more are development rows, too"),
        (("--encoder", "nosuch"), "nosuch: no such folder"),
        (("--encoder", "some/encoder"), "no such folder, and a hub id needs its revision"),
        (("--encoder", "."), "holds no config.json, so it is no encoder"),
        (("--noisy-labels", "--encoder", "some/encoder@0123abc"), "where each comment has one code of several"),
    ],
)  # fmt: skip
def test_check_refuses_what_training_refuses(
    wide: Path, frame: Path, vocnlp: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    more: tuple[str, ...], told: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    given = ("train", "--data", wide, "--codeframe", frame, *more)
    checked, trained = vocnlp(*given, "--check"), vocnlp(*given, "--out", tmp_path / "b")
    assert (checked.code, checked.out, trained.code) == (2, "", 2)
    last = [line for line in checked.err.splitlines() if line.startswith("error: ")]
    assert last == [line for line in trained.err.splitlines() if line.startswith("error: ")]
    assert told in last[0]


def test_half_a_surrogate_pair_is_learnt_from_like_any_text(
    tiny_rows: list[Labelled], tmp_path: Path, vocnlp: CommandLine
) -> None:
    data, out = tmp_path / "d.jsonl", tmp_path / "b"
    lines = [{"text": f"{row.text}\ud83d", "tags": [{"code": tag.code} for tag in row.tags]} for row in tiny_rows]
    data.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    ended = vocnlp("train", "--data", data, "--linear", "--dev-parts", 6, "--out", out)
    assert ended.code == 0, ended.err
    assert Bundle.load(out).training["checks"]["profile"]["simplified"] == 1.0


def test_a_folder_in_place_of_labelled_rows_is_refused_in_words(tmp_path: Path, vocnlp: CommandLine) -> None:
    (tmp_path / "d.jsonl").mkdir()
    ended = vocnlp("train", "--data", tmp_path / "d.jsonl", "--linear", "--out", tmp_path / "b")
    assert (ended.code, ended.err.splitlines()[0]) == (2, f"error: {tmp_path}/d.jsonl: cannot be read: Is a directory")


def test_development_data_of_ones_own_measures_and_is_not_learnt_from(
    tiny_rows: list[Labelled], tmp_path: Path, vocnlp: CommandLine
) -> None:
    def written(name: str, rows: list[Labelled]) -> Path:
        lines = [
            {"text": row.text, "tags": [{"code": tag.code, "polarity": tag.polarity} for tag in row.tags]}
            for row in rows
        ]
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
        return path

    train, dev = written("all", tiny_rows), written("may", tiny_rows[::6])
    ended = vocnlp("train", "--data", train, "--dev", dev, "--linear", "--out", tmp_path / "b")
    assert ended.code == 0
    assert "warning 11 of 11 development rows also stand in the training data" in ended.err
    bundle = Bundle.load(tmp_path / "b")
    assert (bundle.training["rows"], bundle.training["held_out"], bundle.training["measured_on"]) == (52, 11, "may")
    assert list(bundle.figures) == ["may"]
    assert bundle.figures["may"]["rows"] == 11


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (
            ['{"text": "好", "tags": [{"code": "a", "polarity": "positive"}]}'] * 3,
            "nothing can be learnt from 3 comment(s)",
        ),
        (['{"text": "好", "tags": [{"code": "a", "polarity": "positive"}]}'] * 30, "all 30 comments are the same text"),
        (
            [f'{{"text": "第{n}家店", "tags": [{{"code": "a", "polarity": "positive"}}]}}' for n in range(30)],
            "no code stands in two comments and is absent from one",
        ),
        (
            ['{"text": "好", "tags": [{"code": "a", "polarity": "棒"}]}'] * 3,
            "row 1, column 'polarity': not a polarity; 2 more",
        ),
    ],
)
def test_data_that_teach_nothing_are_refused_in_words(
    lines: list[str], told: str, tmp_path: Path, vocnlp: CommandLine
) -> None:
    data = tmp_path / "d.jsonl"
    data.write_text("\n".join(lines), encoding="utf-8")
    ended = vocnlp("train", "--data", data, "--linear", "--dev-parts", 0, "--out", tmp_path / "b")
    assert ended.code == 2
    assert told in ended.err
    assert "next step: " in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["d.jsonl"]


def test_where_to_write_is_known_before_anything_is_learnt(wide: Path, tmp_path: Path, vocnlp: CommandLine) -> None:
    assert "--out is missing" in vocnlp("train", "--data", wide, "--linear").err
    assert (
        "the folder does not exist" in vocnlp("train", "--data", wide, "--linear", "--out", tmp_path / "no" / "b").err
    )


def test_a_bundle_of_another_frame_says_what_goes_on_and_what_begins_anew(
    tiny_bundle: Path, wide: Path, frame: Path, vocnlp: CommandLine
) -> None:
    content = yaml.safe_load(frame.read_text(encoding="utf-8"))
    content["codes"][5]["id"] = "cost"
    frame.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    ended = vocnlp("train", "--data", wide, "--codeframe", frame, "--check", "--init", tiny_bundle)
    assert (ended.code, ended.out) == (2, "")  # a linear bundle has no encoder to go on with
    assert "holds no config.json, so it is no encoder" in ended.err
    assert "5 of 6 codes go on from what corner-shop@0.1.0" in ended.err
    assert "anew begin: cost" in ended.err
    assert "knows 1 more code(s) that the new bundle will not: price" in ended.err


def test_a_hub_that_is_silent_or_refuses_is_told_without_a_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder_source, "_PATIENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(InputError, match=r"cannot be fetched: the hub did not answer within 0.3 seconds") as caught:
            encoder_source.load_source("somebody/some-encoder@0123abc")
    assert "copy the encoder's folder here" in caught.value.hint
