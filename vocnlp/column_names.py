"""What columns are called: the synonyms of each role, and how a header is matched with them.

This is the one home of column names. A header is first compared as a whole ("exact"), then searched ("contains").
In Chinese and in English alike the head of a compound stands last: 评论时间 is a time, 评分原因 is a reason, "comment
date" a date. So when a header holds the words of several roles, the one that ends last decides, the longer on a tie.
"""

from __future__ import annotations

import re
import unicodedata

ID, TEXT, SCORE, STAGE, CHANNEL, SEGMENT, CUSTOMER, AT, CSAT, CES = (
    "id", "text", "score", "stage", "channel", "segment", "customer", "at", "csat", "ces",
)  # fmt: skip
ROLES = (ID, TEXT, SCORE, STAGE, CHANNEL, SEGMENT, CUSTOMER, AT, CSAT, CES)
_OTHER = "other"  # no role of ours: keeps 评论人 and 原因分类 from passing as comments
EXACT, CONTAINS, QUESTION = 3, 2, 1

# Simplified and Traditional side by side; within a role, the better name first.
_SYNONYMS: dict[str, str] = {
    TEXT: """评论 评论内容 評論 評論內容 评价 评价内容 評價 評價內容 意见 意見 建议 建議 意见建议 意见与建议
        意见和建议 意見建議 反馈 反馈内容 反饋 反饋內容 回饋 回饋內容 反馈意见 原因 主要原因 打分原因 评分原因
        原话 原話 客户原话 内容 內容 留言 留言内容 描述 问题描述 問題描述 开放题 開放題 评语 評語 点评 點評 吐槽
        想说的话 理由 地方 声音 心声 客户之声 用户之声 诉求 訴求 投诉内容 comment comments feedback verbatim
        verbatims review reviews text content remark remarks reason message open_ended suggestion suggestions
        comment_text review_text review_content""",
    SCORE: """nps nps_score nps评分 nps分数 nps得分 nps打分 nps评價 推荐分 推荐分数 推荐评分 推荐度 推荐意愿
        推荐值 推荐可能性 推荐程度 推荐评价 推薦分 推薦分數 推薦度 推薦意願 推薦可能性 推薦程度
        推薦評價 多大可能 可能性 愿意推荐 愿意向 likelihood_to_recommend likely_to_recommend ltr 评分 打分 分数 得分 評分
        分數 score rating""",
    STAGE: """触点 接触点 觸點 接觸點 环节 環節 阶段 階段 旅程 旅程阶段 旅程階段 旅程环节 场景 場景 stage
        touchpoint touch_point journey_stage""",
    CHANNEL: """渠道 反馈渠道 反饋渠道 来源 來源 数据来源 来源渠道 平台 渠道来源 channel source platform""",
    SEGMENT: """客群 客户类型 客戶類型 用户类型 用戶類型 会员等级 會員等級 会员类型 客户等级 客户分层 用户分层
        分组 分組 人群 segment group tier customer_type member_level""",
    CUSTOMER: """客户编号 客户id 客户号 客戶編號 客戶id 会员号 会员编号 会员id 會員編號 會員id 用户id 用户编号
        用戶id 用戶編號 客户 客戶 用户 用戶 会员 會員 顾客 顧客 customer customer_id user_id userid user uid
        member_id client_id openid""",
    AT: """评论时间 反馈时间 提交时间 评价时间 答题时间 时间 日期 評論時間 反饋時間 提交時間 時間 创建时间
        建立時間 发布时间 created_at submitted_at date time timestamp datetime submit_time create_time""",
    CSAT: """csat csat_score csat评分 csat得分 csat分数 总体满意度 整体满意度 总满意度 综合满意度 整體滿意度 满意度 滿意度
        满意度评分 满意度得分 满意度打分 满意度分数 滿意度評分 滿意度分數 满意程度 滿意程度 满意度评价 滿意度評價
        satisfaction satisfaction_score overall_satisfaction customer_satisfaction""",
    CES: """ces ces_score ces评分 ces得分 ces分数 customer_effort_score 省力度 省力程度 轻松程度 輕鬆程度 容易程度 费力度
        费力程度 費力度 费力指数 customer_effort effort_score effort""",
    ID: """编号 答卷编号 问卷编号 评论编号 评论id 反馈编号 序号 記錄編號 编码 編號 答卷編號 序號 id response_id
        record_id comment_id review_id feedback_id""",
    _OTHER: """人 者 员 数 數 数量 次数 条数 字数 状态 狀態 类型 類型 分类 分類 类别 類別 标签 標籤 图片 圖片
        视频 链接 長度 长度 情感 情绪 点赞 手机号 电话 姓名 昵称 客户名称 用户名称 会员名称 顾客名称 用户名 地址
        邮箱 部门 性别 年龄 时长 星级 星級 是否 选项 count length tags tag label type status link
        url image phone name email address gender age duration sentiment star stars""",
}  # fmt: skip
#: Names that speak of the NPS question itself; a bare "score" may be any score.
NPS_NAME = re.compile(r"nps|推荐|推薦|可能|愿意|recommend|ltr\b")
#: Ratings that are no NPS answers: stars never, satisfaction and effort unless the header speaks of recommending too.
STARS = re.compile(r"星|star")
CSAT_NAME = re.compile(r"满意|滿意|satisf|csat")
CES_NAME = re.compile(r"费力|費力|省力|轻松|輕鬆|容易|effort|(?<![a-z])ces(?![a-z])")
#: Of effort it is not known whether the best answer is the highest one, unless the header names the CES.
EFFORT_NAME = re.compile(r"费力|費力|effort(?! score)")
CES_PROPER = re.compile(r"(?<![a-z])ces(?![a-z])|effort score")
_DATE = re.compile(r"日期|(?<![a-z])date(?![a-z])")
_SCALE_BEHIND = re.compile(r"[\d\s分至到]*")  # 满意度(1-5分)
_QUESTION = re.compile(r"(什么|什麼|哪些|如何|怎样|怎么样|[?？吗嗎呢])\s*$")
_CJK = "\u3400-\u9fff"


