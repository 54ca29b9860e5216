"""What a file is, by its bytes: sound ones of each kind, cut ones, disguised ones; and names made harmless."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcasts.file_kinds import JPEG, PDF, PNG, Judged, judge
from broadcasts.file_names import NAME_LENGTH, disposition, is_harmful, tidy_name
from tests import files

HTML = b"<!DOCTYPE html><html><script>alert(1)</script></html>"

CASES = {
    "pdf": (files.PDF, PDF),
    "pdf of 2.0": (files.PDF.replace(b"%PDF-1.4", b"%PDF-2.0"), PDF),
    "pdf with blanks behind": (files.PDF + b"\r\n\x00\x00\n", PDF),
    "pdf saved twice": (files.PDF + files.PDF[9:], PDF),
    "large pdf": (files.padded_pdf(300_000), PDF),
    "png": (files.PNG, PNG),
    "jpeg": (files.JPEG, JPEG),
    "jpeg with a telephone's own data behind": (files.JPEG + b"SEFT\x00\x01" * 20, JPEG),
    "empty": (b"", "attachment_empty"),
    "text": (b"xin chao", "attachment_kind"),
    "page": (HTML, "attachment_kind"),
    "page called pdf": (b"\n" + HTML, "attachment_kind"),
    "program": (b"MZ\x90\x00" + b"\x00" * 100, "attachment_kind"),
    "word": (b"PK\x03\x04" + b"\x00" * 100 + files.ZIP_END, "attachment_kind"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "attachment_kind"),
    "gif": (b"GIF89a" + b"\x00" * 20, "attachment_kind"),
    "pdf behind other bytes": (b"x" + files.PDF, "attachment_kind"),
    "cut pdf": (files.PDF[:-20], "attachment_broken"),
    "only a pdf's head": (b"%PDF-1.7", "attachment_broken"),
    "pdf without a table": (b"%PDF-1.7\n%%EOF", "attachment_broken"),
    "pdf with a page behind": (files.PDF + HTML, "attachment_broken"),
    "pdf with a page in its head": (files.PDF[:9] + b"%<script>alert(1)</script>\n" + files.PDF[9:],
                                    "attachment_disguised"),
    "pdf that is an archive": (files.PDF[:9] + b"%" + files.ZIP_END + b"\n" + files.PDF[9:], "attachment_disguised"),
    "cut png": (files.PNG[:-4], "attachment_broken"),
    "png with more behind": (files.PNG + b"more", "attachment_broken"),
    "png without a head": (files.PNG[:8] + files.PNG[33:], "attachment_broken"),
    "only a png's signature": (files.PNG[:8], "attachment_broken"),
    "cut jpeg": (files.JPEG[:-2], "attachment_broken"),
    "jpeg without a frame": (files.JPEG[:20] + files.JPEG[33:], "attachment_broken"),
    "jpeg with a lie about a length": (files.JPEG[:4] + b"\xff\xff" + files.JPEG[6:], "attachment_broken"),
    "jpeg with a page behind": (files.JPEG + HTML, "attachment_broken"),
    "jpeg that is an archive": (files.JPEG + files.ZIP_END, "attachment_disguised"),
    "jpeg with a page in a comment": (files.JPEG[:2] + b"\xff\xfe\x00\x1a<script>alert(1)</script" + files.JPEG[2:],
                                      "attachment_disguised"),
    "jpeg that is a pdf": (files.JPEG[:2] + b"\xff\xfe\x00\x0a%PDF-1.4" + files.JPEG[2:], "attachment_disguised"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "expected"), CASES.values(), ids=CASES)
def test_a_file_is_what_its_bytes_say(content, expected):
    wanted = Judged(expected) if "/" in expected else Judged(problem=expected)
    assert judge(content) == wanted


@given(st.binary(max_size=3_000), st.sampled_from([b"", files.PDF[:9], files.PNG[:8], files.JPEG[:3]]))
def test_no_bytes_make_it_fail(content, head):
    judged = judge(head + content)
    assert bool(judged.media) != bool(judged.problem)


@given(st.sampled_from([files.PDF, files.PNG, files.JPEG]), st.data())
def test_a_cut_file_is_never_taken(whole, data):
    end = data.draw(st.integers(0, len(whole.rstrip()) - 1))
    assert judge(whole[:end]).problem


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..\\..\\boot.ini", "/etc/shadow", "C:\\a.pdf", "a\x00.pdf", "a\n.pdf", "..", "."]
)
def test_a_path_is_no_name(name):
    assert is_harmful(name)


@pytest.mark.parametrize(
    ("name", "media", "tidy"),
    [
        ("Công điện 12.pdf", PDF, "Công điện 12.pdf"),
        ("Co\u0302ng điện.PDF", PDF, "Công điện.pdf"),
        ("cong-dien.exe", PDF, "cong-dien.exe.pdf"),
        ("anh.jpeg", JPEG, "anh.jpeg"),
        ("anh.png", JPEG, "anh.png.jpg"),
        ("", PNG, "tai-lieu.png"),
        (".pdf", PDF, "tai-lieu.pdf"),
        ("a\u202efdp.exe", PDF, "afdp.exe.pdf"),
        ('a"b<c>|?*:.pdf', PDF, "a b c.pdf"),
        ("x" * 500 + ".pdf", PDF, "x" * (NAME_LENGTH - 4) + ".pdf"),
    ],
)
def test_a_name_is_kept_readable_and_made_harmless(name, media, tidy):
    assert tidy_name(name, media) == tidy


@given(st.text(max_size=300), st.sampled_from([PDF, JPEG, PNG]))
def test_a_tidy_name_stays_tidy(name, media):
    tidy = tidy_name(name, media)
    assert tidy_name(tidy, media) == tidy
    assert 5 <= len(tidy) <= NAME_LENGTH
    assert not is_harmful(tidy)
    header = disposition(tidy, inline=False)
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2


def test_the_header_says_the_name_in_both_ways():
    said = disposition("Công điện 12.pdf", inline=True)
    assert said == "inline; filename=\"Cong dien 12.pdf\"; filename*=UTF-8''C%C3%B4ng%20%C4%91i%E1%BB%87n%2012.pdf"
