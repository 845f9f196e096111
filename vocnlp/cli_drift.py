"""``vocnlp drift``: a shell over plain functions."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from .cli_options import ERR, OUT, AtOption, BundleOption, FrameOption, JsonOption, SheetOption, TextOption, say
from .errors import InputError

if TYPE_CHECKING:
    from .drift import Drift
    from .drift_profile import Profile
    from .tagger import Tagger
    from .traffic import Traffic

_DAY = ["%Y-%m-%d"]


def drift(
    reference: Annotated[
        str,
        typer.Option("--reference", help="What to compare with: a file, a store, STORE:FROM..TO, or a kept profile."),
    ],
    data: Annotated[str, typer.Option("--data", help="The comments to look at: a file, a store, or STORE:FROM..TO.")],
    since: Annotated[
        datetime | None, typer.Option("--since", formats=_DAY, metavar="DATE", help="First day of --data.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--until", formats=_DAY, metavar="DATE", help="Last day of --data.")
    ] = None,
    text: TextOption = None,
    at: AtOption = None,
    sheet: SheetOption = None,
    bundle: BundleOption = None,
    codeframe: FrameOption = None,
    retag: Annotated[
        bool, typer.Option("--retag", help="Tag both anew with the bundle, whatever tags they have.")
    ] = False,
    alpha: Annotated[float, typer.Option(min=0.0001, max=0.5, help="Chance of a false alarm.")] = 0.05,
    correction: Annotated[
        str, typer.Option(help="For the number of codes: bh (share of false alarms) or holm.")
    ] = "bh",
    keep_profile: Annotated[
        Path | None, typer.Option("--keep-profile", help="Keep the profile of the reference as JSON.")
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Also write a page in Chinese.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Have the comments moved away from what the model was made for? Says which codes to review, and why."""
    from .batch import Options
    from .drift import drift as compare
    from .drift_page import write_page
    from .tagger import Tagger
    from .traffic import Traffic

    if correction not in ("bh", "holm"):
        raise InputError("--correction is bh or holm", value=correction)
    named = {role: column for role, column in (("text", text), ("at", at)) if column}
    options = Options(named, sheet)
    days = {"since": since.date() if since else None, "until": until.date() if until else None}
    now = Traffic.of(data, **days, options=options)
    earlier = None if _is_kept(reference) else Traffic.of(reference, options=options)
    read = (earlier.place if earlier else reference, now.place, bundle, codeframe)
    _check_places(html, keep_profile, read)
    tagger = Tagger.load(bundle, codeframe=codeframe)
    before = _reference(reference, earlier, now, tagger, retag)
    if keep_profile is not None:
        before.save(keep_profile)
    found = compare(before, _profile(now, tagger, retag), tagger.codeframe, alpha=alpha, method=correction)
    command = f"vocnlp review sample {shlex.quote(now.place)} -o review.xlsx --rows 300"
    if html is not None:
        write_page(html, found, tagger.codeframe, command=command)
    if as_json:
        typer.echo(json.dumps({**found.to_dict(), "command": command}, ensure_ascii=False, indent=1))
    else:
        _print(found, command)
        if html is not None:
            say(OUT, f"page: {escape(str(html))}")


def _is_kept(place: str) -> bool:
    """Whether the reference is a profile that was kept."""
    return place.endswith(".json") and Path(place).is_file()


def _check_places(html: Path | None, keep: Path | None, read: Sequence[Path | str | None]) -> None:
    """What would only be found out after all the tagging. A page replaces a page, a profile a profile; nothing else goes."""
    from .output_places import Place, check_places

    found, hint = [], "choose another name"
    if html is not None:
        told = "is there and is no page, so it is not replaced"
        found.append(Place(html, (".html", ".htm"), "the page is an HTML file", _is_page, told, hint))
    if keep is not None:
        told = "is there and is no profile, so it is not replaced"
        found.append(Place(keep, (".json",), "a profile is a .json file", _is_profile, told, hint))
    check_places(found, read)


def _is_page(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(64).lstrip().lower().startswith((b"<!doctype html", b"<html"))


def _is_profile(path: Path) -> bool:
    from .drift_profile import Profile

    try:
        Profile.load(path)
    except InputError:
        return False
    return True


def _reference(place: str, earlier: Traffic | None, now: Traffic, tagger: Tagger, retag: bool) -> Profile:
    """The profile of ``earlier``, or where there is none the one that was kept at ``place``."""
    from .drift_profile import Profile

    if earlier is None:
        return Profile.load(Path(place))
    if earlier.overlaps(now):
        hint = "give the reference a period that ends before --since, as STORE:2026-01-01..2026-03-31"
        raise InputError(
            "the reference and the data have comments in common, which hides what moved", path=str(now), hint=hint
        )
    return _profile(earlier, tagger, retag)


def _profile(traffic: Traffic, tagger: Tagger, retag: bool) -> Profile:
    from .drift_profile import profile

    with ERR.status(f"reading {escape(str(traffic))}") as status:
        told = lambda rows: status.update(f"reading {escape(str(traffic))}: {rows:,} comments")  # noqa: E731
        found = profile(traffic.tagged(tagger, anew=retag), source=str(traffic), report=told)
    if not found.rows:
        raise traffic.nothing()
    if left_out := traffic.timeless():
        say(ERR, f"[yellow]warning:[/] {escape(left_out)}")
    return found


def _print(found: Drift, command: str) -> None:
    before, after = found.reference, found.current
    say(OUT, f"{before.rows:,} comments of {escape(before.source)}, {after.rows:,} of {escape(after.source)}")
    for warning in found.warnings:
        say(OUT, f"  [yellow]{escape(warning)}[/]")
    say(OUT, f"  moved: {', '.join(found.moved) or 'nothing beyond chance'}")
    for name, share in (("without a code", found.untagged), ("noise", found.noise), *found.sentiment.items()):
        old, new = share.shares
        say(OUT, f"  {name:<15} {old:.1%} -> {new:.1%}{_mark(share.moved)}")
    for name, one in (("confidence", found.confidence), ("length", found.length)):
        if one is not None:
            say(
                OUT,
                f"  {name:<15} {one.before:.2f} -> {one.after:.2f}, KS {one.distance:.3f}, PSI {one.psi:.3f}{_mark(one.moved)}",
            )
    words = found.vocabulary
    say(OUT, f"  vocabulary      distance {words.distance:.3f} (by chance {words.by_chance:.3f}); more frequent: "
             + (escape("、".join(f"{one.word} {one.before}→{one.after}" for one in words.words[:10])) or "none"))  # fmt: skip
    if not found.review:
        say(OUT, "no code needs a review")
        return
    say(OUT, f"[bold]{len(found.review)} codes to review[/]")
    for review in found.review:
        say(OUT, f"  {escape(review.name)} ({escape(review.code)}): {escape('；'.join(review.reasons))}")
    say(OUT, f"next step: {escape(command)}")


def _mark(moved: bool) -> str:
    return "  [yellow]moved[/]" if moved else ""
