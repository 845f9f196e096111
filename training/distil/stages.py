"""The stages of a distillation, each with its result in the work folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from vocnlp.encoder import VOCABULARY
from vocnlp.training.encoder_train import tagger_files
from vocnlp.training.pretrain.stages import write_tokenizer
from vocnlp.training.starts import PRETRAINING
from vocnlp.whole_files import write_whole

from .batches import Setting, comment_batches, corpus_batches
from .learner import Learner
from .looks import figures
from .numbers import DEV, LABELLED_SETS, TRAIN, joined, load_comments, load_corpus
from .packed import compiled, plain_kernels
from .phases import Epochs, Part, Step, growing, passing_on, tuning
from .plan import Phase, Plan, Shape
from .prepare import BEGIN, NAMES
from .widening import widened

PASSED_ON, STUDENT, SPENT = "passed_on.safetensors", "student.safetensors", "spent.json"
_FAR = 1000  # epochs of a part begin so far from those of another that no order comes twice


def learn(
    plan: Plan, work: Path, *, device: str, tell: Callable[[str, float], None], save_every: float = 300.0
) -> dict[str, Any]:
    """From the numbers in ``work`` to the student's weights there; returns what it cost and what it came to."""
    way = _Way(plan, work, device, tell, save_every)
    setting, whole, comments = way.setting, way.whole, way.comments
    teacher = way.learner(plan.teacher)
    step = growing(setting, teacher, whole, plan.grow)
    if plan.teacher_goes_on:
        teacher.tagger.load_state_dict(widened(load_file(work / BEGIN), plan.student, plan.teacher, plan.seed))
        step = passing_on(setting, teacher, way.start(), whole, plan.grow)
    way.go("grow", teacher, plan.grow, step, way.texts(plan.grow))
    way.go("tune", teacher, plan.tune, tuning(setting, teacher, comments, plan.tune), way.labels(plan.tune, salt=1))
    teacher.eval()
    student = way.learner(plan.student, like=plan.teacher.width)
    if plan.goes_on:
        student.tagger.load_state_dict(way.start().tagger.state_dict())
    else:
        _begin(student, teacher)
    step = passing_on(setting, student, teacher, whole, plan.pass_on)
    way.go("pass_on", student, plan.pass_on, step, way.texts(plan.pass_on, begin=_FAR))
    _save(student, work / PASSED_ON)
    step = tuning(setting, student, comments, plan.finish, teacher)
    way.go("finish", student, plan.finish, step, way.labels(plan.finish, salt=2))
    _save(student, work / STUDENT)
    return way.spent


