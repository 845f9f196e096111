"""Whether words of a normalised clause are affirmed or negated there: 不慢, 没有停车位, 唔好食; 不是不慢 is slow after all.

Read backwards from the words: fillers (很, 太, 觉得, 会, ...) are passed over, negators counted; at the first other
word the reading ends. An odd number of negators is a negation. So 不 in 不仅慢 or 不过慢 negates nothing, because 仅 and 过
are no fillers, and 没 in 没想到这么慢 does not reach over 想到.
"""

from __future__ import annotations

import re

_NEGATORS = """
不 没 没有 未 未曾 未能 无 毫无 并无 非 并非 别 勿 莫 甭 休 不是 不算 不会 不能 不够 不想 不要 不用 不必 不曾 不再 从不 绝不 决不 毫不 并不 从未 从没 谈不上 称不上 算不上
说不上 没人 无人 没法 没办法 无法 没得 不可能 不至于 缺乏 唔 唔系 唔会 唔好 唔使 唔觉 冇 冇人 冇得 未有 咪 毋 not no never without don't doesn't didn't isn't wasn't aren't
can't cannot won't nothing
"""
_FILLERS = """
很 太 挺 好 蛮 够 更 最 再 真 还 也 都 又 就 才 多 这 那 这么 那么 这样 那样 怎么 怎样 什么 啥 任何 一点 一点点 一点儿 半点 丝毫 一个 个 一丝 些 有 有点 有些 是 算 算是 会 能 能够 可 可以 可能
要 想 得 觉得 感觉 感到 觉着 认为 以为 看到 看见 见到 找到 给 给我 给我们 被 让 让人 令人 使人 叫 把 帮 帮我 十分 非常 特别 格外 相当 比较 过于 特别地 及时 马上 立刻 立即 按时 准时 真正 真的
完全 根本 一直 总是 每次 以前 之前 从前 上次 原来 想象 想象中 想象的 说的 宣传的 宣传中 像 如 如此 至于 好像 似乎 显得 变得 做得 做到 出现 发生 遇到 存在 提供 收到 拿到 得到
有没有 是不是 会不会 能不能 可不可以 要不要 不得不 咁 好似 嘅 咗 啲 几 so very too really that much any a the all at been be
"""
#: Words that end in a negator or a filler and are neither.
_OTHERS = """
个别 区别 分别 级别 类别 性别 差别 告别 识别 辨别 派别 要不 要不是 若不是 如果不是 要么不 岂不 何不 可不是 莫非 无非 除非 是非 若非 好不 可不 动不动 差不 时不时 不仅 不但 不光 不止 不只 大不了 免不了 少不了 不断 不停 不管
不论 无论 别人 别的 别家 不错 不要紧 沉没 淹没 出没 埋没 吞没 了不起 看不起 对不起 不好意思 神出鬼没 史无前例
"""
REACH = 24  # characters before the words that are looked at
_AFTER = re.compile("(?:不了(?!解)|不成(?!功)|唔到|唔倒)")
_LATIN = re.compile("[a-z']")


def _backwards(words: str) -> re.Pattern[str]:
    """Matches the reversed words, the longest first. A Latin word begins where no letter stands before it."""
    sides = [word[::-1] + ("(?![a-z])" if word.isascii() else "") for word in words.split()]
    return re.compile("|".join(sorted(sides, key=len, reverse=True)))


_NEGATOR, _FILLER, _OTHER = map(_backwards, (_NEGATORS, _FILLERS, _OTHERS))


def is_negated(clause: str, start: int, end: int) -> bool:
    """Whether ``clause[start:end]``, of a normalised clause, stands under a negation of that clause."""
    before = clause[max(0, start - REACH) : start][::-1]
    if _asks(clause, start, end):
        return False
    count = 1 if _AFTER.match(clause, end) else 0
    at = 0
    while at < len(before):
        if before[at] == " ":
            at += 1
            continue
        read = [(match.end(), kind) for kind, words in enumerate((_OTHER, _NEGATOR, _FILLER))
                if (match := words.match(before, at))]  # fmt: skip
        if not read:
            break
        after, kind = max(read, key=lambda one: (one[0], -one[1]))
        if kind == 0:
            break
        count += kind == 1
        at = after
    return count % 2 == 1


def _asks(clause: str, start: int, end: int) -> bool:
    """慢不慢, 好唔好食: the second half of a question negates nothing. In 不慢不慢 nobody asks."""
    size = end - start
    if start < 2 or clause[start - 1] not in _ASKING:
        return False
    first = start - 1 - size if clause[max(0, start - 1 - size) : start - 1] == clause[start:end] else start - 2
    return clause[first] == clause[start] and clause[max(0, first - 1) : first] not in tuple(_ASKING)


_ASKING = "不唔没"
