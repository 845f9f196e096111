"""A training in a process of its own, that says when it is far enough to be killed: DATA OUT ENCODER [on]."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import torch

from vocnlp.training import encoder_fit
from vocnlp.training.train import train_bundle


def main(data: str, out: str, encoder: str, *on: str) -> None:
    torch.set_num_threads(1)
    run = encoder_fit.EncoderFit.run

    def often(self: encoder_fit.EncoderFit, *words: object, **named: object) -> None:
        run(self, *words, **{**named, "save_every": 0.0})  # type: ignore[arg-type]

    encoder_fit.EncoderFit.run = often  # type: ignore[method-assign]

    def progress(what: str, share: float) -> None:
        if not on and share > 0.3:
            print("far", flush=True)
            time.sleep(60)  # until it is killed

    train_bundle(Path(data), Path(out), encoder=encoder, dev_parts=4, progress=progress)


if __name__ == "__main__":
    main(*sys.argv[1:])
