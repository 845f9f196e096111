"""The stages of a distillation, each with its result in the work folder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from vocnlp.encoder import VOCABULARY
from vocnlp.training.encoder_source import HEADS, WEIGHTS
from vocnlp.training.pretrain.stages import PROBE, write_tokenizer
from vocnlp.training.steps import TrainingError
from vocnlp.training.train import PRETRAINING

from .batches import Setting, comment_batches, corpus_batches
from .learner import Learner
from .looks import figures
from .numbers import DEV, TRAIN, joined, load_comments, load_corpus
from .packed import compiled, plain_kernels
from .phases import Part, growing, passing_on, tuning
from .plan import Plan
from .prepare import NAMES

TEACHER, STUDENT, SPENT = "teacher.safetensors", "student.safetensors", "spent.json"
_LABELLED = "labelled"


def learn(
    plan: Plan, work: Path, *, device: str, tell: Callable[[str, float], None], save_every: float = 300.0
) -> dict[str, Any]:
    """From the numbers in ``work`` to the student's weights there; returns what it cost and what it came to."""
    names = json.loads((work / NAMES).read_text(encoding="utf-8"))
    vocabulary = int(json.loads((work / "vocabulary.json").read_text(encoding="utf-8"))["size"])
    corpus, comments = load_corpus(work / "corpus", device), load_comments(work / _LABELLED, TRAIN, device)
    dev = load_comments(work / _LABELLED, DEV, device)
    whole = joined(corpus, comments)
    stars = corpus.stars.cpu().numpy()
    kinds = [np.where(stars > 0, plan.repeats["starred"], plan.repeats["plain"])]
    kinds += [np.full(len(whole.length) - len(stars), plan.repeats["labelled"])]
    times = np.concatenate(kinds).astype(np.int64)
    plain = plain_kernels(device)
    fixed = compiled(plain) if device == "cuda" else plain
    tell(
        f"attention: {plain.attend.__name__}; {len(whole.ids):,} tokens, {int((times * whole.length).sum()):,} an epoch",
        0,
    )
    setting = Setting(device, plan.window, vocabulary, plan.seed, plain, fixed)
    spent: dict[str, Any] = {"device": _device_name(device), "parts": {}, "figures": {}}
    if (work / SPENT).is_file():  # parts that stand are not gone through again
        spent = json.loads((work / SPENT).read_text(encoding="utf-8"))
    codes = len(names["codes"])

    def made(shape: Any, like: int = 0) -> Learner:
        torch.manual_seed(plan.seed)
        return Learner(shape, vocabulary, codes, plan.window, like=like).to(device)

    def run(part: Part, epochs: Any, step: Any) -> None:
        begun = time.monotonic()
        part.run(epochs, step, tell, save_every=save_every)
        if not all(bool(torch.isfinite(p).all()) for p in part.learner.parameters()):
            raise TrainingError(f"{part.name}: weights are no numbers", hint="lower the rate in the recipe")
        position = part.position
        spent["parts"][part.name] = {
            "tokens": position.tokens, "steps": position.step, "seconds": round(position.seconds, 1),
        }  # fmt: skip
        spent["figures"][part.name] = figures(setting, part.learner, dev, names["sources"], plan.tune.batch)
        tell(f"{part.name}: {time.monotonic() - begun:.0f} s; {json.dumps(_told(spent['figures'][part.name]))}", 1)
        (work / SPENT).write_text(json.dumps(spent, indent=1), encoding="utf-8")

    teacher = made(plan.teacher)
    if (work / TEACHER).is_file():
        teacher.load_state_dict(load_file(work / TEACHER, device=device))
    else:
        run(
            Part("grow", work, setting, teacher, plan.grow),
            lambda epoch: corpus_batches(setting, whole, times, plan.grow.batch, epoch),
            growing(setting, teacher, whole, plan.grow),
        )
        run(
            Part("tune", work, setting, teacher, plan.tune),
            lambda epoch: comment_batches(setting, comments, plan.tune.batch, epoch),
            tuning(setting, teacher, comments, plan.tune),
        )
        _save(teacher, work / TEACHER)
    teacher.eval()
    student = made(plan.student, like=plan.teacher.width)
    _begin(student, teacher)
    run(
        Part("pass_on", work, setting, student, plan.pass_on),
        lambda epoch: corpus_batches(setting, whole, times, plan.pass_on.batch, epoch + 1000),
        passing_on(setting, student, teacher, whole, plan.pass_on),
    )
    _save(student, work / f"passed_on_{STUDENT}", half=True)
    run(
        Part("finish", work, setting, student, plan.finish),
        lambda epoch: comment_batches(setting, comments, plan.finish.batch, epoch, salt=2),
        tuning(setting, student, comments, plan.finish, teacher),
    )
    _save(student, work / STUDENT, half=True)
    return spent