def plain(name: str) -> str:
    """A header for comparison: NFKC, lower case, camelCase and punctuation as single spaces, none beside Chinese."""
    text = unicodedata.normalize("NFKC", name)
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text).lower()
    text = re.sub(r"[\W_]+", " ", text).strip()
    return re.sub(rf"(?<=[{_CJK}]) | (?=[{_CJK}])", "", text)


def _pattern(word: str) -> re.Pattern[str]:
    """Chinese is searched as it stands; English as whole words, so that "date" is not found in "update"."""
    spaced = re.escape(plain(word)).replace(r"\ ", " ?")
    return re.compile(rf"(?<![a-z0-9]){spaced}(?![a-z0-9])" if word.isascii() else spaced)


_WORDS = {role: words.split() for role, words in _SYNONYMS.items()}
_EXACT = {plain(word).replace(" ", ""): role for role, words in reversed(_WORDS.items()) for word in words}
_SEARCH = [(role, _pattern(word)) for role, words in _WORDS.items() for word in words]
_ORDER = {plain(word).replace(" ", ""): rank for words in _WORDS.values() for rank, word in enumerate(words)}


def match_name(name: str) -> tuple[str | None, int]:
    """The role that a header speaks of, and how well: EXACT, CONTAINS, or QUESTION (ends like an open question)."""
    text = plain(name)
    exact = _EXACT.get(text.replace(" ", ""))
    if exact is not None:
        return (None, 0) if exact == _OTHER else (exact, EXACT)
    found = [
        (match.end(), match.end() - match.start(), role)
        for role, pattern in _SEARCH
        for match in pattern.finditer(text)
        if _counts(role, text[match.end() :]) or match.group() == "是否"
    ]
    question = _QUESTION.search(unicodedata.normalize("NFKC", name)) is not None
    if found:
        role = max(found)[2]
        if role in (TEXT, SCORE) or not question:
            return (None, 0) if role == _OTHER else (role, CONTAINS)
    return (TEXT, QUESTION) if question else (None, 0)


def _counts(role: str, behind: str) -> bool:
    """Whether a word speaks for its role, by what stands behind it: 评论人 is no comment, 满意度说明 no answer."""
    if role == _OTHER:
        return not behind
    return role not in (CSAT, CES) or _SCALE_BEHIND.fullmatch(behind) is not None


def dates_are_in(name: str) -> bool:
    """Whether a column of this name holds days, so that numbers in it are days too: a 等待时间 may be any number."""
    role, rank = match_name(name)
    return role == AT and (rank == EXACT or _DATE.search(plain(name)) is not None)


def order_of(name: str) -> int:
    """Place of an exactly matching name within its role's list: the smaller, the better the name."""
    return _ORDER.get(plain(name).replace(" ", ""), len(_ORDER))
