"""The model card: what a bundle is, what it was made from, what it was measured at, and what it must not be used for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vocnlp.bundle import Bundle
from vocnlp.codeframe import Code
from vocnlp.linear import Linear
from vocnlp.pooled import Pooled


def model_card(bundle: Bundle) -> str:
    """The card of a bundle, as Markdown with YAML metadata; every figure in it is the bundle's own measurement."""
    training, frame = bundle.training, bundle.codeframe
    sets = "\n".join(
        f"| {one['name']} | {one.get('source', 'given by the user')} | {one.get('licence', '-')} |"
        for one in training["sets"]
    )
    known = bundle.classifier.codes
    untaught = [code for code in frame.taggable if code.id not in known]
    names = "\n".join(f"  - {one['name']}" for one in training["sets"])
    return f"""---
language: zh
library_name: vocnlp
pipeline_tag: text-classification
tags: [sentiment-analysis, aspect-based-sentiment-analysis, voice-of-customer]
datasets:
{names}
---

# {bundle.name} {bundle.version}

{_what(bundle)} that reads Chinese customer comments: overall
sentiment, and the codes of the codeframe **{frame.name} {frame.version}** with polarity and the clause that is the
evidence. {len(known)} codes are learnt{_by_keywords(untaught)}.

## Trained on

{training["rows"]:,} {_comments(training)}; {_how(training)}.{_pretrained(training)}

| set | source | licence as stated there |
|---|---|---|
{sets}

## Measured

{_measured_on(training)}

{_table(bundle.figures)}
{_codes(bundle)}{_found(training)}
## Intended use and limits

- For tagging feedback in bulk, so that people see where experience breaks. Not for decisions about a single person.
- Single tags are wrong as often as the table says; look at the quoted evidence before acting on one comment.
- Irony, sarcasm, and praise that leads into a complaint are often misread{_why_misread(bundle)}.
{_limits(training)}
"""


def _measured_on(training: Mapping[str, Any]) -> str:
    chance = "200 comments give an accuracy of 0.80 a 95 % interval of 0.74 to 0.85."
    if "measured_on" not in training:
        return (
            "On the held-out development split: one part in ten of each set, one in five of the synthetic ones, by a hash of the\n"
            "normalised text; training never saw it. Two-class sets are judged by the likelier of the two classes. Where a set has\n"
            f"few comments, the last digits are chance: {chance}"
        )
    parts = training["dev_parts"]
    where = f"one part in {parts} of the data, by a hash of the normalised text" if parts else "a file of its own"
    return f"On {where}; training never saw it. Where there are few comments, the last digits are chance:\n{chance}"


def _limits(training: Mapping[str, Any]) -> str:
    if "measured_on" not in training:
        return """- Codes outside cars, make-up, restaurants and electronics were learnt from synthetic comments alone (the sets named own_
  above, a few dozen to a few hundred for each code): the table shows how much less is found there, and synthetic text
  flatters. Label a few hundred comments of your own and retrain.
- Traditional Chinese is read after conversion to Simplified; Cantonese words are only known where the sets hold them.
- The training texts are public reviews; their writers are not a sample of all customers. Restaurants, shops and cars are
  over-represented, and so is the language of young customers of large cities."""
    return """- It knows the customers, products and words of the data above; on other feedback it is less right than the table says.
- Traditional Chinese is read after conversion to Simplified."""


def _codes(bundle: Bundle) -> str:
    """What each code was learnt from, its threshold, and how well it is found; nothing for the sets of a mapping."""
    checks = bundle.training.get("checks", {})
    if "measured_on" not in bundle.training or not bundle.classifier.codes:
        return ""
    measured: Mapping[str, Any] = next((one.get("per_code", {}) for one in bundle.figures.values()), {})
    rows = ["", "| code | comments learnt from | threshold | F1 | in comments |", "|---|--:|--:|--:|--:|"]
    for code in bundle.classifier.codes:
        one = measured.get(code, {})
        f1 = "-" if one.get("f1") is None else f"{one['f1']:.3f}"
        learnt = f"{checks.get('per_code', {}).get(code, 0):,}"
        name = bundle.codeframe[code].name if code in bundle.codeframe else code
        shown = name if name == code else f"{name} ({code})"
        threshold = f"{bundle.thresholds[code]:.2f}" if code in bundle.thresholds else "-"
        rows.append(f"| {_plain(shown)} | {learnt} | {threshold} | {f1} | {one.get('support', 0):,} |")
    return "\n".join(rows) + "\n"


def _found(training: Mapping[str, Any]) -> str:
    """What the look over the data found before training."""
    checks = training.get("checks")
    if not checks or "measured_on" not in training:
        return ""
    profile = checks["profile"]
    scripts = ", ".join(
        f"{kind} {profile[kind]:.1%}" for kind in ("simplified", "traditional", "other") if profile[kind]
    )
    lines = [
        "",
        "## Found in the data",
        "",
        f"Script: {scripts}; median length {profile['length'][2]} characters, 95 % below {profile['length'][4] + 1}.",
        "",
        *(f"- {_plain(finding['message'])}" for finding in checks["findings"]),
    ]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Without what Markdown would read as a table, a link or HTML."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def _what(bundle: Bundle) -> str:
    if isinstance(bundle.classifier, Linear):
        return "A linear model (character n-grams and jieba words, pooled over clauses)"
    encoder = "A small transformer encoder (int8, read by onnxruntime; one attention over the words for each code)"
    if isinstance(bundle.classifier, Pooled):
        return f"{encoder} and a linear model of n-grams, whose log odds are added with weights,"
    return encoder


