"""A BERT encoder over texts laid end to end: no token is spent on filling up, and every step has the same shape.

The weights stay those of a Hugging Face ``BertModel``; only the way they are used differs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name everybody knows it by

PAD, BEGIN = 0, 2
_EPS = 1e-12  # of a layer's norm, as BERT has it


@dataclass(frozen=True)
class Pack:
    """Windows laid end to end, b tokens in all; what is left of b are more windows, of [PAD].

    ids, window, position: (b,) token, number of its window, place in it; bounds: (windows and fillers + 1,) int32, where
    each begins; count: windows, without the fillers; longest: tokens of a window at most
    """

    ids: Tensor
    window: Tensor
    position: Tensor
    bounds: Tensor
    count: int
    longest: int


def pack(ids: Tensor, start: Tensor, chosen: Tensor, used: int, size: int, longest: int) -> Pack:
    """The windows ``chosen`` (numbers; ``used`` tokens in all) of those that begin at ``start`` in ``ids``."""
    count, device = len(chosen), ids.device
    fillers = -(-(size - used) // longest)
    begin = start[chosen]
    bounds = torch.full((count + fillers + 1,), size, dtype=torch.int64, device=device)
    bounds[0] = 0
    torch.cumsum(start[chosen + 1] - begin, 0, out=bounds[1 : count + 1])
    if fillers > 1:
        bounds[count + 1 : -1] = used + longest * torch.arange(1, fillers, device=device)
    numbers = torch.arange(count + fillers, device=device)
    window = torch.repeat_interleave(numbers, bounds.diff(), output_size=size)
    position = torch.arange(size, device=device) - bounds[window]
    place = torch.cat([begin, begin.new_zeros(fillers)])[window] + position
    found = torch.where(window >= count, PAD, ids[place.clamp(max=len(ids) - 1)].long())
    return Pack(found, window, position, bounds.int(), count, longest)


def _before(x: Tensor, qw: Tensor, qb: Tensor, kw: Tensor, kb: Tensor, vw: Tensor, vb: Tensor) -> Tensor:
    weight, bias = torch.cat([qw, kw, vw]).to(x.dtype), torch.cat([qb, kb, vb]).to(x.dtype)
    return F.linear(x, weight, bias)


def _after(
    x: Tensor, context: Tensor, ow: Tensor, ob: Tensor, g1: Tensor, b1: Tensor, iw: Tensor, ib: Tensor, dw: Tensor,
    db: Tensor, g2: Tensor, b2: Tensor,
) -> Tensor:  # fmt: skip
    kind, width = x.dtype, x.shape[1:]
    y = F.layer_norm((x + F.linear(context, ow.to(kind), ob.to(kind))).float(), width, g1, b1, _EPS).to(kind)
    inner = F.gelu(F.linear(y, iw.to(kind), ib.to(kind)))
    return F.layer_norm((y + F.linear(inner, dw.to(kind), db.to(kind))).float(), width, g2, b2, _EPS).to(kind)


def _guess(states: Tensor, table: Tensor, bias: Tensor, truth: Tensor) -> Tensor:
    return F.cross_entropy(F.linear(states, table.to(states.dtype)).float() + bias, truth)


@dataclass
class Kernels:
    """The parts of a step that are worth compiling. ``attend``: (b, heads, d) three times, Pack -> (b, heads, d)."""

    attend: Callable[[Tensor, Tensor, Tensor, Pack], Tensor]
    before: Callable[..., Tensor] = _before
    after: Callable[..., Tensor] = _after
    guess: Callable[..., Tensor] = _guess
    kind: torch.dtype = torch.float32


def padded_attention(q: Tensor, k: Tensor, v: Tensor, pack: Pack) -> Tensor:
    """Attention within each window, by way of windows filled up to the longest: for processors, and to compare with."""
    begin = pack.bounds.long()
    length = begin.diff()
    step = torch.arange(int(length.max()), device=q.device)
    there = step < length[:, None]
    place = (begin[:-1, None] + step).clamp(max=len(q) - 1)
    q, k, v = (one[place].transpose(1, 2) for one in (q, k, v))
    found = F.scaled_dot_product_attention(q, k, v, attn_mask=there[:, None, None, :]).transpose(1, 2)
    return found[there]


def flash_attention(q: Tensor, k: Tensor, v: Tensor, pack: Pack) -> Tensor:
    """The same where the card has a kernel for windows of unlike length."""
    from torch.nn.attention.varlen import varlen_attn

    found = varlen_attn(q, k, v, pack.bounds, pack.bounds, pack.longest, pack.longest)
    return found if isinstance(found, Tensor) else found[0]


def plain_kernels(device: str) -> Kernels:
    """Without compiling: for processors, and for steps of changing shape."""
    if device == "cpu":
        return Kernels(padded_attention)
    return Kernels(flash_attention if _flash_works(device) else padded_attention, kind=torch.bfloat16)


def compiled(kernels: Kernels) -> Kernels:
    """The same, compiled by torch for shapes that do not change."""
    before, after, guess = (
        torch.compile(part, dynamic=False) for part in (kernels.before, kernels.after, kernels.guess)
    )
    return Kernels(kernels.attend, before, after, guess, kernels.kind)


def _flash_works(device: str) -> bool:
    """Whether this card and this torch give the same numbers and gradients either way."""
    chance = torch.Generator(device).manual_seed(0)
    bounds = torch.tensor([0, 5, 6, 70, 128], dtype=torch.int32, device=device)
    q, k, v = (torch.randn(128, 4, 64, device=device, dtype=torch.bfloat16, generator=chance) for _ in range(3))
    window = torch.repeat_interleave(torch.arange(4, device=device), bounds.diff())
    shape = Pack(window, window, window, bounds, 4, 64)
    told = []
    for attend in (padded_attention, flash_attention):
        leaves = [one.clone().requires_grad_() for one in (q, k, v)]
        try:
            out = attend(leaves[0], leaves[1], leaves[2], shape)
            (out.float() * v.float()).sum().backward()  # type: ignore[no-untyped-call]
        except (ImportError, RuntimeError, TypeError):
            return False
        told.append([out.detach(), *(one.grad for one in leaves)])
    return all(torch.allclose(a.float(), b.float(), atol=0.05, rtol=0.05) for a, b in zip(*told, strict=True))


def read(bert: Any, packed: Pack, kernels: Kernels) -> Tensor:
    """(b, width) states of the last layer, in the type of ``kernels``."""
    table, heads = bert.embeddings, bert.config.num_attention_heads
    x = (
        F.embedding(packed.ids, table.word_embeddings.weight)
        + F.embedding(packed.position, table.position_embeddings.weight)
        + table.token_type_embeddings.weight[0]
    )
    x = F.layer_norm(x, x.shape[1:], table.LayerNorm.weight, table.LayerNorm.bias, _EPS).to(kernels.kind)
    for layer in bert.encoder.layer:
        own, joined = layer.attention.self, layer.attention.output
        three = kernels.before(
            x, own.query.weight, own.query.bias, own.key.weight, own.key.bias, own.value.weight, own.value.bias
        )
        q, k, v = three.view(len(x), 3, heads, -1).unbind(1)
        context = kernels.attend(q, k, v, packed).reshape(x.shape)
        x = kernels.after(
            x, context, joined.dense.weight, joined.dense.bias, joined.LayerNorm.weight, joined.LayerNorm.bias,
            layer.intermediate.dense.weight, layer.intermediate.dense.bias, layer.output.dense.weight,
            layer.output.dense.bias, layer.output.LayerNorm.weight, layer.output.LayerNorm.bias,
        )  # fmt: skip
    return x
