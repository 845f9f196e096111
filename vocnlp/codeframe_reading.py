"""YAML or JSON with the line of every key kept, so that a codeframe's errors can name file, line and key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import CodeframeError

SCHEMA = 1
_REQUIRED = object()


@dataclass(frozen=True)
class Located:
    """A mapping of a file, with the line where it and each of its keys stand (0 where there are no lines)."""

    content: dict[str, Any]
    path: Path
    line: int = 0
    lines: dict[str, int] = field(default_factory=dict)

    @classmethod
    def wrap(cls, value: Any, path: Path, line: int = 0) -> Located:
        if not isinstance(value, dict):
            raise CodeframeError("expected a mapping of keys to values", path=path, line=line or None)
        return cls(value, path, line)

    def error(self, key: str | None, message: str, *, hint: str = "") -> CodeframeError:
        line = self.lines.get(key or "", self.line)
        return CodeframeError(message, path=self.path, line=line or None, key=key, hint=hint)

    def only(self, *known: str) -> None:
        """Raise on a key that is not among ``known``: a misspelt key must not be silently ignored."""
        for key in self.content:
            if key not in known:
                raise self.error(str(key), "unknown key", hint=f"known keys here: {', '.join(known)}")

    def value(self, key: str, *, default: Any = _REQUIRED) -> Any:
        if key not in self.content:
            if default is _REQUIRED:
                raise self.error(key, "missing")
            return default
        return self.content[key]

    def text(self, key: str, *, default: Any = _REQUIRED) -> str:
        """A string; numbers and dates are refused, because YAML's 1.10 is not the version "1.10"."""
        value = self.value(key, default=default)
        if not isinstance(value, str):
            raise self.error(key, f"must be text, not {type(value).__name__}", hint="put the value in quotes")
        self._whole(key, value)
        if default is _REQUIRED and not value.strip():
            raise self.error(key, "must not be empty")
        return value.strip()

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.value(key, default=[])
        if not isinstance(value, list) or not all(isinstance(each, str) and each.strip() for each in value):
            raise self.error(key, "must be a list of texts", hint="quote entries such as 是, yes or 12")
        for each in value:
            self._whole(key, each)
        return tuple(each.strip() for each in value)

    def _whole(self, key: str, value: str) -> None:
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            raise self.error(key, "holds half a surrogate pair, which is no character")

    def child(self, key: str) -> Located:
        value = self.value(key, default=Located({}, self.path, self.line))
        return self._mapping(key, value)

    def items(self, key: str) -> list[Located]:
        value = self.value(key, default=[])
        if not isinstance(value, list):
            raise self.error(key, "must be a list")
        return [self._mapping(key, each) for each in value]

    def distinct(self, key: str) -> list[Located]:
        """The items of a list, each with another id."""
        first: dict[str, Located] = {}
        for item in (items := self.items(key)):
            known = first.setdefault(item.text("id"), item)
            if known is not item:
                where = f", first used in line {known.lines['id']}" if "id" in known.lines else ""
                raise item.error("id", f"duplicate id {item.text('id')!r}{where}")
        return items

    def _mapping(self, key: str, value: Any) -> Located:
        if isinstance(value, Located):
            return value
        if not isinstance(value, dict):
            raise self.error(key, "expected a mapping of keys to values")
        return Located(value, self.path, self.lines.get(key, self.line))

    def pairs(self) -> Iterator[tuple[str, str]]:
        for key in self.content:
            yield key, self.text(key)


def read_located(path: Path) -> Located:
    """Read a YAML or JSON file; CodeframeError for a missing, undecodable or malformed one."""
    try:
        raw = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise CodeframeError("no such file", path=path, hint="give the path of a codeframe .yaml or .json") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CodeframeError(f"cannot be read: {error}", path=path, hint="save it as UTF-8") from error
    return located(raw, path)


def located(raw: str, path: Path) -> Located:
    """YAML or JSON, by the ending of ``path``, which errors name and nobody opens; CodeframeError if malformed."""
    if path.suffix == ".json":
        try:
            return Located.wrap(json.loads(raw), path)
        except json.JSONDecodeError as error:
            raise CodeframeError(f"not valid JSON: {error.msg}", path=path, line=error.lineno) from error
        except RecursionError:
            raise CodeframeError("is nested too deeply", path=path) from None
    return _read_yaml(raw, path)


def _read_yaml(raw: str, path: Path) -> Located:
    import yaml  # 40 ms of start-up that a bundle's JSON frame does not need

    loader_class: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loader = loader_class(raw)
    try:
        node = loader.get_single_node()
        value = _plain(loader, node, path, {}) if node is not None else None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise CodeframeError(f"not valid YAML: {error.problem}", path=path, line=line) from error
    except yaml.YAMLError as error:
        raise CodeframeError(f"not valid YAML: {error}", path=path) from error
    except RecursionError:
        raise CodeframeError("is nested too deeply, or holds itself", path=path) from None
    finally:
        loader.dispose()
    return value if isinstance(value, Located) else Located.wrap(value, path, 1)


def _plain(loader: Any, node: Any, path: Path, done: dict[int, Any]) -> Any:
    """The Python value of a YAML node, with mappings as ``Located`` and repeated keys refused.

    ``done`` keeps the value of every node, so that a node with many aliases is built once.
    """
    if id(node) not in done:
        done[id(node)] = _built(loader, node, path, done)
    return done[id(node)]


def _built(loader: Any, node: Any, path: Path, done: dict[int, Any]) -> Any:
    line = node.start_mark.line + 1
    if node.id == "sequence":
        return [_plain(loader, each, path, done) for each in node.value]
    if node.id != "mapping":
        try:
            return loader.construct_object(node)
        except ValueError as error:  # 2024-02-30 looks like a date
            raise CodeframeError(
                f"not a value: {error}", path=path, line=line, hint="put the value in quotes"
            ) from error
    content: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for key_node, value_node in node.value:
        key = str(loader.construct_object(key_node))
        lines[key] = key_node.start_mark.line + 1
        if key in content:
            raise CodeframeError("the key stands twice", path=path, line=lines[key], key=key)
        content[key] = _plain(loader, value_node, path, done)
    return Located(content, path, line, lines)
