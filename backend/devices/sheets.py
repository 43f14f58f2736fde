"""Tables as people have them, CSV and XLSX, to rows of text and back. Files from outside are
hostile until read: bounded in bytes, unpacked bytes, rows, cells; no formula goes in or out."""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

BYTES_MAX = 8 * 1024 * 1024
UNPACKED_MAX = 64 * 1024 * 1024
PARTS_MAX = 200
ROWS_MAX = 20_000
COLUMNS_MAX = 60
CELL_MAX = 10_000
"""▲ All of them; a neighbourhood of 10,000 detectors is 1.5 MB and unpacks to 12."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


class Unreadable(Exception):
    """The file is refused as a whole; the message says why, in Chinese and English."""


def read(data: bytes) -> list[list[str]]:
    """The rows of the first sheet as text, heading first; empty rows at the end are gone.

    Raises:
        Unreadable: too large, not a table, damaged, or made to do harm.
    """
    if len(data) > BYTES_MAX:
        raise Unreadable(f"文件超过 {BYTES_MAX >> 20} MB The file is larger than that")
    if data[:4] == b"\xd0\xcf\x11\xe0":
        raise Unreadable(
            "旧的 .xls 或加密文件，请另存为 .xlsx 或 .csv An old or encrypted workbook"
        )
    rows = _xlsx(data) if data[:2] == b"PK" else _csv(data)
    found: list[list[str]] = []
    for row in rows:
        if len(found) > ROWS_MAX:
            raise Unreadable(f"超过 {ROWS_MAX} 行，请分几次导入 More rows than that")
        if len(row) > COLUMNS_MAX and any(row[COLUMNS_MAX:]):
            raise Unreadable(f"超过 {COLUMNS_MAX} 列 More columns than that")
        if any(len(cell) > CELL_MAX for cell in row):
            raise Unreadable(f"有单元格超过 {CELL_MAX} 个字 A cell is longer than that")
        found.append([_unguarded(cell) for cell in row[:COLUMNS_MAX]])
    while found and not any(found[-1]):
        found.pop()
    if not found:
        raise Unreadable("文件里没有内容 The file is empty")
    return found


def _csv(data: bytes) -> Iterator[list[str]]:
    text = _text(data)
    if "\0" in text:
        raise Unreadable("不是 CSV 或 XLSX 表格 Neither CSV nor XLSX")
    head = text.split("\n", 1)[0]
    separator = max(",;\t", key=head.count)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    except csv.Error as broken:
        raise Unreadable(f"CSV 读不下去：{broken} The CSV is broken") from broken


def _text(data: bytes) -> str:
    """UTF-8 with or without a mark, UTF-16 with one, else GB 18030 as Chinese spreadsheets save."""
    marked = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Unreadable("文字编码不是 UTF-8 或 GB 18030 Neither UTF-8 nor GB 18030")


def _xlsx(data: bytes) -> Iterator[list[str]]:
    import openpyxl  # 40 ms that only an import needs

    _check_package(data)
    try:
        book = openpyxl.load_workbook(
            io.BytesIO(data), read_only=True, data_only=True, keep_links=False
        )
        sheet: Any = book.worksheets[0]
        sheet.reset_dimensions()
        for row in sheet.iter_rows(values_only=True):
            yield [_as_text(value) for value in row]
    except Unreadable:
        raise
    # a damaged workbook breaks openpyxl in as many ways as there are parts in it
    except Exception as broken:
        raise Unreadable("XLSX 文件损坏，读不出来 The workbook is damaged") from broken


def _check_package(data: bytes) -> None:
    """Sizes before anything is unpacked; zipfile never reads more of a part than it declares."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            parts = package.infolist()
            if len(parts) > PARTS_MAX or sum(part.file_size for part in parts) > UNPACKED_MAX:
                raise Unreadable("解压后太大，拒绝读取 It unpacks to far too much")
            if any(part.flag_bits & 1 for part in parts):
                raise Unreadable("文件加了密码 It has a password")
            for part in parts:
                if part.filename.endswith((".xml", ".rels")):
                    with package.open(part) as content:
                        if b"<!DOCTYPE" in content.read(4096).upper():
                            raise Unreadable("XLSX 含有不允许的定义 It carries definitions")
    except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError) as broken:
        raise Unreadable("XLSX 文件损坏，读不出来 The workbook is damaged") from broken


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))  # a number that a person typed as 12 comes as 12.0
    return str(value)


def guarded(value: object) -> object:
    """A text that no spreadsheet takes for a formula; numbers stay numbers.

    >>> guarded('=HYPERLINK("http://x")')
    '\\'=HYPERLINK("http://x")'
    """
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value


def _unguarded(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(FORMULA) else cell


def csv_of(rows: Iterable[Sequence[object]]) -> bytes:
    """UTF-8 with the mark by which Excel knows it."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    for row in rows:
        writer.writerow(["" if cell is None else guarded(cell) for cell in row])
    return out.getvalue().encode("utf-8-sig")


def xlsx_of(rows: Iterable[Sequence[object]], title: str) -> bytes:
    """A workbook of one sheet whose first row stays in sight."""
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for row in rows:
        sheet.append([_safe(cell) for cell in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _safe(cell: object) -> object:
    if isinstance(cell, str):  # XML has no control characters
        cell = "".join(letter for letter in cell if letter >= " " or letter in "\t\n")
    return guarded(cell)
