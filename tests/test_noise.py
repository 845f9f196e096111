"""What is not worth reading, and what only looks so."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vocnlp.text import NOISE_KINDS, noise_kind

NOISE = {
    "empty": ["", " ", "\n\t \r\n", "\u3000\u3000", "\u200b\ufeff", "\x00", "🇨🇳", "👉🏻👉", " \u200b" * 30],
    "punctuation": ["。。。", "...", "？", "？？？", "!!!!!", "——", "-", "/", "、、、", "（）", "~", "***", "，" * 300],
    "no_opinion": [
        "无", "无。", "（无）", "没有", "没有。", "暂无", "暂时没有", "没", "没了", "无建议", "没有建议", "没有意见", "没意见",
        "没什么意见", "没有什么想说的", "没啥要说的", "目前没有其他建议", "无其他意见", "没有啦", "无啊", "木有", "冇", "不知道",
        "我不知道", "不清楚", "随便", "略", "同上", "無", "沒有", "沒有意見", "N/A", "n/a", "NA", "Ｎ／Ａ", "None", "null", "nil",
        "No", "nothing", "没有没有", "无，", "\u200b无\u200b", "没有！！！", "暂时没什么补充", "无所谓",
        "此用户没有填写评价。", "该用户未填写评价内容", "此用户未及时评价", "系统默认好评", "此用户未及时作出评价，系统默认好评！", "該用戶未填寫評價",
        "评价方未及时做出评价,系统默认好评!",
        "http://evil.com/a?b=1", "https://a.cn/b https://c.cn", "www.shop.example", "shop-7.com.cn/x?y=1", "ann@shop.com",
        "http://a.cn/b?c=d&e=f&g=h&i=j", "https://a.cn/" + "b" * 900, "（http://x.cn）",
        '=HYPERLINK("http://evil.com","点我")', '＝HYPERLINK("http://evil.com","点我")', "=cmd|calc", "=SUM(A1, B1) / 2",
        "+cmd|' /C calc'!A0", '=IF(A1>3,"满意","不满意")', "=D2+D3", "=Sheet1!A1", "=(A1+B1)/2",
    ],
    "mash": [
        "asdfgh", "asdf", "QWERTY", "qwer asdf", "zxcvbnm", "lkjh", "poiuy", "asdf1234", "dfgdfgdf", "bcxvbn", "111", "1",
        "123456", "12345678901", "１２３", "5", "000", "aaaa", "x", "啊啊啊啊啊", "额额额额", "的的的的的", "一一一一", "嗯" * 50,
        "啊" * 200,
    ],
    "spam": [
        "加微信abc123", "加V信 zz_8866 领红包", "加微信13800138000", "加我微信：shop-2024", "+VX：kk99887", "+wx kk99887",
        "qq群：abc98765", "添加QQ 1234567 送券", "联系薇信 mm5566a", "私我 zx99887", "加威信 ab12345 有惊喜", "加扣扣 112233445",
        "兼职日结一天三百", "足不出户在家躺赚", "彩票内幕号码每天更新", "办证刻章找我", "这家店挺好，想要优惠的加微信abc12345，量大从优",
        "点击链接领取百元红包", "兼職日結，一天五百", "Telegram: deal9988", "＋ＶＸ：ｋｋ９９８８７", "加微信 ａｂｃ１２３４",
    ],
}  # fmt: skip

OPINIONS = [
    "系统默认好评太坑", "我没有及时评价", "默认好评，其实很差", "此用户没有填写评价就被扣分",
    "没有问题", "没问题", "没的说", "没说的", "没得挑", "没话说", "无可挑剔", "无敌", "无语", "无聊", "无感", "无线网很慢", "没电了",
    "没有停车位", "没有热水", "没有以前好吃", "没有任何异味", "没人理我", "没发货", "没有收到货", "没有建议，挺好的", "无，都挺好",
    "随便退换", "随便逛逛都能踩雷", "随便吧，反正也没人管", "略贵", "略显单薄", "同上次一样好", "不知道怎么退款", "不清楚收费标准",
    "不想说话，太气了", "无所谓好坏", "到现在挑不出毛病", "暂时没坏", "都没洗干净", "也没送赠品", "no good", "nothing to complain about",
    "none of the staff helped", "null指针崩溃", "n个bug",
    "666", "6666666", "888", "2333333", "520", "1314", "99", "10分", "100分", "5星", "5G网速快", "4S店坑人", "1块钱都不值", "3天就坏",
    "好", "差", "贵", "慢", "香", "赞", "烂", "好好好", "哈哈哈", "哈哈哈哈哈哈", "呵呵", "呵呵呵呵", "差差差差差", "棒棒棒棒",
    "好评好评好评", "hhhhhh", "yyds", "nb", "good", "ok", "OK!", "nice", "great!", "so so", "bad", "best", "worth it",
    "not worth the price", "worst thing ever", "property management is terrible", "liberty", "strengths", "length ok", "wifi",
    "HDMI没反应", "iPhone15", "BMW325li", "win11", "type-c", "👍", "👎👎", "😡", "T_T", "(≧▽≦)", "👍666", "啊啊啊", "嗯", "嗯嗯",
    "微信支付不了", "加微信支付", "微信支付5次都失败", "加微信群抢券很麻烦", "加了微信没人理", "加客服微信等了3天", "QQ音乐连不上",
    "qq email收不到", "qq登录不上", "微信号绑定不了", "我的微信号abc12345绑定不了会员", "扫码关注公众号才能点单", "联系客服5次没人接",
    "请联系我13800138000", "贷款秒批，利率也低", "链接打不开", "点击链接没反应", "内幕价太坑", "vx登录失败", "加微信支付2元手续费",
    "加5块钱才给袋子", "加微信排队，前面120人", "看 http://x.cn", "物流慢http://x.com", "see http://x.com", "网址打不开",
    "=太差了，退钱", "= very bad (really)", "=so so good", "=good", "=so-so", "-great!", "-客服差", "+快递很快", "@店长 态度差",
    '=HYPERLINK("http://e.com","点我")打不开', "=iphone15", "-iphone15 发热", "=5G", "node.js 不会用",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("。" * 401, "punctuation"), ("！" * 2000, "punctuation"), ("?!" * 201, "punctuation"), ("@" * 401, "punctuation"),
        ("-" * 100_000, "punctuation"), (" " * 401, "empty"), ("\u200b\n" * 900, "empty"), ("🇨🇳" * 300, "empty"),
        ("…" * 500 + "菜咸了", None), ("！" * 500 + "👍", None), ("　" * 450 + "\n上错桌", None), ("。" * 100_000 + "差", None),
    ],
)  # fmt: skip
def test_marks_and_blanks_are_noise_however_many_they_are(text: str, kind: str | None) -> None:
    assert noise_kind(text) == kind


@pytest.mark.parametrize(("text", "kind"), [(text, kind) for kind, texts in NOISE.items() for text in texts])
def test_noise_is_named(text: str, kind: str) -> None:
    assert noise_kind(text) == kind


@pytest.mark.parametrize("text", OPINIONS)
def test_an_opinion_is_read(text: str) -> None:
    assert noise_kind(text) is None


def test_every_kind_has_its_cases() -> None:
    assert tuple(NOISE) == NOISE_KINDS


def test_what_is_too_long_to_be_seen_whole_is_read() -> None:
    assert noise_kind("。" * 1000 + "客服不理人") is None
    assert noise_kind(" " * 1000 + "客服不理人") is None
    assert noise_kind("啊" * 500 + "客服不理人") is None


def test_an_advert_at_the_head_of_a_long_text_is_spam() -> None:
    assert noise_kind("想省钱的姐妹加微信abc12345，" + "天天有优惠，" * 300) == "spam"


@settings(deadline=None, max_examples=300)
@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=500))
def test_any_string_is_noise_of_a_known_kind_or_none(text: str) -> None:
    assert noise_kind(text) in (*NOISE_KINDS, None)
