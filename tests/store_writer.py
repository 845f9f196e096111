"""A process that writes to a store, for the tests of several writers at once: ``python store_writer.py URL NAME FROM TO SIZE``.

It puts the rows ``NAME-FROM`` to ``NAME-TO`` in commits of ``SIZE`` rows, and prints the rows put after each.
"""

from __future__ import annotations

import sys

from tagged_shop import row, tag, tagged

from vocnlp.store import Store


def rows(name: str, start: int, stop: int) -> list[dict[str, object]]:
    said = {"voc_sentiment": "negative", "voc_tags": [tag("speed", "negative", 0, "等了九天")]}
    return [
        row(0, **{**said, "id": f"{name}-{n}", "text": f"等了九天才收到，第{n}单", "customer": name})
        for n in range(start, stop)
    ]


def main(url: str, name: str, start: int, stop: int, size: int) -> None:
    store = Store.open(url, create=True)
    for first in range(start, stop, size):
        store.put(tagged(rows(name, first, min(stop, first + size))))
        print(first + size, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6]))