@torch.no_grad()
def _begin(student: Learner, teacher: Learner) -> None:
    """The student's word vectors are the teacher's, on the directions in which those differ most."""
    theirs = teacher.table.float()
    _, _, across = torch.linalg.svd(theirs - theirs.mean(0), full_matrices=False)
    shown = theirs @ across[: student.table.shape[1]].T
    student.table.copy_(shown * (theirs.std() / shown.std()))


def _save(learner: Learner, path: Path, *, half: bool = False) -> None:
    tensors = {name: t.detach().cpu().contiguous().clone() for name, t in learner.state_dict().items()}
    save_file({name: t.half() if half and t.is_floating_point() else t for name, t in tensors.items()}, path)


def _told(found: dict[str, dict[str, float]]) -> dict[str, Any]:
    """Of the public sets alone, for the log."""
    return {
        name[:14]: [v for k, v in one.items() if k != "comments"]
        for name, one in found.items()
        if name[:3] != "own" and len(one) > 1
    }


def _device_name(device: str) -> str:
    return torch.cuda.get_device_name() if device == "cuda" else "cpu"


def write_encoder(plan: Plan, work: Path, folder: Path) -> None:
    """The student as ``AutoModel.from_pretrained`` reads it, with the tagger's heads and the codes they are of.

    Its weights lie on the line between what was passed on and what the labels made of it, where a network has forgotten
    less than at the end (Wortsman et al. 2022).
    """
    names = json.loads((work / NAMES).read_text(encoding="utf-8"))
    before, after = load_file(work / f"passed_on_{STUDENT}"), load_file(work / STUDENT)
    mixed = {name: torch.lerp(before[name].float(), after[name].float(), plan.finished) for name in before}
    vocabulary = len(mixed["word_bias"])
    student = Learner(plan.student, vocabulary, len(names["codes"]), plan.window, like=plan.teacher.width)
    student.load_state_dict(mixed)
    encoder = student.tagger.encoder
    encoder.config.id2label = dict(enumerate(names["codes"]))
    encoder.config.label2id = {code: k for k, code in enumerate(names["codes"])}
    encoder.half().save_pretrained(folder)
    heads = {name: t for name, t in student.tagger.state_dict().items() if not name.startswith("encoder.")}
    whole = load_file(folder / WEIGHTS) | {f"{HEADS}{name}": t.half().contiguous() for name, t in heads.items()}
    save_file(whole, folder / WEIGHTS, metadata={"format": "pt"})
    write_tokenizer(work / VOCABULARY, folder, plan.window)
    spent = json.loads((work / SPENT).read_text(encoding="utf-8"))
    parts = spent["parts"]
    told = {
        "tokens": parts["pass_on"]["tokens"],
        "steps": sum(one["steps"] for one in parts.values()),
        "hours": round(sum(one["seconds"] for one in parts.values()) / 3600, 2),
        "device": spent["device"],
        "probe": spent["figures"]["finish"].get(PROBE, {}).get("sentiment"),
        "teacher": {**vars(plan.teacher), "tokens": parts["grow"]["tokens"]},
    }
    (folder / PRETRAINING).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
