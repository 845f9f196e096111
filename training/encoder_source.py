"""Where a fine-tuning starts: any Hugging Face encoder, from a folder, a bundle or the hub. Weights are data, never code."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoConfig, AutoModel, PreTrainedModel
from transformers.utils import logging

from vocnlp.encoder import VOCABULARY
from vocnlp.errors import InputError
from vocnlp.windows import Marks

from .starts import NEEDED, check_folder, hub_of

WEIGHTS, SETTINGS = "model.safetensors", "tokenizer_config.json"
HEADS = "tagger."  # before the names of the tagger's own weights, in the same file as the encoder's
_WINDOW = 256
_PATIENCE = 15.0  # seconds for the hub's first answer
_ROBERTA = ("roberta", "xlm-roberta", "camembert")
_POOLERS = ("bert", "ernie", *_ROBERTA)  # whose pooler would be a random layer that nobody reads


@dataclass(frozen=True)
class EncoderSource:
    """An encoder to start from. vocabulary: the bytes of its tokenizer.json; settings: of its tokenizer_config.json; heads: those of a tagger, if it was one;
    codes: the codes the heads are of; window: tokens it can read at once; mask: the token that hides a word, if any."""

    name: str
    model: PreTrainedModel
    vocabulary: bytes
    marks: Marks
    window: int
    heads: dict[str, Tensor]
    codes: tuple[str, ...] = ()
    mask: int | None = None
    settings: bytes | None = None


def load_source(name: str, *, codes: tuple[str, ...] = ()) -> EncoderSource:
    """An encoder by folder, or by hub id with its revision pinned: ``OWNER/NAME@REVISION``.

    InputError for pickled weights, for code of its own, for a missing tokenizer.json, and for a hub id without revision.
    """
    folder = Path(name) if Path(name).is_dir() else _fetched(name)
    check_folder(folder)
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        less = {"add_pooling_layer": False} if config.model_type in _POOLERS else {}
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # weights of heads that are not wanted, and the like
        model = AutoModel.from_pretrained(
            folder, config=config, use_safetensors=True, trust_remote_code=False, local_files_only=True, **less
        )
        tensors = load_file(folder / WEIGHTS)
    except (OSError, ValueError, SafetensorError, KeyError) as error:
        raise InputError(f"is no encoder that can be loaded: {error}", path=folder, hint=NEEDED) from error
    heads = {key.removeprefix(HEADS): value.float() for key, value in tensors.items() if key.startswith(HEADS)}
    vocabulary = (folder / VOCABULARY).read_bytes()
    window = min(_WINDOW, int(getattr(model.config, "max_position_embeddings", _WINDOW)) - 2 * _offset(model))
    marks, mask = _marks(folder, vocabulary)
    settings = (folder / SETTINGS).read_bytes() if (folder / SETTINGS).is_file() else None
    return EncoderSource(name, model.float(), vocabulary, marks, window, heads, codes, mask, settings)


_NAMES = (
    ("[CLS]", "[SEP]", "[MASK]"),
    ("<s>", "</s>", "<mask>"),
    ("<|cls|>", "<|sep|>", "<|mask|>"),
    ("<bos>", "<eos>", "<mask>"),
)


def _offset(model: PreTrainedModel) -> int:
    """RoBERTa's kin count positions from behind the padding."""
    return 1 if model.config.model_type in _ROBERTA else 0


def _fetched(name: str) -> Path:
    hub, revision = hub_of(name)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    wanted = ["config.json", WEIGHTS, VOCABULARY, SETTINGS]
    why = _unreachable(hub, revision)
    try:
        return Path(snapshot_download(hub, revision=revision, allow_patterns=wanted, local_files_only=bool(why)))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        hint = "check the network, or copy the encoder's folder here and give its path"
        raise InputError(f"cannot be fetched: {why or error}", path=name, hint=hint) from error


def _unreachable(hub: str, revision: str) -> str:
    """Why the hub does not answer, "" if it does. The library itself would try again for minutes."""
    from huggingface_hub import HfApi

    told: list[str] = []

    def ask() -> None:
        try:
            HfApi().repo_info(hub, revision=revision, timeout=_PATIENCE)
            told.append("")
        except Exception as error:  # whatever it is, it goes into the message
            told.append(" ".join(str(error).split()) or type(error).__name__)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_PATIENCE)
    return told[0] if told else f"the hub did not answer within {_PATIENCE:g} seconds"


def _marks(folder: Path, vocabulary: bytes) -> tuple[Marks, int | None]:
    """The ids of what begins a text, what ends a part of it and what hides a word, whatever this tokenizer calls them."""
    from tokenizers import Tokenizer

    try:
        tokenizer: Any = Tokenizer.from_buffer(vocabulary)
    except Exception as error:  # the library raises nothing narrower
        hint = "save its fast tokenizer into the same folder"
        raise InputError(f"is no tokenizer that can be loaded: {error}", path=folder / VOCABULARY, hint=hint) from error
    for begin, stop, mask in _NAMES:
        ids = tokenizer.token_to_id(begin), tokenizer.token_to_id(stop)
        if None not in ids:
            return Marks(*ids), tokenizer.token_to_id(mask)
    raise InputError(
        "its tokenizer has no [CLS] and [SEP], nor <s> and </s>", path=folder, hint="choose another encoder"
    )
