"""Words that say nothing on their own, for whatever shows people the words of comments."""

from __future__ import annotations

import re

#: One-character words that say something on their own; all others are particles or halves of words.
TELLING = frozenset("慢贵脏吵硬咸油臭难差烂乱少卡烫凉腥挤假旧薄厚重轻快香甜鲜脆软暖静美棒赞值好帅酸辣苦淡冷热")
#: 三天, 一句, 四十多: a number, alone or with a measure word, says little without the noun.
_COUNTED = re.compile(
    "[一二两三四五六七八九十百千万半几第]+[多来]?"
    "[个次天句遍颗块年月周点分秒钟件条张台家位片只双下些种份回趟米斤盒包瓶杯人大小步半笔提圈眼趟口路]*"
)
#: Grammar, address and filling: pronouns, conjunctions, modal words, adverbs of degree and time.
STOP = frozenset(
    """
    我们 你们 他们 她们 它们 咱们 自己 大家 别人 人家 本人 各位 亲们 亲亲 你好 您好 请问 谢谢 麻烦
    这个 那个 这些 那些 这样 那样 这种 那种 这里 那里 这边 那边 这儿 那儿 哪个 哪些 哪里 哪儿
    这么 那么 怎么 什么 为什么 为啥 怎样 怎么样 如何 多少 几个 一个 一些 一下 一点 一点儿 一次 一直 一样 一般 一种 一份 两个
    没有 没法 不是 不能 不会 不要 不了 不到 不过 不用 不想 不知 就是 还是 还有 还要 只是 只有 只能 但是
    可是 而且 而是 因为 所以 如果 要是 虽然 然后 之后 以后 以前 之前 时候 现在 今天 昨天 明天 已经 刚刚 刚才
    马上 可以 可能 能不能 可不可以 是不是 有没有 会不会 应该 需要 想要 觉得 感觉 认为 以为 知道 看到 发现 出来 起来 下来 过来 上去 进去 回来
    东西 事情 情况 问题 方面 地方 时间 里面 上面 下面 外面 旁边 非常 特别 真的 真是 实在 确实 比较 好像 似乎
    有点 有些 太过 十分 相当 完全 根本 居然 竟然 简直 反正 其实 总之 总是 每次 经常 常常 本来 原来 到底 究竟
    后来 最后 第一 而已 以及 或者 并且 由于 对于 关于 通过 为了 按照 根据 除了 这次 那次 这家 那家 这款 那款 个人
    有人 的话 不得 不太 了解 来说 说是 比如 就算 算是 起码 至少 甚至 包括 其中 其他 其它 另外 同时 毕竟 难道
    每个 每天 全是 一起 一看 一提 一路 直接 作为 得到 好好 偶尔 后面 前面 早点 平时 大概 像是 只管 硬是 说实话 老实说
    这点 这回 下回 那位 那张 这张 这位 这条 我家 你家 他家 家里 过去 告诉 看看 看着 买个 加个 先给 先用 全靠 好不容易
    天天 整个 全都 一模一样 开始 结果 那么多 这么多 这么久 第二 第三 上次 下次 上回 有时候 的时候 不知道 越来越 来着
    希望 建议 能够 还会 都是 都有 也是 也有 又是 就会 就有 才能 才会 再也 还没 并不 并没有 不仅 不但 不管 无论
    """.split()  # noqa: SIM905 - a list of hundreds of quoted words is no easier to read
)


def tells(word: str) -> bool:
    """Whether a word says something without the words around it."""
    if len(word) == 1:
        return word in TELLING
    return word not in STOP and not _COUNTED.fullmatch(word) and any(char.isalpha() for char in word)