class _Way:
    """What the parts share: the numbers, on the device, and the account of what was spent."""

    def __init__(self, plan: Plan, work: Path, device: str, tell: Callable[[str, float], None], every: float) -> None:
        names, size = _read(work / NAMES), _read(work / "vocabulary.json")["size"]
        self.plan, self.work, self._tell, self._every = plan, work, tell, every
        self._sources, self._codes = names["sources"], len(names["codes"])
        corpus = load_corpus(work / "corpus", device)
        self.comments = load_comments(work / LABELLED_SETS, TRAIN, device)
        self._dev = load_comments(work / LABELLED_SETS, DEV, device)
        self.whole = joined(corpus, self.comments)
        starred = (corpus.stars > 0).cpu().numpy()
        often = np.where(starred, plan.repeats["starred"], plan.repeats["plain"])
        self._times = np.pad(
            often, (0, len(self.whole.length) - len(often)), constant_values=plan.repeats["labelled"]
        ).astype(np.int64)
        plain = plain_kernels(device)
        fixed = compiled(plain) if device == "cuda" else plain
        self.setting = Setting(device, plan.window, size, plan.seed, plain, fixed)
        self.spent: dict[str, Any] = {"device": _device_name(device), "parts": {}, "figures": {}}
        if (work / SPENT).is_file():
            self.spent = _read(work / SPENT)
        epoch = int((self._times * self.whole.length).sum())
        tell(f"{plain.attend.__name__}; {len(self.whole.ids):,} tokens, {epoch:,} in an epoch", 0)

    def learner(self, shape: Shape, *, like: int = 0) -> Learner:
        torch.manual_seed(self.plan.seed)
        made = Learner(shape, self.setting.vocabulary, self._codes, self.plan.window, like=like)
        return made.to(self.setting.device)

    def start(self) -> Learner:
        """The tagger that the plan goes on from."""
        made = self.learner(self.plan.student).eval()
        made.tagger.load_state_dict({name: tensor.float() for name, tensor in load_file(self.work / BEGIN).items()})
        return made

    def texts(self, phase: Phase, *, begin: int = 0) -> Epochs:
        return lambda epoch: corpus_batches(self.setting, self.whole, self._times, phase.batch, begin + epoch)

    def labels(self, phase: Phase, *, salt: int) -> Epochs:
        return lambda epoch: comment_batches(self.setting, self.comments, phase.batch, epoch, salt)

    def go(self, name: str, learner: Learner, phase: Phase, step: Step, epochs: Epochs) -> None:
        """One part, if it has not been gone already, and a look at what it came to."""
        part = Part(name, self.work, self.setting, learner, phase)
        part.run(epochs, step, self._tell, save_every=self._every)
        if name in self.spent["parts"]:
            return
        position = part.position
        cost = {"tokens": position.tokens, "steps": position.step, "seconds": round(position.seconds, 1)}
        self.spent["parts"][name] = cost
        self.spent["figures"][name] = figures(self.setting, learner, self._dev, self._sources, self.plan.tune.batch)
        write_whole(self.work / SPENT, json.dumps(self.spent, indent=1))
        self._tell(f"{name}: {cost['tokens']:,} tokens in {cost['seconds']:.0f} s", 1)


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@torch.no_grad()
def _begin(student: Learner, teacher: Learner) -> None:
    """The student's word vectors are the teacher's, on the directions in which those differ most."""
    theirs = teacher.table.float()
    _, _, across = torch.linalg.svd(theirs - theirs.mean(0), full_matrices=False)
    shown = theirs @ across[: student.table.shape[1]].T
    student.table.copy_(shown * (theirs.std() / shown.std()))


def _save(learner: Learner, path: Path) -> None:
    tensors = {name: t.detach().cpu().contiguous().clone() for name, t in learner.state_dict().items()}
    save_file(tensors, path)


def _device_name(device: str) -> str:
    return torch.cuda.get_device_name() if device == "cuda" else "cpu"


def write_encoder(plan: Plan, work: Path, folder: Path) -> None:
    """The student as ``AutoModel.from_pretrained`` reads it, with the tagger's heads and the codes they are of.

    Its weights lie on the line between what was passed on and what the labels made of it, where a network has forgotten
    less than at the end (Wortsman et al. 2022).
    """
    codes = _read(work / NAMES)["codes"]
    before, after = load_file(work / PASSED_ON), load_file(work / STUDENT)
    mixed = {name: torch.lerp(before[name], after[name], plan.finished) for name in before}
    student = Learner(plan.student, len(mixed["word_bias"]), len(codes), plan.window, like=plan.teacher.width)
    student.load_state_dict(mixed)
    config = student.tagger.encoder.config
    config.id2label, config.label2id = dict(enumerate(codes)), {code: k for k, code in enumerate(codes)}
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in tagger_files(student.tagger).items():
        (folder / name).write_bytes(content)
    write_tokenizer(work / VOCABULARY, folder, plan.window)
    spent = _read(work / SPENT)
    parts = spent["parts"]
    told: dict[str, Any] = {
        "tokens": parts["pass_on"]["tokens"],
        "steps": sum(one["steps"] for one in parts.values()),
        "hours": round(sum(one["seconds"] for one in parts.values()) / 3600, 2),
        "device": spent["device"],
        "teacher": {
            **{name: value for name, value in vars(plan.teacher).items() if value},
            "tokens": parts["grow"]["tokens"],
            "widened": plan.teacher_goes_on,
        },
    }
    if plan.goes_on or plan.teacher_goes_on:
        with safe_open(work / BEGIN, "pt") as begin:
            told["before"] = json.loads(begin.metadata()["spent"])
    (folder / PRETRAINING).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
