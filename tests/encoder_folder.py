"""A tiny encoder as ``save_pretrained`` writes it, made on the spot: real weights of no worth."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from vocnlp.training.labelled import Labelled
from vocnlp.training.pretrain.vocabulary import build_tokenizer, count_words


def write_encoder_folder(path: Path, rows: list[Labelled], *, layers: int = 1, window: int = 24) -> Path:
    """A BERT of layers of 32 whose words are those of the rows; to export one takes a second a layer."""
    tokenizer = build_tokenizer(count_words([(row.text,) for row in rows] * 10), 400)
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=layers, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=window, type_vocab_size=1,
    )  # fmt: skip
    BertModel(config, add_pooling_layer=False).save_pretrained(path)
    names = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(path)
    return path
