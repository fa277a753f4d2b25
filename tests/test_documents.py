"""Laws of announcement files: what is read, with which line, and what is refused."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import string
import time
import tracemalloc
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timeline.core.errors import TimelineError
from timeline.documents import MAX_BYTES, read, walk
from timeline.documents.plain import MAX_DEPTH

ANNOUNCEMENT = """\
# found in the archive
key: om-2019-07-22
announced: 2019-07-22
statements:
  - term: exclusivity/cloud
    set: {level: exclusive, scope: all workloads}
  - term: stake/x
    set:
      percent: 12.50
    quote: |
      about an eighth
"""


def one(content: str | bytes, name: str = "said.yaml") -> Any:
    raw = content if isinstance(content, bytes) else content.encode()
    return next(read(raw, name)).data


def refusal(content: str | bytes, name: str = "said.yaml") -> TimelineError:
    raw = content if isinstance(content, bytes) else content.encode()
    with pytest.raises(TimelineError) as caught:
        list(read(raw, name))
    assert caught.value.more["file"] == name
    assert caught.value.remedy
    return caught.value


def test_a_yaml_announcement_is_plain_data_with_text_dates_and_exact_numbers() -> None:
    assert one(ANNOUNCEMENT) == {
        "key": "om-2019-07-22",
        "announced": "2019-07-22",
        "statements": [
            {"term": "exclusivity/cloud", "set": {"level": "exclusive", "scope": "all workloads"}},
            {"term": "stake/x", "set": {"percent": Decimal("12.50")}, "quote": "about an eighth\n"},
        ],
    }
    assert str(one(ANNOUNCEMENT)["statements"][1]["set"]["percent"]) == "12.50"


@pytest.mark.parametrize(
    ("field", "line"),
    [
        ("key", 2),
        ("statements", 4),
        ("statements[0]", 5),
        ("statements[0].set.scope", 6),
        ("statements[1].set", 8),
        ("statements[1].set.percent", 9),
        ("statements[1].quote", 10),
        ("statements[1].set.basis", 8),
        ("statements[7].set", 4),
        ("summary", 2),
        ("", 2),
    ],
)
def test_a_field_has_a_line_and_a_missing_one_has_that_of_its_nearest_ancestor(field, line) -> None:
    document = next(read(ANNOUNCEMENT.encode(), "said.yaml"))

    assert document.line_of(field) == line


def test_json_has_lines_too() -> None:
    document = next(read(b'{"key": "a",\n "statements": [\n  {"set":\n   {"percent": 1e1}}]}', "said.json"))

    assert document.data == {"key": "a", "statements": [{"set": {"percent": Decimal("1e1")}}]}
    assert [document.line_of(f) for f in ("key", "statements[0]", "statements[0].set.percent")] == [1, 3, 4]


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("True", "True"),
        ("true", True),
        ("null", None),
        ("", None),
        ("~", "~"),
        ("017", "017"),
        ("0x1F", "0x1F"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("2030", 2030),
        ("-7", -7),
        ("2.50", Decimal("2.50")),
        ("1e3", Decimal("1e3")),
        ("2019-07-22T10:00:00Z", "2019-07-22T10:00:00Z"),
        ("'2030'", "2030"),
        ('"true"', "true"),
        ("|\n  2030", "2030"),
    ],
)
def test_only_json_words_and_numbers_are_more_than_text(literal, value) -> None:
    found = one(f"it: {literal}")["it"]

    assert (found, type(found)) == (value, type(value))


def test_several_documents_in_one_file_keep_their_lines_and_empty_ones_are_none() -> None:
    documents = list(read(b"---\na: 1\n---\n# nothing\n---\nb: 2\n---\n", "said.yaml"))

    assert [(d.data, d.line_of("")) for d in documents] == [({"a": 1}, 2), ({"b": 2}, 6)]


def test_ndjson_gives_a_document_a_line() -> None:
    documents = list(read(b'{"a": 1}\n\n{"b": {"c": 2.0}}\n', "bulk.ndjson"))

    assert [d.data for d in documents] == [{"a": 1}, {"b": {"c": Decimal("2.0")}}]
    assert documents[1].line_of("b.c") == 3


def test_content_without_a_known_ending_is_json_where_it_is_json_otherwise_yaml() -> None:
    assert one('{"party": "\\ud83d\\ude00"}', "-") == {"party": "😀"}
    assert one("{party: x}", "-") == {"party": "x"}


def test_a_byte_order_mark_and_windows_line_ends_are_no_trouble() -> None:
    assert one(b"\xef\xbb\xbfa: 1\r\nb: x\r\n") == {"a": 1, "b": "x"}
    assert one(b'\xef\xbb\xbf{"a":\r\n1}', "said.json") == {"a": 1}


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(string.printable[:94]), inner, max_size=4),
    max_leaves=20,
)


@given(value=json_values, ascii_only=st.booleans(), indent=st.sampled_from([None, 2]))
def test_what_json_says_is_what_is_read(value, ascii_only, indent) -> None:
    content = json.dumps({"it": value}, ensure_ascii=ascii_only, indent=indent)
    plain = json.loads(content, parse_float=Decimal)

    assert one(content, "said.json") == plain
    assert one(content.replace("\n", " "), "bulk.ndjson") == plain


@given(number=st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_of_another_program_is_read_as_its_digits(number) -> None:
    found = one(json.dumps({"it": number}), "said.json")["it"]

    assert found == Decimal(repr(number))
    assert isinstance(found, Decimal)


@given(content=st.text())
def test_any_text_is_read_or_refused_and_never_crashes(content) -> None:
    raw = content.encode("utf-8", "surrogatepass")
    for name in ("said.yaml", "said.json", "bulk.ndjson", "-"):
        with contextlib.suppress(TimelineError):
            list(read(raw, name))


@pytest.mark.parametrize(
    ("content", "name", "code", "line", "words"),
    [
        ("", "said.yaml", "malformed_document", 1, "it is empty"),
        ("# only a remark\n", "said.yaml", "malformed_document", 1, "it is empty"),
        ("  ", "said.json", "malformed_document", 1, "it is empty"),
        ("\n\n", "bulk.ndjson", "malformed_document", 1, "it is empty"),
        ("a: 1\nb: 2\na: 3\n", "said.yaml", "malformed_document", 3, "the key “a” stands twice"),
        ('{"a": 1,\n"b": {"c": 1,\n "c": 2}}', "said.json", "malformed_document", 3, "the key “c” stands twice"),
        ("a: &x 1\n", "said.yaml", "malformed_document", 1, "anchors and aliases"),
        ("a: 1\nb: *x\n", "said.yaml", "malformed_document", 2, "anchors and aliases"),
        ("&x a: 1\n", "said.yaml", "malformed_document", 1, "a key must be plain text"),
        ("a: !!python/object:os.system x\n", "said.yaml", "malformed_document", 1, "is not read"),
        ("a: !!str 1\n", "said.yaml", "malformed_document", 1, "is not read"),
        ("? [a, b]\n: 1\n", "said.yaml", "malformed_document", 1, "a key must be plain text"),
        ("a: .nan\n", "said.yaml", "malformed_document", 1, ".nan is no number"),
        ("a: -.Inf\n", "said.yaml", "malformed_document", 1, "-.Inf is no number"),
        ('{"a": NaN}', "said.json", "malformed_document", 1, "expected a value, found “NaN”"),
        ('{"a": -Infinity}', "said.json", "malformed_document", 1, "expected a value"),
        ('{"a": 1e999999999}', "said.json", "malformed_document", 1, "has no end"),
        ("a: 1e999999999", "said.yaml", "malformed_document", 1, "has no end"),
        ("- a\n- b\n", "said.yaml", "malformed_document", 1, "must be a mapping"),
        ("[1]", "said.json", "malformed_document", 1, "must be a mapping"),
        ('{"a": 1}\n[2]\n', "bulk.ndjson", "malformed_document", 2, "must be a mapping"),
        ('{"a": 1\n', "said.json", "malformed_document", 2, "expected a comma or }, found the end"),
        ('{"a": 1,}', "said.json", "malformed_document", 1, "expected a key in double quotes, found “}”"),
        ('{"a" 1}', "said.json", "malformed_document", 1, "expected a colon, found “1”"),
        ('{"a": "x', "said.json", "malformed_document", 1, "expected a string that ends on its line"),
        ('{"a": [1 2]}', "said.json", "malformed_document", 1, "expected a comma or ], found “2”"),
        ('{"a": 1} {"b": 2}', "said.json", "malformed_document", 1, "expected the end"),
        ('{"a":\xa01}', "said.json", "malformed_document", 1, "expected a value"),
        ('{"a": "\\q"}', "said.json", "malformed_document", 1, "expected a string"),
        ('{"a": 1}\n{"b": \n', "bulk.ndjson", "malformed_document", 3, "expected a value, found the end"),
        ("a: {b: 1\n", "said.yaml", "malformed_document", 2, "expected"),
        ('a: 1\nb: "x\n', "said.yaml", "malformed_document", 3, "end of stream"),
        ("a: b: c\n", "said.yaml", "malformed_document", 1, "not allowed"),
        (b"a: 1\nb: \xff\n", "said.yaml", "invalid_utf8", 2, "byte 8 "),
        (b'{"a": 1}\n{"b": "\xc3"}\n', "bulk.ndjson", "invalid_utf8", 2, "byte 16 "),
        ("a: 1\nb: x\x07\n", "said.yaml", "control_character", 2, "U+0007"),
        ("a: x\x7f\n", "said.yaml", "control_character", 1, "U+007F"),
        ("a: x\x85\n", "said.yaml", "control_character", 1, "U+0085"),
        ("a: x\ufffe\n", "said.yaml", "control_character", 1, "U+FFFE"),
        ('a: 1\nb: "\\0"\n', "said.yaml", "control_character", 2, "U+0000"),
        ('{"a":\n"\\u0000"}', "said.json", "control_character", 2, "U+0000"),
        ('{"a": "\\ud800"}', "said.json", "control_character", 1, "U+D800"),
        ('{"\\u001b": 1}', "said.json", "control_character", 1, "U+001B"),
    ],
)
def test_bad_content_is_refused_with_file_line_and_reason(content, name, code, line, words) -> None:
    error = refusal(content, name)

    assert (error.code, error.more["line"]) == (code, line)
    assert error.detail.startswith(f"{name}, line {line}: ")
    assert words in error.detail


@pytest.mark.parametrize("name", ["said.yaml", "said.json", "bulk.ndjson", "-"])
@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 200_000])
def test_deep_nesting_is_refused_and_never_exhausts_the_stack(name, depth) -> None:
    content = '{"a": ' + "[" * (depth - 1) + "]" * (depth - 1) + "}"

    assert "nest" in refusal(content, name).detail


@pytest.mark.parametrize("name", ["said.yaml", "said.json"])
def test_thirty_levels_are_read(name) -> None:
    assert one('{"a": ' + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1) + "}", name)


def test_a_file_of_fifty_megabytes_is_refused_before_it_is_read_whole(tmp_path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    began = time.perf_counter()

    with pytest.raises(TimelineError) as caught:
        list(read(path))

    assert caught.value.code == "too_large"
    assert caught.value.more["limit_bytes"] == MAX_BYTES
    assert time.perf_counter() - began < 1


def test_a_line_over_one_megabyte_is_refused() -> None:
    error = refusal(b'{"a": 1}\n{"a": "' + b"x" * 1_000_001 + b'"}\n', "bulk.ndjson")

    assert (error.code, error.more["line"]) == ("too_large", 2)


def test_a_long_ndjson_file_is_never_held_whole(tmp_path) -> None:
    path = tmp_path / "bulk.ndjson"
    path.write_text('{"key": "k", "summary": "' + "x" * 20_000 + '"}\n')
    with path.open("ab") as file:
        file.write(path.read_bytes() * 400)
    tracemalloc.start()

    count = sum(1 for _ in read(path))

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 401
    assert peak < 2_000_000


def test_a_missing_file_is_refused(tmp_path) -> None:
    with pytest.raises(TimelineError) as caught:
        list(read(tmp_path / "none.yaml"))

    assert caught.value.code == "unreadable_source"


def test_relative_paths_in_a_document_start_from_its_folder(tmp_path) -> None:
    path = tmp_path / "deals" / "said.yaml"
    path.parent.mkdir()
    path.write_text("a: 1\n")

    assert next(read(path)).base == path.parent
    assert next(read(b"a: 1", "x.yaml", base=tmp_path)).base == tmp_path


def test_a_folder_gives_its_announcement_files_in_path_order_without_hidden_ones(tmp_path) -> None:
    for name in ("b.yaml", "a/z.json", "a.yml", "c.NDJSON", "read.me", ".git/x.yaml", "a/.hidden.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()

    found = walk([tmp_path / "read.me", tmp_path, tmp_path / "b.yaml"])

    assert [p.relative_to(tmp_path).as_posix() for p in found] == ["read.me", "a/z.json", "a.yml", "b.yaml", "c.NDJSON"]


def test_a_path_that_does_not_exist_is_refused(tmp_path) -> None:
    with pytest.raises(TimelineError) as caught:
        walk([Path(tmp_path / "none")])

    assert caught.value.code == "unreadable_source"


def test_a_folder_below_that_cannot_be_read_is_named_and_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "b" / "closed"
    closed.mkdir(parents=True)
    (tmp_path / "a.yaml").touch()
    scan = os.scandir

    def closed_to_us(path: str) -> Any:  # whoever tests as root may read everything
        if Path(path) == closed:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", closed_to_us)

    with pytest.raises(TimelineError) as refused:
        walk([tmp_path])

    assert (refused.value.code, refused.value.detail) == (
        "unreadable_source",
        f"{closed} cannot be read: Permission denied.",
    )


def test_links_that_lead_nowhere_are_named_and_pipes_and_linked_folders_left_out(tmp_path: Path) -> None:
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere.yaml")
    (tmp_path / "round").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.yaml")

    assert walk([tmp_path]) == [tmp_path / "gone.yaml"]
