"""Bundles whose encoder has settings that mean nothing, or parts of another: refused when they are loaded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_bundle_refused import refused, sealed

from vocnlp.encoder import GRAPH, VOCABULARY, Encoder

SHIPPED = Path(__file__).parents[1] / "models" / "voc-zh-small"


def parts() -> tuple[tuple[str, ...], dict[str, bytes], dict[str, Any]]:
    manifest = json.loads((SHIPPED / "manifest.json").read_text(encoding="utf-8"))
    files = {name: (SHIPPED / name).read_bytes() for name in (GRAPH, VOCABULARY)}
    return tuple(manifest["codes"]), files, manifest["settings"]["encoder"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"window": 2}, "a window of 2 tokens; it must be 3 to 2,048"),
        ({"window": -5}, "a window of -5 tokens; it must be 3 to 2,048"),
        ({"window": 100_000}, "a window of 100000 tokens; it must be 3 to 2,048"),
        ({"window": 64.5}, "window and marks must be whole numbers"),
        ({"marks": [True, 3]}, "window and marks must be whole numbers"),
        ({"marks": ["a", 3]}, "window and marks must be whole numbers"),
        ({"marks": [-1, 3]}, "marks -1 and 3, and 24000 words in tokenizer.json"),
        ({"marks": [2, 24000]}, "marks 2 and 24000, and 24000 words in tokenizer.json"),
        ({"slope": float("nan")}, "slope, shift and mood_slope must be finite numbers"),
        ({"mood_slope": [1.0, float("inf")]}, "slope, shift and mood_slope must be finite numbers"),
    ],
)
def test_settings_of_an_encoder_that_mean_nothing_are_refused(change: dict[str, Any], told: str) -> None:
    codes, files, settings = parts()
    with pytest.raises(ValueError, match=r"^") as caught:
        Encoder.from_files(codes, files, {**settings, **change})
    assert str(caught.value) == told


def test_a_window_that_the_graph_cannot_read_is_refused_where_a_comment_would_be(
    capfd: pytest.CaptureFixture[str],
) -> None:
    codes, files, settings = parts()
    with pytest.raises(ValueError, match=r"^the graph reads no window of 257 tokens: "):
        Encoder.from_files(codes, files, {**settings, "window": 257})
    assert capfd.readouterr() == ("", "")  # the library says nothing of its own


def test_a_code_that_stands_twice_is_refused() -> None:
    codes, files, settings = parts()
    with pytest.raises(ValueError, match=r"^two of its codes are the same$"):
        Encoder.from_files((codes[0], *codes[:-1]), files, settings)


def test_a_tokenizer_of_far_fewer_words_than_the_graph_is_refused() -> None:
    codes, files, settings = parts()
    content = json.loads(files[VOCABULARY])
    content["model"]["vocab"] = content["model"]["vocab"][:5000]
    less = {**files, VOCABULARY: json.dumps(content).encode()}
    with pytest.raises(ValueError, match=r"^the encoder knows far more words than the 5000 of tokenizer.json$"):
        Encoder.from_files(codes, less, settings)


def test_a_tokenizer_that_cuts_and_fills_up_changes_no_score() -> None:
    codes, files, settings = parts()
    content = json.loads(files[VOCABULARY])
    content["truncation"] = {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0}
    content["padding"] = {
        "strategy": {"Fixed": 64}, "direction": "Right", "pad_to_multiple_of": None,
        "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]",
    }  # fmt: skip
    other = {**files, VOCABULARY: json.dumps(content).encode()}
    lines = [["汤底很鲜", "可是上菜慢得离谱"], ["收银台的阿姨特别热心，还帮我找零钱"]]
    one, two = (Encoder.from_files(codes, some, settings).score(lines) for some in (files, other))
    assert one.sentiment is not None
    assert two.sentiment is not None
    for name in ("sentiment", "mention", "polarity", "clause"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_a_bundle_with_such_settings_is_refused_as_one_whose_parts_do_not_fit(tmp_path: Path) -> None:
    copy = Path(shutil.copytree(SHIPPED, tmp_path / "small", ignore=shutil.ignore_patterns("model.safetensors")))

    def narrow(manifest: dict[str, Any]) -> None:
        manifest["files"].pop("model.safetensors", None)
        manifest["settings"]["encoder"]["window"] = 1

    told = "the parts of the bundle do not fit together: a window of 1 tokens; it must be 3 to 2,048"
    assert refused(sealed(copy, narrow)) == told
