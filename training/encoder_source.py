"""Where a fine-tuning starts: any Hugging Face encoder, from a folder, a bundle or the hub. Weights are data, never code."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoConfig, AutoModel, PreTrainedModel
from transformers.utils import logging

from vocnlp.encoder import VOCABULARY
from vocnlp.errors import InputError
from vocnlp.windows import Marks, tokenizer_of

from .encoder_net import OUTCOMES
from .starts import NEEDED, check_folder, hub_of
from .steps import broken

WEIGHTS, SETTINGS, _CONFIG = "model.safetensors", "tokenizer_config.json", "config.json"
HEADS = "tagger."  # before the names of the tagger's own weights, in the same file as the encoder's
_WINDOW, _LEAST = 256, 8
_PLACES = "max_position_embeddings"
_TOGETHER = "take configuration, weights and tokenizer of one encoder, as save_pretrained writes them together"
_ONE = "choose a network that reads a text as a whole, as BERT does"
_NUMBER = re.compile(r"\d+")
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

    InputError for pickled weights, for code of its own, for a missing tokenizer.json, for a hub id without revision, and where
    configuration, weights, tokenizer and codes are not of one encoder.
    """
    folder = Path(name) if Path(name).is_dir() else _fetched(name)
    check_folder(folder)
    model, tensors = _model(folder)
    heads = {key.removeprefix(HEADS): value.float() for key, value in tensors.items() if key.startswith(HEADS)}
    _check_heads(folder, heads, codes, model)
    vocabulary = (folder / VOCABULARY).read_bytes()
    marks, mask = _marks(folder, vocabulary, model)
    settings = (folder / SETTINGS).read_bytes() if (folder / SETTINGS).is_file() else None
    return EncoderSource(name, model.float(), vocabulary, marks, _window(folder, model), heads, codes, mask, settings)


def _model(folder: Path) -> tuple[Any, dict[str, Tensor]]:
    """The encoder with the weights of its folder, and all that lies beside these. InputError where some would be drawn by chance."""
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # weights of heads that are not wanted, and the like
    file = folder / _CONFIG
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        if config.is_encoder_decoder:
            raise InputError("is of two networks", path=file, column="model_type", value=config.model_type, hint=_ONE)
        file = folder
        less = {"add_pooling_layer": False} if config.model_type in _POOLERS else {}
        tensors = load_file(folder / WEIGHTS)
        model, found = AutoModel.from_pretrained(
            folder, config=config, use_safetensors=True, trust_remote_code=False, local_files_only=True,
            output_loading_info=True, ignore_mismatched_sizes=True, **less,
        )  # fmt: skip
    except (OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError,
            SafetensorError, StrictDataclassError) as error:  # fmt: skip
        told = f"is no encoder that can be loaded: {' '.join(str(error).split())}"
        raise InputError(told, path=file, hint=NEEDED) from error
    for tensor, here, there in sorted(found["mismatched_keys"]):
        said = f"is of shape {tuple(here)}, but by {_CONFIG} of {tuple(there)}"
        raise InputError(said, path=folder / WEIGHTS, column=tensor, hint=_TOGETHER)
    if missing := sorted(key for key in found["missing_keys"] if "pooler." not in key):  # a pooler is not read
        said = f"lacks {len(missing)} weights that {_CONFIG} asks for, which would be drawn by chance"
        raise InputError(said, path=folder / WEIGHTS, value=", ".join(missing[:3]), hint=_TOGETHER)
    _check_layers(folder, model, found["unexpected_keys"])
    if lost := broken({**model.state_dict(), **tensors}):
        hint = "its training ran away: take an earlier one"
        raise InputError("holds what is no number", path=folder / WEIGHTS, column=lost, hint=hint)
    return model, tensors


def _check_layers(folder: Path, model: Any, more: Iterable[str]) -> None:
    """InputError where the weights are of more layers than the configuration names: the last ones would be left out.

    Weights of other parts, as heads of pretraining, are not wanted here and may be there.
    """
    ours = {_NUMBER.sub("N", name) for name in model.state_dict()}
    prefix = f"{model.base_model_prefix}."
    if layers := sorted(name for name in more if _NUMBER.sub("N", name.removeprefix(prefix)) in ours):
        said = f"holds {len(layers)} weights of layers that {_CONFIG} does not name, which would be left out"
        raise InputError(said, path=folder / WEIGHTS, value=", ".join(layers[:3]), hint=_TOGETHER)


def _check_heads(folder: Path, heads: Mapping[str, Tensor], codes: Sequence[str], model: PreTrainedModel) -> None:
    """InputError where the heads are not those of the codes: those of one code would be taken for another's."""
    wanted = ((1 + OUTCOMES) * len(codes), int(model.config.hidden_size))
    for name, shape in (("heads.weight", wanted), ("heads.bias", wanted[:1])):
        if codes and "heads.weight" in heads and (name not in heads or tuple(heads[name].shape) != shape):
            there = tuple(heads[name].shape) if name in heads else "missing"
            told = f"is {there}, and the {len(codes)} codes under id2label in {_CONFIG} need {shape}"
            raise InputError(told, path=folder / WEIGHTS, column=f"{HEADS}{name}", hint=_TOGETHER)


def _window(folder: Path, model: PreTrainedModel) -> int:
    """Tokens that it can read at once, at most. A batch is filled up to a multiple of eight, so it is one."""
    places = getattr(model.config, _PLACES, _WINDOW)
    if isinstance(places, bool) or not isinstance(places, int) or places < _LEAST + 2 * _offset(model):
        told = f"must be a whole number, {_LEAST + 2 * _offset(model)} or more"
        raise InputError(told, path=folder / _CONFIG, column=_PLACES, value=str(places), hint="choose another encoder")
    return min(_WINDOW, places - 2 * _offset(model)) // _LEAST * _LEAST


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

    wanted = [_CONFIG, WEIGHTS, VOCABULARY, SETTINGS]
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


def _marks(folder: Path, vocabulary: bytes, model: Any) -> tuple[Marks, int | None]:
    """The ids of what begins a text, what ends a part of it and what hides a word, whatever this tokenizer calls them.

    InputError for a tokenizer without them, or with words that the encoder has no vector for.
    """
    try:
        tokenizer = tokenizer_of(vocabulary)
    except Exception as error:  # the library raises nothing narrower
        hint = "save its fast tokenizer into the same folder"
        raise InputError(f"is no tokenizer that can be loaded: {error}", path=folder / VOCABULARY, hint=hint) from error
    words, last = len(model.get_input_embeddings().weight), max(tokenizer.get_vocab().values(), default=0)
    if last >= words:
        told = f"numbers its words up to {last}, and the encoder has vectors of {words}"
        value = tokenizer.id_to_token(last)
        raise InputError(told, path=folder / VOCABULARY, value=value, hint="put the tokenizer of these weights there")
    for begin, stop, mask in _NAMES:
        ids = tokenizer.token_to_id(begin), tokenizer.token_to_id(stop)
        if None not in ids:
            return Marks(*ids), tokenizer.token_to_id(mask)
    raise InputError(
        "its tokenizer has no [CLS] and [SEP], nor <s> and </s>", path=folder, hint="choose another encoder"
    )
