"""The ten templates and free text as they leave: wording, lengths, marks, refusals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcasts.content import CONFIG_KEYS, FORMS, Content, OfficeFacts, Setting, Source, render
from broadcasts.content_hash import content_hash
from broadcasts.model import Kind, Mode, Urgency
from broadcasts.templates import FOLDER, TemplateError, fill, load_templates, needed
from text.safe import is_safe
from text.segments import measure

OFFICE = OfficeFacts("PCTT Thanh Hóa", "0237.xxx.xxxx", "8xxx", "https://pctt.thanhhoa.gov.vn/")
SETTING = Setting(OFFICE, "TB0825-07", replaces="TB0825-06")
TEMPLATES = load_templates()

FILLED = {
    "T1": (503, "PCTT Thanh Hoa: BAO SO 5 cap 13-14, giat 16, du kien vao Nghi Son - Sam Son 13-16h ngay 25/8. "
           "Khong ra khoi nha tu 7h ngay 25/8. Khan cap goi 112."),
    "T2": (351, "PCTT Thanh Hoa: LU song Ma tai Ly Nhan 12,05m (tren BD3 0,05m), con len. Khong qua ngam tran, "
           "khong vot cui. Ho ngoai bai vao trong de ngay. Khan cap goi 112."),
    "T3": (338, "PCTT Thanh Hoa: HO Cua Dat XA LU tu 10h ngay 27/9, 1.250-3.200 m3/s. Nguoi dan ven song Chu len cao, "
           "khong xuong song, khong vot cui. Khan cap goi 112."),
    "T4": (368, "PCTT Thanh Hoa: NGUY CO LU QUET, SAT LO tai Na Meo (ban Sa Na, ven suoi Son). Roi khoi noi nguy hiem "
           "ngay, khong doi sang. Khan cap goi 112."),
    "T5": (380, "PCTT Thanh Hoa: SO TAN xa Hoang Chau xong truoc 15:00 ngay 28/9. Den Truong THCS Hoang Chau. Mang "
           "giay to, thuoc, nuoc. Can giup: 09xx.xxx.xxx hoac 112."),
    "T6": (284, "PCTT Thanh Hoa: NANG NONG 39-40 do C tu 02/7 den 05/7. Tranh ra nang 10-16h, uong du nuoc, can than "
           "chay rung, dien. Cap cuu goi 115."),
    "T7": (273, "DIEN TAP - KHONG PHAI THAT. PCTT Thanh Hoa thu lien lac 08:00 15/10. Can bo tra loi: DANHAN TB0825-07 "
           "gui 8xxx. Nguoi dan khong can lam gi."),
    "T8": (258, "PCTT Thanh Hoa: Bao lu kho di lai, ba con lam thu tuc tai dichvucong.thanhhoa.gov.vn hoac qua buu "
           "chinh cong ich. Ho tro: 0832 293 293, 02373 777 777."),
    "T9": (354, "PCTT Thanh Hoa: Ung ho dong bao bi bao so 3 (Yagi) qua ung dung VNeID (Mat tran To quoc VN). Khong "
           "chuyen tien theo tin nhan, duong link la."),
    "T10": (284, "PCTT Thanh Hoa: Xa Mau Lam chua gui bao cao nhanh ky chieu 26/8, han 16:00 ngay 26/8. Mau: BC TM12 "
            "LUA30; khong thiet hai: BC KHONG, gui 8xxx. DT 0237.xxx.xxxx"),
}  # fmt: skip


def sample(number: str) -> Source:
    template = TEMPLATES.find(number)
    assert template is not None
    return Source(template=number, blanks={name: blank.example for name, blank in template.blanks.items()})


def keys(content: Content) -> set[tuple[str, str]]:
    return {(problem.field, problem.key) for problem in content.problems}


@pytest.mark.parametrize("number", FILLED)
def test_sample_values_give_the_agreed_texts(number: str) -> None:
    length, sms = FILLED[number]
    content = render(sample(number), SETTING, TEMPLATES)
    assert len(content.forms["chat"]) == length
    assert content.forms["sms"] == sms
    assert content.segments("sms").segments == 1
    expected = {
        "T5": {("blanks.sdt_can_bo", "blank_wrong_type")},  # 09xx.xxx.xxx is nobody's number
        "T7": {("mode", "template_not_actual")},
    }
    assert keys(content) == expected.get(number, set())


@pytest.mark.parametrize("number", FILLED)
def test_a_leader_gets_one_part_with_how_to_confirm(number: str) -> None:
    content = render(sample(number), SETTING, TEMPLATES)
    leader = content.forms["sms_leader"]
    assert "DANHAN TB0825-07 gui 8xxx" in leader
    assert content.segments("sms_leader").segments == 1
    assert content.segments("sms_leader").encoding == "GSM-7"
    assert is_safe(leader)
    without = render(sample(number), replace(SETTING, office=replace(OFFICE, short_code="")), TEMPLATES)
    assert without.forms["sms_leader"].endswith("DANHAN TB0825-07")


@pytest.mark.parametrize("number", FILLED)
def test_every_text_is_filled_whole(number: str) -> None:
    for setting in (SETTING, replace(SETTING, replaces="", accented=True)):
        for text in render(sample(number), setting, TEMPLATES).forms.values():
            assert "{" not in text
            assert "[[" not in text


def test_first_message_of_a_storm_replaces_nothing() -> None:
    first = render(sample("T1"), replace(SETTING, replaces=""), TEMPLATES).forms["chat"]
    assert "(mã TB0825-07)\n" in first
    assert "(mã TB0825-07, thay TB0825-06)\n" in render(sample("T1"), SETTING, TEMPLATES).forms["chat"]


@pytest.mark.parametrize(
    ("urgency", "start"),
    [
        (None, "[HOẢ TỐC] BÃO"),
        (Urgency.THUONG, "BÃO"),
        (Urgency.KHAN, "[KHẨN] BÃO"),
        (Urgency.THUONG_KHAN, "[THƯỢNG KHẨN] BÃO"),
    ],
)
def test_the_first_line_follows_the_urgency(urgency: Urgency | None, start: str) -> None:
    assert render(sample("T1"), replace(SETTING, urgency=urgency), TEMPLATES).forms["chat"].startswith(start)


@pytest.mark.parametrize(
    ("mode", "chat", "sms"),
    [
        (Mode.EXERCISE, "DIỄN TẬP – KHÔNG PHẢI THẬT\n", "DIEN TAP - KHONG PHAI THAT. "),
        (Mode.TEST, "THỬ HỆ THỐNG – KHÔNG PHẢI THẬT\n", "THU HE THONG - KHONG PHAI THAT. "),
    ],
)
def test_what_is_not_real_says_so_first(mode: Mode, chat: str, sms: str) -> None:
    for source in (sample("T1"), sample("T7"), Source(text="Kiểm tra")):
        content = render(source, replace(SETTING, mode=mode), TEMPLATES)
        assert not content.problems
        assert content.forms["chat"].startswith(chat)
        assert content.forms["sms"].startswith(sms)
        assert content.forms["sms_leader"].startswith(sms)
    drill = render(sample("T7"), replace(SETTING, mode=Mode.EXERCISE), TEMPLATES)
    assert drill.forms["sms"].count("DIEN TAP") == 1
    assert "KHÔNG PHẢI THẬT" not in render(sample("T1"), SETTING, TEMPLATES).forms["chat"]


def test_a_made_up_number_may_stand_in_an_exercise_only() -> None:
    assert not render(sample("T5"), replace(SETTING, mode=Mode.EXERCISE), TEMPLATES).problems
    assert render(sample("T5"), SETTING, TEMPLATES).problems


def test_accents_are_kept_when_asked_for() -> None:
    content = render(sample("T1"), replace(SETTING, accented=True), TEMPLATES)
    assert content.forms["sms"].startswith("PCTT Thanh Hóa: BÃO SỐ 5 cấp 13-14, giật 16, dự kiến vào Nghi Sơn")
    assert content.segments("sms").encoding == "UCS-2"
    assert content.changes == ()


@pytest.mark.parametrize(
    ("blank", "value", "key"),
    [
        ("so_bao", "", "blank_missing"),
        ("so_bao", "năm", "blank_wrong_type"),
        ("muc_nuoc", "12.05", "blank_wrong_type"),
        ("gio_phat", "25:00", "blank_wrong_type"),
        ("gio_phat", "chiều nay", "blank_wrong_type"),
        ("ngay", "31/2", "blank_wrong_type"),
        ("ngay", "25/13", "blank_wrong_type"),
        ("ngay", "29/2/2025", "blank_wrong_type"),
        ("han", "09:00", "blank_wrong_type"),
        ("cap_do", "6", "blank_wrong_type"),
        ("cap_gio", "14-13", "blank_wrong_type"),
        ("cap_gio", "40", "blank_wrong_type"),
        ("so_van_ban", "Công điện", "blank_wrong_type"),
        ("viec_1", "a\nb", "blank_wrong_type"),
        ("viec_1", "xem https://example.com/x", "blank_has_link"),
        ("viec_1", "x" * 121, "blank_too_long"),
        ("khong_co", "1", "blank_unknown"),
    ],
)
def test_a_wrong_blank_is_named(blank: str, value: str, key: str) -> None:
    number = "T2" if blank == "muc_nuoc" else "T1"
    source = sample(number)
    content = render(replace(source, blanks={**source.blanks, blank: value}), SETTING, TEMPLATES)
    assert keys(content) == {(f"blanks.{blank}", key)}
    problem = content.problems[0]
    assert problem.params["name"] == blank
    if key != "blank_unknown":
        assert problem.params["label"]
        assert problem.params["example"]


@pytest.mark.parametrize(
    ("blank", "number", "value"),
    [
        ("han", "T1", "24h ngày 25/8"),
        ("han", "T1", "9 giờ ngày 25/8"),
        ("han", "T1", "09:00 25/8/2025"),
        ("gio_phat", "T1", "7h30"),
        ("ngay", "T1", "29/2"),
        ("cap_gio", "T1", "12"),
        ("gio_do_bo", "T1", "15:00 ngày 25/8"),
        ("q_tu", "T3", "850"),
        ("nhiet", "T6", "41"),
        ("dt1", "T8", "112"),
        ("cong", "T8", "https://dichvucong.thanhhoa.gov.vn/p?a=1"),
    ],
)
def test_other_ways_of_writing_that_fit(blank: str, number: str, value: str) -> None:
    source = sample(number)
    assert not render(replace(source, blanks={**source.blanks, blank: value}), SETTING, TEMPLATES).problems


@pytest.mark.parametrize(
    "link", ["http://dichvucong.thanhhoa.gov.vn.evil.com", "bit.ly/abc", "dichvucong.thanhhoa.gov.vn@evil.com"]
)
def test_a_link_that_only_looks_official_is_refused(link: str) -> None:
    source = sample("T8")
    content = render(replace(source, blanks={**source.blanks, "cong": link}), SETTING, TEMPLATES)
    assert ("blanks.cong", "blank_wrong_type") in keys(content)
    assert ("template", "link_not_official") in keys(content)


def test_the_risk_level_brings_its_word() -> None:
    source = sample("T1")
    blanks = {**source.blanks, "cap_do": "3"}
    del blanks["muc_rui_ro"]
    assert "cấp 3 (lớn)" in render(replace(source, blanks=blanks), SETTING, TEMPLATES).forms["chat"]


def test_a_unit_blank_asks_the_catalogue() -> None:
    setting = replace(SETTING, known_unit=lambda name: name == "Na Mèo")
    assert not render(sample("T4"), setting, TEMPLATES).problems
    source = sample("T4")
    unknown = replace(source, blanks={**source.blanks, "ten_xa": "Na Mèu"})
    assert keys(render(unknown, setting, TEMPLATES)) == {("blanks.ten_xa", "blank_wrong_type")}


@pytest.mark.parametrize(
    ("number", "field", "key"),
    [
        ("T1", "sender", "office.sender"),
        ("T1", "hotline", "office.hotline"),
        ("T10", "short_code", "office.short_code"),
    ],
)
def test_an_empty_setting_refuses_the_text_that_needs_it(number: str, field: str, key: str) -> None:
    content = render(sample(number), replace(SETTING, office=replace(OFFICE, **{field: ""})), TEMPLATES)
    assert [(problem.key, problem.params) for problem in content.problems] == [("config_empty", {"key": key})]
    assert key in CONFIG_KEYS.values()


def test_only_the_forms_in_use_are_asked_for() -> None:
    bare = replace(SETTING, office=OfficeFacts(sender="PCTT Thanh Hóa"), forms=frozenset({"sms"}))
    source = Source(template="bao", blanks={"so_bao": "5", "lan": "1", "cap_gio": "12", "giat": "14",
                                            "khu_vuc": "Nghi Sơn", "gio_do_bo": "7h ngày 25/8",
                                            "gio_o_nha": "7h ngày 25/8"})  # fmt: skip
    content = render(source, bare, TEMPLATES)
    assert not content.problems
    assert set(content.forms) == {"sms"}


def test_the_systems_own_blanks_win_and_the_offices_may_be_typed() -> None:
    source = sample("T1")
    typed = {**source.blanks, "ma_tin": "XX", "ma_tin_cu": "TB0825-01", "sdt_truc_ban": "0237 000 0000"}
    content = render(replace(source, blanks=typed), replace(SETTING, replaces=""), TEMPLATES)
    assert "mã TB0825-07, thay TB0825-01" in content.forms["chat"]
    assert content.forms["chat"].endswith("Trực ban: 0237 000 0000.")
    assert content.ignored == ("ma_tin",)
    assert not content.problems


def test_values_cannot_smuggle_blanks() -> None:
    source = sample("T1")
    content = render(replace(source, blanks={**source.blanks, "viec_1": "{ma_tin} [[x]]"}), SETTING, TEMPLATES)
    assert "{ma_tin} [[x]]" in content.forms["chat"]


@pytest.mark.parametrize("name", ["T1", "t1", "bao", "BAO", "t01_bao", "T01", "t01_bao.toml"])
def test_a_template_answers_to_all_its_names(name: str) -> None:
    found = TEMPLATES.find(name)
    assert found is not None
    assert found.number == "T1"


@pytest.mark.parametrize(
    ("source", "key"),
    [
        (Source(template="T99"), "template_unknown"),
        (Source(template=""), "template_unknown"),
        (Source(text="  \n\u200b "), "text_missing"),
        (Source(), "text_missing"),
        (Source(text="a", template="T1"), "text_and_template"),
        (Source(text="x" * 2001), "chat_too_long"),
        (Source(text="😀" * 1001), "chat_too_long"),
        (Source(text="x" * 1900), "sms_too_long"),
    ],
)
def test_what_cannot_be_sent_says_why(source: Source, key: str) -> None:
    assert key in {problem.key for problem in render(source, SETTING, TEMPLATES).problems}


CARRIERS = (
    "Tăng cường sử dụng các dịch vụ công trực tuyến trên Cổng dịch vụ công tỉnh Thanh Hóa "
    "(dichvucong.thanhhoa.gov.vn) hoặc gửi hồ sơ, nhận trả kết quả thông qua dịch vụ bưu chính công ích với đường dây "
    "nóng hỗ trợ: 0832 293 293 hoặc 02373 777 777, giảm di chuyển, tiếp xúc đông người; phòng tránh nguy cơ lây, nhiễm "
    "dịch bệnh Covid – 19"
)


def test_free_text_keeps_its_words_and_shows_what_sms_lost() -> None:
    content = render(Source(text=CARRIERS), SETTING, TEMPLATES)
    assert content.problems == ()
    assert content.forms["chat"] == CARRIERS
    assert content.segments("sms").units == 332
    assert content.segments("sms").segments == 3
    assert [(change.source, change.target) for change in content.changes] == [("–", "-")]
    assert content.forms["sms_leader"] == content.forms["sms"] + " DANHAN TB0825-07 gui 8xxx"
    limited = render(Source(text=CARRIERS), replace(SETTING, sms_parts_limit=1), TEMPLATES)
    assert {problem.key for problem in limited.problems} == {"sms_too_long"}


@pytest.mark.parametrize(
    ("length", "ending"), [(134, "DANHAN TB0825-07 gui 8xxx"), (143, "DANHAN TB0825-07"), (144, "x")]
)
def test_how_to_confirm_never_costs_a_part(length: int, ending: str) -> None:
    content = render(Source(text="x" * length), SETTING, TEMPLATES)
    assert content.forms["sms_leader"].endswith(ending)
    assert content.segments("sms_leader").segments == 1


def test_title_is_typed_or_the_first_line() -> None:
    assert render(Source(text="Dòng một\nDòng hai"), SETTING, TEMPLATES).title == "Dòng một"
    assert render(Source(text="a", title="Tên"), SETTING, TEMPLATES).title == "Tên"
    assert len(render(Source(text="chữ " * 200), SETTING, TEMPLATES).title) <= 120


@given(st.text(st.characters(codec=None), max_size=300))
def test_any_text_renders_and_sms_is_safe(text: str) -> None:
    content = render(Source(text=text), SETTING, TEMPLATES)
    if set(content.forms) == FORMS:
        assert is_safe(content.forms["sms"])
        assert is_safe(content.forms["sms_leader"])
        assert measure(content.forms["sms_leader"]).segments == measure(content.forms["sms"]).segments
    else:
        assert content.problems


@given(st.dictionaries(st.sampled_from(["so_bao", "viec_1", "han", "la"]), st.text(max_size=40)))
def test_any_blanks_render_without_raising(blanks: dict[str, str]) -> None:
    render(Source(template="T1", blanks=blanks), SETTING, TEMPLATES)


def test_optional_sections() -> None:
    assert fill("a[[ b {x} c {y}]] d {z}", {"x": "1", "y": "2", "z": "3"}) == "a b 1 c 2 d 3"
    assert fill("a[[ b {x} c {y}]] d {z}", {"x": "1", "y": "", "z": "3"}) == "a d 3"
    assert needed("a[[ {x}]] {y} {y}") == ["y"]


def test_ten_templates_with_their_kinds() -> None:
    assert [one.number for one in TEMPLATES.all] == [f"T{n}" for n in range(1, 11)]
    assert {one.number for one in TEMPLATES.all if one.kind is Kind.DIRECTIVE} == {"T5", "T10"}
    assert [one.number for one in TEMPLATES.all if one.mode is Mode.EXERCISE] == ["T7"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("{so_bao}", "{so_bo}"), "no [blanks.…]"),
        (("[blanks.so_bao]", "[blanks.ma_tin]"), "blanks.…|system"),
        (('number = "T1"', 'number = "X"'), "not T1"),
        (('type = "wind"', 'type = "storm"'), "type"),
        (('kind = "alert"', 'kind = "alarm"'), "kind"),
        (('title = "', 'titel = "'), "titel"),
    ],
)
def test_a_broken_template_file_is_found_at_start(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    text = (FOLDER / "t01_bao.toml").read_text("utf-8").replace(*change)
    (tmp_path / "t01_bao.toml").write_text(text, "utf-8")
    with pytest.raises(TemplateError) as raised:
        load_templates(tmp_path)
    assert any(word in str(raised.value) for word in says.split("|"))


def test_two_templates_may_not_share_a_name(tmp_path: Path) -> None:
    text = (FOLDER / "t01_bao.toml").read_text("utf-8")
    (tmp_path / "a.toml").write_text(text, "utf-8")
    (tmp_path / "b.toml").write_text(text.replace('"T1"', '"T2"'), "utf-8")
    with pytest.raises(TemplateError, match="belongs to"):
        load_templates(tmp_path)
    with pytest.raises(TemplateError, match="no template"):
        load_templates(tmp_path / "none")


plans = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
contents = st.tuples(st.dictionaries(st.text(), st.text()), st.text(), st.dictionaries(st.text(), plans))


@given(contents, contents)
def test_a_hash_is_equal_exactly_where_the_content_is(
    a: tuple[dict[str, str], str, dict[str, object]], b: tuple[dict[str, str], str, dict[str, object]]
) -> None:
    # Python counts True equal to 1; the hash does not, and need not.
    assert (content_hash(*a) == content_hash(*b)) == (repr(_sorted(a)) == repr(_sorted(b)))
    forms, audience, plan = a
    backwards = dict(reversed(list(plan.items())))
    assert content_hash(dict(reversed(list(forms.items()))), audience, backwards) == content_hash(*a)


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return sorted((key, _sorted(inner)) for key, inner in value.items())
    if isinstance(value, (list, tuple)):
        return [_sorted(inner) for inner in value]
    return value


@given(contents, st.text(min_size=1))
def test_any_change_changes_the_hash(content: tuple[dict[str, str], str, dict[str, object]], more: str) -> None:
    forms, audience, plan = content
    whole = content_hash(forms, audience, plan)
    assert content_hash({**forms, "chat": forms.get("chat", "") + more}, audience, plan) != whole
    assert content_hash(forms, audience + more, plan) != whole
    assert content_hash(forms, audience, {**plan, "steps": [more, whole]}) != whole


def test_a_plan_that_json_cannot_hold_is_refused() -> None:
    with pytest.raises(TypeError):
        content_hash({}, "", {"a": {1: 2}})
    with pytest.raises(ValueError, match="JSON"):
        content_hash({}, "", {"a": float("nan")})
