"""From reviewed comments and a bundle to a bundle that knows more codes: behind ``vocnlp train --few``."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from vocnlp.bundle import Bundle
from vocnlp.processes import cores
from vocnlp.tagger import Tagger

from .card import model_card
from .few import Few, check_few, train_few
from .linear_fit import Progress
from .preparing import Prepared
from .train import measure


def train_few_prepared(
    prepared: Prepared, out: Path, *, force: bool = False, progress: Progress = lambda what, share: None
) -> Bundle:
    """Teach the bundle that training starts from the codes that it lacks, measure and save.

    InputError of what the checks refuse, and as in ``few.train_few``; OutputError if ``out`` exists.
    """
    prepared.checked.refuse(prepared.path)
    plan, begun = prepared.plan, time.perf_counter()
    base = Bundle.load(prepared.start)
    few = train_few(prepared.train, plan.frame, base, progress=progress)
    own = prepared.own
    origin = base.training.get("few", {}).get("base", base.label)
    training = {
        "rows": len(prepared.train),
        "held_out": len(prepared.dev),
        "sets": [{"name": prepared.path.stem}],
        "not_learnt": [code for code in few.classifier.new if code not in few.taught],
        "checks": prepared.checked.to_dict(),
        "seconds": round(time.perf_counter() - begun, 1),
        "cores": cores(),
        "features": 0 if few.classifier.heads is None else len(few.classifier.heads.vocabulary.hashes),
        "few": {"base": origin, "taught": few.taught},
        **(
            {}
            if own is None
            else {"measured_on": (own.dev or own.data).stem, "dev_parts": 0 if own.dev else own.dev_parts}
        ),
    }
    progress("measuring", 0.95)
    kept = base.outgrown & set(few.classifier.kept)
    same = frozenset(code for code in kept if plan.frame[code].keywords == base.codeframe[code].keywords)
    draft = Bundle(plan.name, plan.version, plan.frame, few.classifier, few.thresholds, {}, training, same)
    bundle = replace(draft, figures=measure(Tagger(draft), prepared.dev, per_code=True))
    return bundle.save(out, card=model_card(bundle) + _taught(few, origin), force=force)


def check_few_prepared(prepared: Prepared) -> None:
    """InputError where ``train_few_prepared`` would refuse; nothing is learnt."""
    prepared.checked.refuse(prepared.path)
    check_few(prepared.train, prepared.plan.frame, Bundle.load(prepared.start))


def _taught(few: Few, origin: str) -> str:
    rows = "\n".join(f"| {code} | {count:,} |" for code, count in few.taught.items())
    defined = [code for code in few.classifier.new if code not in few.taught]
    rest = f"\n\nBy their definitions alone: {', '.join(defined)}." if defined else ""
    return f"""
## Taught by few comments

On top of {origin}, whose encoder and own codes are unchanged ({len(few.classifier.kept)} of them are in this codeframe).
Comments chosen for review are not a sample of all comments: confidences are calibrated on them alone.

| code | comments with it |
|---|--:|
{rows}{rest}
"""
