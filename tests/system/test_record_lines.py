"""Tests the file of scripts/herd export and import: every id comes back, and each mistake is found with its line. No
node runs."""
from __future__ import annotations

import json

import pytest

from herd_ctl.record_lines import Exported, as_json, end, head, read
from herd_ctl.trouble import Trouble

RECORD = Exported(b"kiwi", "+1+2", "5.5", "Hill", "-0.1")


def file(*records: Exported) -> list[str]:
    return [head("local", "Hill", 1.5), *map(as_json, records), end(len(records))]


@pytest.mark.parametrize("client", [b"k", b"kiwi.cs.ucla.edu", b'"\\', "küste".encode(), b"\x80\xfe\xed\xb2\x80",
                                    b"*" * 255])
def test_every_id_comes_back_byte_for_byte_as_plain_ascii(client: bytes) -> None:
    record = Exported(client, "-89.50+179.0/", "1795442636.918963997", "Hill", "+0.1")
    lines = file(record)
    assert list(read(lines, "x")) == [record] and "".join(lines).isascii()
    assert record.iamat() == b"IAMAT " + client + b" -89.50+179.0/ 1795442636.918963997"


def test_records_are_read_from_at_lines_and_ordered_by_time() -> None:
    record = Exported.of_line(b"AT Hill -0.1 kiwi +1+2 5.5")
    assert record == RECORD
    assert record.order == Exported.of_line(b"AT Hill -0.1 kiwi +1+2 5.500000000").order
    assert record.order < Exported.of_line(b"AT Hill -0.1 kiwi +1+2 5.500000001").order
    for line in (b"? WHEREIS kiwi", b"IS 1 2", b"AT Hill -0.1 kiwi +1+2"):
        with pytest.raises(ValueError):
            Exported.of_line(line)


def changed(**fields: object) -> str:
    return json.dumps(json.loads(as_json(RECORD)) | fields)


@pytest.mark.parametrize("lines, text", [
    (["{}"], "line 1: it is not the head"),
    (["AT Hill"], "line 1: it is not JSON: give a file that scripts/herd export has written"),
    ([head("x", "y", 0).replace('"version": 1', '"version": 2')], "line 1: it is the head of a file of a later"),
    ([head("x", "y", 0), "[]"], "line 2: it is no object"),
    ([head("x", "y", 0), changed(client="a b")], "line 2: its `client` is none"),
    ([head("x", "y", 0), changed(client="a\nQUIT")], "line 2: its `client` is none"),
    ([head("x", "y", 0), changed(client="")], "line 2: its `client` is none"),
    ([head("x", "y", 0), changed(client="a" * 256)], "line 2: its `client` is none"),
    ([head("x", "y", 0), changed(client=5)], "line 2: "),
    ([head("x", "y", 0), changed(coordinates="+1+2\n")], "line 2: its `coordinates` are none"),
    ([head("x", "y", 0), changed(time="5 ")], "line 2: its `time` is none"),
    ([head("x", "y", 0), '{"client": "kiwi"}'], "line 2: 'coordinates' is missing"),
    ([head("x", "y", 0), "{" + " " * (1 << 14) + "}"], "line 2: it is no object"),
    ([head("x", "y", 0), end(1)], "line 2: it counts 1 records, but there are 0"),
    ([*file(RECORD), as_json(RECORD)], "line 4: it comes after the end"),
    (file(RECORD)[:-1], "has no end: it is only the beginning"),
    ([], "has no end")])
def test_a_mistake_is_named_with_its_line(lines: list[str], text: str) -> None:
    with pytest.raises(Trouble) as trouble:
        list(read(lines, "x"))
    assert text in str(trouble.value)


def test_the_records_before_a_mistake_are_read() -> None:
    records = read([*file(RECORD, RECORD)[:-1], "{}"], "x")
    assert [next(records), next(records)] == [RECORD, RECORD]
    with pytest.raises(Trouble, match="line 4"):
        next(records)
