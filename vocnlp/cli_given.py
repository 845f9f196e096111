"""Which options somebody gave a command: those that it would pass over silently are refused by name."""

from __future__ import annotations

from collections.abc import Collection

import typer


def given(ctx: typer.Context, names: Collection[str]) -> str:
    """Those of the parameters that stand on the command line, as they are written there: ``--seed, --no-ngrams``."""
    found = []
    for one in ctx.command.params:
        source = ctx.get_parameter_source(one.name) if one.name in names else None
        if one.name is not None and source is not None and source.name == "COMMANDLINE":
            off = one.secondary_opts if ctx.params[one.name] is False else []
            found.append((off or one.opts)[0])
    return ", ".join(found)
