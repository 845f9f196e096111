"""Word vectors to begin with: skip-gram (Mikolov et al. 2013) over the same tokens, by gensim.

A minute of skip-gram gives the embedding table what the encoder would need many millions of tokens to find.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from .tokens import Tokens

_SPREAD = 0.05  # standard deviation the table begins with


class _Sentences:
    def __init__(self, tokens: Tokens, most: int) -> None:
        self._tokens, self._most = tokens, most

    def __iter__(self) -> Iterator[list[str]]:
        order = np.random.default_rng(0).permutation(len(self._tokens))
        read = 0
        for row in order:
            ids = self._tokens.ids[self._tokens.start[row] : self._tokens.start[row + 1]]
            yield [str(token) for token in ids if token > 4]
            read += len(ids)
            if read >= self._most:
                return


def word_vectors(tokens: Tokens, size: int, width: int, *, most: int, seed: int) -> npt.NDArray[np.float32]:
    """(size, width) vectors of the tokens; those that are never met are drawn at random."""
    from gensim.models import Word2Vec

    model = Word2Vec(
        _Sentences(tokens, most), vector_size=width, window=5, sg=1, negative=5, min_count=3, sample=1e-4,
        epochs=1, workers=2, seed=seed,
    )  # fmt: skip
    table = np.random.default_rng(seed).normal(0, 1, (size, width)).astype(np.float32)
    known = np.array([int(word) for word in model.wv.index_to_key])
    vectors = model.wv.vectors
    table[known] = (vectors - vectors.mean(0)) / vectors.std()
    return (table * np.float32(_SPREAD)).astype(np.float32)
