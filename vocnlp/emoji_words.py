"""What emoji and kaomoji say, as Chinese words: data for ``text``, by the mood a reader takes from them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

_BY_WORD = {
    "赞": "👍👏🙌💯🏆🥇🎉🎊✅💪🤟🤙🔥⭐🌟✨👌🆗💐🌹🤘🫶🫡",
    "喜欢": "❤♥💕💖💗💓💞💘💝😍🥰😘🤩😻💛💚💙💜🧡🩷💋😚😙🤍🤎🩵❣💟🫰",
    "开心": "😀😃😄😁😆😊☺😂🤣😋😎🤗😇🥳😹😸🙂😌😉😛😜😝🤪😺🌈☀",
    "感谢": "🙏🤝",
    "差评": "👎💩🤮🤢🤬💔🚫❌⛔🖕☠💀🗑🙅",
    "生气": "😡😠👿😤💢😾🤯😈",
    "难过": "😭😢😞😔😟🙁☹😿😥😓😩😫😖😣🥺😰😨😱🥲😪",
    "无语": "🙄😒😑😐😅🤦🤷🤨😬😶🤐🫠🥴😕😵🙃🌚",
    "疑问": "❓❔🤔⁉",
    # What follows is written in place of a word; its name in Unicode says it otherwise.
    "红": "🔴🟥",
    "绿": "🟢🟩",
    "黄": "🟡🟨",
    "蓝": "🔵🟦",
    "黑": "⚫⬛🖤",
    "白": "⚪⬜",
    "十": "🔟",
    "对": "✔☑",
    "上升": "📈⬆↗🔼🔝🆙💹⏫",
    "下降": "📉⬇↘🔽⏬",
    "新": "🆕",
    "免费": "🆓",
    "酷": "🆒",
    "求助": "🆘",
    "对比": "🆚",
    "钱": "💰💵💴💶💷💲",
    "花钱": "💸",
    "时钟": "🕐🕑🕒🕓🕔🕕🕖🕗🕘🕙🕚🕛🕜🕝🕞🕟🕠🕡🕢🕣🕤🕥🕦🕧⏰⏱⏲🕰",
    "沙漏": "⌛⏳",
    "再见": "👋",
    "位置": "📍📌🚩",
    "生病": "🤒🤕😷🤧",
    "热": "🥵",
    "冷": "🥶",
    "困": "😴💤🥱🛌",
    "馋": "🤤",
    "震惊": "😲😮😧😦",
    "小丑": "🤡",
    "牛": "🐂🐮🐄🐃",
    "狗": "🐶🐕🐩",
    "猫": "🐱🐈😼",
    "猪": "🐷🐖🐽",
    "马": "🐴🐎",
    "老鼠": "🐭🐁🐀",
    "老虎": "🐯🐅",
    "龙": "🐲🐉",
    "猴子": "🐵🐒",
    "兔子": "🐰🐇",
    "静音": "🔇🔕",
    "喇叭": "🔊🔉🔈📢📣",
    "信号": "📶",
    "没电": "🪫",
    "游戏": "🎮🕹",
    "电脑": "💻🖥",
    "电话": "☎📞",
    "下雨": "🌧⛈🌩",
    "汽车": "🚙🚘",
}
EMOJI_WORDS = {character: word for word, characters in _BY_WORD.items() for character in characters}

# Skin and hair colours and the marks of sex change a picture before them; pointing hands, arrows and framed letters say
# nothing.
_SILENT = frozenset("🏻🏼🏽🏾🏿🦰🦱🦲🦳♀♂⚕👉👈👆👇☝🫵✍➡⬅↔↕↖↙↩↪⤴⤵▶◀⏩⏪🔙🔚🔛🔜🈁🉐🈹🈸🈺🈴🈷🈂🈯")
_LONGEST = 4  # of a name: beyond that it describes the drawing (顺时针垂直箭头) and no longer names a thing


@cache
def word_of(picture: str) -> str:
    """The word for one character of a picture: its mood or what it stands for, else its Chinese name in Unicode (CLDR).

    Empty for what has neither, for skin colours and the like, and for names that describe a drawing at length.
    """
    if (word := EMOJI_WORDS.get(picture)) is not None:
        return word
    name: str = "" if picture in _SILENT else _names().get(picture, {}).get("zh", "").strip(":")
    return name if len(name) <= _LONGEST else ""


@cache
def _names() -> Mapping[str, Mapping[str, Any]]:
    """Loaded when the first picture without a mood is met: most comments have none."""
    import emoji

    emoji.config.load_language("zh")
    return emoji.EMOJI_DATA


_KAOMOJI_BY_WORD = {
    "开心": (
        "^_^",
        "^^",
        "^-^",
        "(^o^)",
        "(*^_^*)",
        "(＾▽＾)",
        "(≧▽≦)",
        "o(∩_∩)o",
        "\\(^o^)/",
        "(*^▽^*)",
        "(。・ω・。)",
        ":-)",
        "=v=",
        "(´▽`)",
        "(*´▽`*)",
        "(ง •_•)ง",
        "(•̀ᴗ•́)و",
        "ヾ(≧▽≦*)o",
        "(๑•̀ㅂ•́)و✧",
        "(¯﹃¯)",
        "(✿◡‿◡)",
    ),
    "喜欢": ("(づ￣3￣)づ", "(♥ω♥)", "(*￣3￣)╭", "(❤ω❤)", "( ˘ ³˘)♥"),
    "难过": (
        "T_T",
        "T.T",
        "TAT",
        "QAQ",
        "QwQ",
        "Q_Q",
        "T^T",
        ">_<",
        "(>_<)",
        "(；′⌒`)",
        "(╥﹏╥)",
        "(ಥ_ಥ)",
        "o(╥﹏╥)o",
        "(´；ω；`)",
        "(´;ω;`)",
        ":-(",
        "｡ﾟ(ﾟ´Д｀)ﾟ｡",
        "(T_T)",
        "(QAQ)",
        "/(ㄒoㄒ)/~~",
        "orz",
        "Orz",
        "OTZ",
    ),
    "生气": (
        "(╯°□°）╯︵ ┻━┻",
        "(╯°□°)╯︵┻━┻",
        "(╯‵□′)╯︵┻━┻",
        "(ノ`Д)ノ",
        "(#`O′)",
        "(＃°Д°)",
        "(▼皿▼#)",
        "(ノಠ益ಠ)ノ",
        "-_-#",
        "=_=#",
    ),
    "无语": (
        "-_-",
        "-_-||",
        "-_-!",
        "=_=",
        "o_o",
        "O_o",
        "(-_-)",
        "(￣ー￣)",
        "(¬_¬)",
        "눈_눈",
        "→_→",
        "←_←",
        "╮(╯▽╰)╭",
        "╮(╯_╰)╭",
        "_(:з」∠)_",
        "（￣へ￣）",
        "( ̄へ ̄)",
        "(・_・;)",
    ),
}
KAOMOJI_WORDS = {face: word for word, faces in _KAOMOJI_BY_WORD.items() for face in faces}
