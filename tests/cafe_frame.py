"""The codeframe of a café, as a file, for the tests of reading and comparing frames."""

from __future__ import annotations

from pathlib import Path

from vocnlp.codeframe import Codeframe

GOOD = """\
schema: 1
name: cafe
version: "1.10"
title: 咖啡馆码框
exclusive: false
journeys:
  - id: visit
    name: 到店
    stages:
      - {id: queue, name: 排队, synonyms: [等位]}
      - {id: drink, name: 饮用}
codes:
  - id: drinks
    name: 饮品
    definition: 喝的东西
  - id: flavour
    name: 风味
    parent: drinks
    definition: 苦不苦、香不香
    includes: [苦味]
    excludes: [烫不烫]
    examples:
      positive: [豆香很足]
      negative: [一股焦糊味]
    keywords: [拉花, 豆子]
    stage: {visit: drink}
    owner: 吧台
    industries: [餐饮]
  - id: queueing
    name: 排队
    definition: 等多久
    stage: {visit: queue}
"""


def load(tmp_path: Path, content: str | bytes, name: str = "frame.yaml") -> Codeframe:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Codeframe.load(path)