def _comments(training: Mapping[str, Any]) -> str:
    if "teacher" in training:
        return "unlabelled comments"
    return f"labelled comments ({training['held_out']:,} more were held out)"


def _how(training: Mapping[str, Any]) -> str:
    spent = f"{training['seconds']:.0f} s of fitting on {training['cores']} CPU cores"
    if "features" in training and "encoder" not in training:
        return f"{training['features']:,} features, {spent}"
    if "teacher" in training:
        return f"{training['encoder']}, taught by {training['teacher']} in {training['epochs']:g} epochs, {spent}"
    beside = f" and {training['features']:,} n-gram features beside it" if "features" in training else ""
    stopped = ""
    if best := training.get("best_step"):
        stopped = f" (step {best} of {training['steps']} was best on texts kept apart)"
    noisy = ""
    if "suspects" in training:
        noisy = f"; by a loss for noisy labels, {training['suspects']:,} of which it finds unlikely"
    tuned = f", fine-tuned for {training['epochs']:g} epochs" if training["epochs"] else ""
    if less := training.get("narrowed"):
        read = f" in {less['epochs']:g} epochs" if less["epochs"] else ""
        tuned = f", its feed-forward layers narrowed from {less['before']:,} to {less['after']:,} neurons{read}{tuned}"
    return f"{training['encoder']}{tuned}{stopped}{beside}, {spent}{noisy}"


def _pretrained(training: Mapping[str, Any]) -> str:
    if (spent := training.get("pretraining")) is None:
        return ""
    since = "".join(f" Then it was {_fitted(fit)}." for fit in spent.get("fitted", ()))
    if (teacher := spent.get("teacher")) is not None:
        begun = (
            "begun as the encoder itself, made wider and deeper, and read"
            if teacher.get("widened")
            else "been grown from nothing on"
        )
        return (
            f"\nBefore that the encoder learnt from a teacher of {teacher['layers']} layers, {teacher['width']} wide, what that one says"
            f" of {spent['tokens'] / 1e6:.0f} million tokens of feedback (its states, its tags; hidden words beside them). The teacher"
            f" had {begun} {teacher['tokens'] / 1e6:.0f} million tokens (hidden words, star ratings, sentiments) and been"
            f" tuned on the sets below; {spent['hours']:g} hours in all on one {spent['device']}."
            f"{_before(spent.get('before'))}{since}"
        )
    return (
        f"\nBefore that the encoder was pretrained from nothing on {spent['tokens'] / 1e6:.0f} million tokens of feedback"
        f" (hidden words, star ratings, sentiments) in {spent['hours']:g} hours on {spent['device']}; after it alone, a"
        f" linear head tells positive from negative in {spent['probe']:.3f} of held-out product reviews.{since}"
    )


def _fitted(fit: Mapping[str, Any]) -> str:
    """What one of the fits before this one was, or of the means of several."""
    if mixed := fit.get("soup"):
        return f"mixed, its weights a mean: {', '.join(f'{share:.0%} {name}' for name, share in mixed.items())}"
    cost = f"{fit['seconds']:.0f} s on {fit['cores']} CPU cores"
    tuned = f"fine-tuned as {fit['bundle']}: {fit['epochs']:g} epochs of {fit['rows']:,} comments, {cost}"
    if not (less := fit.get("narrowed")):
        return tuned
    told = f"narrowed from {less['before']:,} to {less['after']:,} neurons a feed-forward layer"
    return f"{told} and {tuned}" if fit["epochs"] else f"{told} as {fit['bundle']}: {cost}"


def _before(spent: Mapping[str, Any] | None) -> str:
    """What the encoder had been when it met its teacher; nothing where it began anew."""
    if not spent:
        return ""
    fits = "".join(f", then fine-tuned as {fit['bundle']}" for fit in spent.get("fitted", ()) if "bundle" in fit)
    return (
        f" The encoder had not begun anew: it had read {spent['tokens'] / 1e6:.0f} million tokens before"
        f" ({spent['hours']:g} hours on {spent['device']}){fits}."
    )


def _why_misread(bundle: Bundle) -> str:
    return ": there is no word order beyond three characters" if isinstance(bundle.classifier, Linear) else ""


def _by_keywords(untaught: Sequence[Code]) -> str:
    found = [code.name for code in untaught if code.keywords]
    return f"; {len(found)} more are found by the codeframe's keywords alone ({'、'.join(found)})" if found else ""


def _table(figures: Mapping[str, Any]) -> str:
    rows = ["| set | sentiment accuracy | macro-F1 | codes micro-F1 | pairs micro-F1 | evidence overlap | comments |",
            "|---|--:|--:|--:|--:|--:|--:|"]  # fmt: skip
    for name, one in figures.items():
        cells = [
            _cell(one, "sentiment", "accuracy"),
            _cell(one, "sentiment", "macro_f1"),
            _cell(one, "codes", "micro_f1"),
            _cell(one, "pairs", "micro_f1"),
            _cell(one, "evidence", "overlap"),
            str(one.get("rows", "-")),
        ]
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(rows) if figures else "Not measured: no rows were held out."


def _cell(one: Mapping[str, Any], part: str, name: str) -> str:
    value = one.get(part, {}).get(name)
    return "-" if value is None else f"{value:.3f}"
