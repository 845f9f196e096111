"""What is masked, how the mask looks, and what only looks personal."""

from __future__ import annotations

import pytest

from vocnlp.privacy import KINDS, Finding, find, mask, mask_all

KEYCAP = "\ufe0f\u20e3"  # 1️⃣ is a digit and these two

MASKED = [
    # mainland telephones
    ("mobile", "电话13800001357打不通", "电话电**********打不通"),
    ("mobile", "打+86 138-0000-1357没人接", "打+电* ***-****-****没人接"),
    ("mobile", "１３８００００１３５７是我", "电**********是我"),
    ("mobile", "幺三八零零零零一三五七，速回", "电**********，速回"),
    ("mobile", "138oooo1357，速回", "电**********，速回"),
    ("mobile", KEYCAP.join("13800001357 "), KEYCAP.join("电********** ")),
    ("mobile", "13800001357天天打不通", "电**********天天打不通"),
    # a telephone is one whatever word stands behind it, and also where letters run into it
    ("mobile", "麻烦打13800001357万一占线再发消息", "麻烦打电**********万一占线再发消息"),
    ("mobile", "让我联系13800001357升级宽带", "让我联系电**********升级宽带"),
    ("mobile", "13800001357个个客服都说忙", "电**********个个客服都说忙"),
    ("mobile", "电话13800001357分钟内必须回", "电话电**********分钟内必须回"),
    ("mobile", "电话13800001357件件事都没办", "电话电**********件件事都没办"),
    ("mobile", "登录ID13800001357被锁", "登录ID电**********被锁"),
    ("mobile", "电话b13800001357", "电话b电**********"),
    ("landline", "座机60000813万一没人", "座机电*******万一没人"),
    ("hk_phone", "我電話係93004680", "我電話係电*******"),
    ("account", "我微信系abc00135", "我微信系********"),
    ("landline", "010-60000135没人接", "电**-********没人接"),
    ("landline", "(0755) 8000 0357转801", "(电***) **** ********"),
    ("landline", "座机60000813", "座机电*******"),
    # papers and cards
    ("resident_id", "身份证11010519491231002X不清晰", "身份证证*****************不清晰"),
    ("resident_id", "1101 0519 4912 3100 2x", "证*** **** **** **** **"),
    ("bank_card", "卡6217000000000001234 扣两次", "卡卡****************** 扣两次"),
    ("bank_card", "6222 0200 0000 0007 773", "卡*** **** **** **** ***"),
    ("passport", "护照E00001357", "护照证********"),
    ("passport", "回乡证H0000680201", "回乡证证**********"),
    ("tw_id", "身分證A123456789", "身分證证*********"),
    ("hk_id", "證件A123456(3)", "證件证******(*)"),
    # Taiwan, Hong Kong, Macau
    ("tw_phone", "手機0900-135-246", "手機电***-***-***"),
    ("tw_phone", "門市(02)2000-0579", "門市(电*)****-****"),
    ("hk_phone", "打俾我 9000 1357", "打俾我 电*** ****"),
    ("hk_phone", "+852 93004680", "+电** ********"),
    ("mo_phone", "澳門電話6600 2468", "澳門電話电*** ****"),
    # the rest
    ("email", "发到zhang.san_88@example.com吧", "发到*****.******@*******.***吧"),
    ("plate", "京A·10C35剐了我", "车*·*****剐了我"),
    ("plate", "粤BD12046停了", "车*******停了"),
    ("order", "订单号：2024110312345600没发", "订单号：单***************没发"),
    ("order", "SF0000013579246一直没动", "单**************一直没动"),
    ("account", "加微信abc_00135", "加微信*********"),
    ("account", "QQ：10000579被盗", "QQ：********被盗"),
    ("address", "朝阳区松影路88号3栋502室没送到", "朝阳区**路**号*栋***室没送到"),
    ("address", "我住梧桐花园5栋2单元1103", "我住*****栋*单元****"),
    ("address", "松月路100號12樓之3，不上樓", "**路***號**樓**，不上樓"),
    ("address", "解放路三十二号", "**路***号"),
    ("name", "我叫王小满，要退款", "我叫***，要退款"),
    ("name", "收件人：欧阳晓雨", "收件人：****"),
]

KEPT = [
    "花了12999元，满300减50", "型号KFR-35GW/NhGc1B", "2024-11-03 13:45:22扣的款", "20241103134522", "等了138分钟", "共13800000000元",
    "打12306、10086和95588", "400-820-0135没人接", "4008200246", "0800-000-135", "CA1357次和G1024次", "豪华大床房2208",
    "北纬39.904200，东经116.407400", "ISBN 978-7-111-00135-8", "条码6901234567892", "版本14.6.1", "139.196.12.345", "1998年", "99.87%",
    "IMEI 860000000013579", "货号15900001357", "微信支付5次", "微信8.0版本", "QQ音乐会员15元", "3号线2号口", "我们小区3栋门口",
    "2号楼梯", "一二三四五六七八九十", "新BMW325", "手机2000-3000元", "2019-2024", "我叫了外卖", "我叫黄焖鸡", "联系人写错了", "@小红书 看到的",
    "一共15900001357元", "型号A15900001357", "https://a.cn/ab15900001357", "x9a15900001357", "SN15900001357", "model15900001357b", "微信系统很卡",
    "", " ", "味道不错",
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "masked"), MASKED)
def test_personal_data_is_masked_in_its_place(kind, text, masked):
    assert mask(text) == masked
    assert [finding.kind for finding in find(text)] == [kind]


def test_every_kind_is_in_the_table():
    assert {kind for kind, _, _ in MASKED} == set(KINDS)


@pytest.mark.parametrize("text", KEPT)
def test_what_only_looks_personal_stays(text):
    assert (find(text), mask(text)) == ((), text)


def test_findings_stand_in_order_with_offsets_of_the_raw_text():
    text = "我叫王小满，电话１３８００００１３５７，住青砚街12号，邮箱a@example.com"
    assert find(text) == (
        Finding("name", 2, 5),
        Finding("mobile", 8, 19),
        Finding("address", 21, 27),
        Finding("email", 30, 43),
    )
    assert text[8:19] == "１３８００００１３５７"


def test_a_card_beside_a_price_and_two_numbers_beside_each_other():
    assert mask("6222 0200 0000 0007 773 100元") == "卡*** **** **** **** *** 100元"
    assert mask("13800001357/13900002468") == "电**********/电**********"
    assert mask("13800001357-13900002468") == "电**********-电**********"


def test_a_wrong_check_digit_needs_a_word_to_be_masked():
    assert mask("单价330000198501010011") == "单价330000198501010011"
    assert mask("身份证330000198501010011") == "身份证证*****************"
    assert mask("A123456780到货") == "A123456780到货"


def test_many_texts_are_masked_as_one_by_one():
    texts = [text for _, text, _ in MASKED] + KEPT
    assert mask_all(texts) == [masked for _, _, masked in MASKED] + KEPT
    assert mask_all([]) == []
