"""Personal data that words betray: mail addresses, order numbers, number plates, accounts, street addresses, names.

As in ``privacy_numbers``: readers of folded text that yield ``(start, end)``, bounded everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .privacy_numbers import Reader, Span

HAN = "\u3400-\u9fff"

# --- mail, orders, plates, accounts ----------------------------------------------------------------------------------

_MAIL = re.compile(
    r"(?<![A-Z0-9._%+-])[A-Z0-9._%+-]{1,64} ?(?:@|\(AT\)|\[AT\]| AT ) ?"
    r"[A-Z0-9-]{1,63}(?: ?(?:\.|点| DOT ) ?[A-Z0-9-]{1,63}){0,3} ?(?:\.|点| DOT ) ?(?:[A-Z]{2,12}|163|126)(?![A-Z0-9])"
)

_COURIER = r"(?:中通|圆通|申通|韵达|顺丰|极兔|德邦|百世|京东|邮政|黑猫|宅急便|EMS|菜鸟)(?:快递|速运|快运|物流)?"
_FILL = rf"(?:[ :#=是为系叫(/]|NO\.?|码|如下|{_COURIER}){{0,6}}"
_NUMBER = r"(?P<it>[A-Z0-9](?:[-_]?[A-Z0-9]){4,31})(?![A-Z0-9*])(?! ?(?:[元块件]|个(?!人)))"
_TOLD_ORDER = re.compile(
    r"(?:订单编?号|[订运保工]单号?|单号|快递号|物流单?号|流水号|交易号|受理号|退款编?号|预[订约]号|确认号|核销码"
    rf"|订购编号|追踪号码?|运送编号|包裹号){_FILL}{_NUMBER}"
)
_TOLD_PARCEL = re.compile(
    rf"(?:{_COURIER}|快递|包裹|物流|订单|这单|那单|单子|张单)(?:单号?|号)?[ :#=是为(]{{0,3}}"
    r"(?P<it>[A-Z]{0,4}[0-9]{10,20})(?![A-Z0-9*])(?! ?(?:[元块件]|个(?!人)))"
)
_ASKED_ORDER = re.compile(
    r"(?<![A-Z0-9*_.-])(?P<it>[A-Z]{0,4}[0-9]{10,20})"
    r"(?= ?(?:这|那|呢|嗰)?(?:个|张|笔|件|的)?(?:订单|快递|包裹|运单|单(?:号|子)?[^位价人独一]|怎么|还没|什么时候|[几幾]时|地址改))"
)
# Prefixes that couriers print: SF Express, YTO, JD, J&T, Deppon, Cainiao, KYE, ZTO, STO; UPU S10 (EA123456789CN); UPS.
_WAYBILL = re.compile(
    r"(?<![A-Z0-9*_])(?:(?:SF|YT|JD[A-Z]{0,3}|JT|DPK?|LP|KYE?|ZTO|STO|YD|CNPS|ZJS)(?:[ -]?[0-9]){10,16}"
    r"|[A-Z]{2}[0-9]{9}(?:CN|HK|TW|MO)|1Z[0-9A-Z]{16})(?![A-Z0-9*])"
)

_PLATE_END = r"(?:[挂学警港澳]|[A-HJ-NP-Z0-9])(?![A-Z0-9*])"
_PLATE = re.compile(
    r"(?P<place>[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使])[ .·-]?[A-HJ-NP-Z](?P<dot>[ .·-]{0,2})"
    rf"(?P<rest>[A-HJ-NP-Z0-9]{{4,5}}{_PLATE_END})(?! ?[元块万款版型系])"
)
_TOLD_PLATE = re.compile(
    r"(?:车牌|车号|车牌号码?|尾号车)(?:[ :#=是为(]|号|码){0,5}"
    r"(?P<it>[A-Z]{1,3}[ ·-]?[0-9]{3,4}|[0-9]{3,4}[ ·-]?[A-Z]{2}|[A-Z][ ·-]?[A-Z0-9]{5,6})(?![A-Z0-9*])"
)

_ACCOUNT = re.compile(
    r"(?P<told>(?:加我?(?=[A-Z][A-Z0-9]*[_-]?[A-Z]*[0-9])|微信|薇信|威信|卫星号|V信|加V|扣扣|企鹅号|抖音号|小红书号|快手号|支付宝账?号"
    r"|(?<![A-Z])(?:VX|WX|V(?=:)|WECHAT|WEIXIN|Q ?Q|LINE|TELEGRAM|TG)(?![A-PR-Z]{2}))"
    r"(?:[ :=是为系叫加搜号码群(账户我]|ID(?![A-Z0-9])|ID(?=:)){0,8})"
    r"(?P<it>[A-Z][A-Z0-9_-]{5,19}|[1-9][0-9]{4,11})(?![A-Z0-9_*-])"
    r"(?! ?(?:[元块万亿次名条%款版]|个(?!人)|[人年月天分](?![人年月天分工家])))"
)
#: What follows an app's name in a complaint about the app and is no id.
_PRODUCT = re.compile(
    r"IPHONE|IPAD|ANDROID|WINDOWS|WIN[0-9]|IOS|VERSION|HUAWEI|XIAOMI|REDMI|GALAXY|HARMONY|MATE[0-9]|HTTPS?|WIFI|MACBOOK"
    r"|PAY|MUSIC|(?:19|20)[0-9]{2}\Z"
)


def _mails(text: str) -> Iterator[Span]:
    return (match.span() for match in _MAIL.finditer(text))


def _told_orders(text: str) -> Iterator[Span]:
    return (m.span("it") for m in _TOLD_ORDER.finditer(text) if sum(map(str.isdigit, m["it"])) >= 5)


def _told_parcels(text: str) -> Iterator[Span]:
    return (match.span("it") for match in _TOLD_PARCEL.finditer(text))


def _asked_orders(text: str) -> Iterator[Span]:
    return (match.span("it") for match in _ASKED_ORDER.finditer(text))


def _waybills(text: str) -> Iterator[Span]:
    return (match.span() for match in _WAYBILL.finditer(text))


def _plates(text: str) -> Iterator[Span]:
    for match in _PLATE.finditer(text):
        digits = sum(map(str.isdigit, match["rest"]))
        # 新BMW325 is a new car: without a dot only a plate with most of its places digits is one.
        if digits >= (3 if match["dot"] or match["place"] in "京津沪渝冀豫湘皖鲁苏浙赣鄂闽粤琼" else 4):
            yield match.span()


def _told_plates(text: str) -> Iterator[Span]:
    return (m.span("it") for m in _TOLD_PLATE.finditer(text) if sum(map(str.isdigit, m["it"])) >= 3)


def _accounts(text: str) -> Iterator[Span]:
    for match in _ACCOUNT.finditer(text):
        told = any(mark in match["told"] for mark in (":", "号", "=", "ID"))
        if told or not (match["it"].isalpha() or _PRODUCT.match(match["it"])):
            yield match.span("it")


# --- addresses -------------------------------------------------------------------------------------------------------

_TEN = "一二三四五六七八九十百零〇"
_COUNT = rf"(?:[0-9]{{1,5}}|[{_TEN}]{{1,5}})"
# An anchor is what ends a name and the number behind it; the name is looked for backwards from there, so that a
# megabyte of 路 costs one look each.
_STREET = re.compile(
    rf"(?<=[{HAN}])(?P<way>[路街道巷里村庄屯]|胡同)(?:[东西南北中](?:段|街|路)?|(?:[{_TEN}]|[0-9]{{1,2}})(?:段|巷|路|街))? ?"
    rf"{_COUNT}(?:[-之][0-9]{{1,4}})?(?:号[院楼]?|弄|巷|栋|幢|组(?={_COUNT}号)|门牌)"
    r"(?!线|楼梯|[技服车桌床口机站]|出口|发货|到货|那天|之[前后])"
)
_ESTATE = re.compile(
    rf"(?<=[{HAN}])(?P<way>小区|花园|家园|公寓|新村|社区|山庄|公馆|[苑邨城府湾园阁]|雅居|名邸|豪庭|宿舍|大厦|中心|广场"
    r"|工业园) ?"
    rf"(?:第?{_COUNT}[期区] ?)?(?:(?:[A-Z]?{_COUNT}|[A-Z东西南北])(?:号楼|[栋幢座])|{_COUNT}号(?={_COUNT}(?:[栋幢座室楼]|单元))"
    r"|[0-9]{1,3}(?:-[0-9]{1,4}){2}(?:室|号|房)?|[0-9]{1,3}-[0-9]{3,4}(?:室|号|房))"
)
# Without any name, building, staircase and flat together still lead to one door.
_DOOR = re.compile(
    rf"(?<![0-9A-Z*])(?:[A-Z]|[0-9]{{1,3}})(?:号楼|[栋幢座]) ?{_COUNT} ?(?:单元|门) ?[0-9]{{1,4}}(?:室|号|房|户)?"
)
_PART = (
    rf" ?(?:附?(?:{_COUNT}|[甲乙丙丁]|[A-Z][0-9]{{0,4}}|[0-9]{{1,4}}[A-Z])(?:[-之/][0-9A-Z]{{1,4}})?"
    r"(?:号楼|号院|单元|[号弄巷栋幢座室房户铺楼层段组队]|/?F)(?:之[0-9一二三四五六七八九]{1,2})?"
    rf"|[{HAN}]{{2,8}}?(?:小区|花园|家园|公寓|新村|广场|中心|大厦|大楼|宿舍|社区|[苑邨阁轩庭坊]|园区|工业园|科技园|写字楼|商场)"
    rf"(?=[^{HAN}]|[{_TEN}]|\Z))"
)
_TAIL = re.compile(
    rf"(?:{_PART}){{0,8}}(?:[ -]?[A-Z]?[0-9]{{2,4}}[A-Z]?(?:-[0-9]{{1,4}}){{0,2}}"
    r"(?![0-9.:%A-Z*]| ?[年月日天元块个人次分点岁折米克秒条度]))?"
)
#: Words before a street that are no part of its name.
_BEFORE = re.compile(
    r".*(?:商圈|附近|[后对]面|不远处|旁边|我家|家住|位于|地址|师傅|快递"
    r"|[在住到是的去送寄了给址往叫把跟就说这那哪我你他她们喺嘅俾畀距离])"
)
_CITY = re.compile(
    "(?:北京|上海|天津|重庆|广州|深圳|杭州|南京|苏州|成都|武汉|西安|青岛|大连|厦门|宁波|长沙|郑州|沈阳|济南|合肥|福州|昆明|佛山|东莞|无锡"
    "|台北|台中|台南|高雄|新北|桃园|香港|九龙|新界|沙田|旺角|荃湾|观塘|屯门|元朗|铜锣湾|尖沙咀|澳门|氹仔)(?=..)"
)
_REGION = re.compile(r".*(?:街道|[省市区县镇乡州旗盟岛])(?=..)")
_NO_STREET = re.compile(
    r".*[线电网铁马套思走跑车带管回退绕水气门财销岔条半]路|.*高速公路|一路|公路|.*[频通轨赛味渠管跑车报知地隧空要难街]道"
    r"|.*[这那哪家店屋手心公]里|.*[农全乡]村"
)
_NO_ESTATE = frozenset(
    ("", "本", "该", "一个", "个", "整个", "隔壁", "同一", "小", "老", "医学", "全", "旁边", "对面", "附近")
)
_WEAK = re.compile(r"[苑城府湾园阁]|宿舍|大厦|中心|广场|工业园")
_INNER = re.compile(r"单元|室|户|房|-|[楼层座栋幢][A-Z]?[0-9]{2}")


def _addresses(text: str) -> Iterator[Span]:
    """From the name of the street or estate to the last flat; city and district before it stay."""
    done = 0
    anchors = (*_STREET.finditer(text), *_ESTATE.finditer(text), *_DOOR.finditer(text))
    for match in sorted(anchors, key=lambda found: (found.start(), -found.end())):
        if match.start() < done:
            continue
        name = "" if match.re is _DOOR else _name_before(text, match.start())
        end = _tail(text, match.end())
        if match.re is _DOOR or (name and _leads_home(match, name, end)):
            start = max(match.start() - len(name), done)
            yield start, end
            done = end


def _leads_home(match: re.Match[str], name: str, end: int) -> bool:
    if match.re is _STREET:
        return not _NO_STREET.fullmatch(name + match["way"])
    # 中心3号楼 may be any office: only with a flat does it lead to a person.
    home = not _WEAK.fullmatch(match["way"]) or _INNER.search(match.string, match.start(), end) is not None
    return home and name not in _NO_ESTATE


def _tail(text: str, at: int) -> int:
    match = _TAIL.match(text, at)
    return match.end() if match else at


def _name_before(text: str, end: int) -> str:
    start = end
    while start > max(0, end - 8) and "\u3400" <= text[start - 1] <= "\u9fff":
        start -= 1
    name = text[start:end]
    for before in (_BEFORE, _REGION, _CITY):
        if found := before.match(name):
            name = name[found.end() :]
    return name


# --- names -----------------------------------------------------------------------------------------------------------

_SURNAME = (
    "(?:欧阳|司马|上官|诸葛|司徒|东方|皇甫|尉迟|公孙|慕容|端木|夏侯|令狐"
    "|[王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜"
    "范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙段雷钱汤尹黎易武乔贺赖龚文庞樊兰殷施陶洪翟颜倪严温季俞章鲁葛伍韦申尤"
    "毕聂焦柳邢岳齐梅莫庄辛祝左涂祁舒耿詹关凌纪童欧项游裴霍翁甘景柯阮])"
)
# A star ends no name: it stands for a character, and a chain of names must not open link by link.
_PERSON = re.compile(
    r"(?:(?<![让给帮问听请替没被])我叫|名字[是叫:]|姓名|联[系络]人|[收寄取]件人|收货人|预订人|入住人|投诉人|车主(?=[ :]))"
    rf"[ :是为叫]{{0,3}}(?P<it>{_SURNAME}[{HAN}]{{1,2}}?)"
    rf"(?=\Z|[^{HAN}*]|[电证卡单车]\*|先生|女士|小姐|同学|电话|手机|联系|身份证|住|[嘅的](?:订单|快递|包裹|单))"
)
_NO_PERSON = re.compile(
    r".*(?:[鸡鸭鱼肉饭面粉汤茶牛羊虾菜饼酒糕粥包堡]|经理|师傅|老师|主管|店长|医生|总|先|女|小|姐|哥)\Z"
)


def _names(text: str) -> Iterator[Span]:
    return (m.span("it") for m in _PERSON.finditer(text) if not _NO_PERSON.match(m["it"]))


#: What is certain enough to go before all numbers, then what is left to look for after them.
BEFORE_NUMBERS: tuple[tuple[str, Reader], ...] = (
    ("email", _mails),
    ("order", _told_orders),
    ("order", _waybills),
)
AFTER_PROVEN: tuple[tuple[str, Reader], ...] = (
    ("plate", _plates),
    ("plate", _told_plates),
    ("account", _accounts),
)
AFTER_NUMBERS: tuple[tuple[str, Reader], ...] = (
    ("order", _told_parcels),
    ("order", _asked_orders),
    ("address", _addresses),
    ("name", _names),
)
