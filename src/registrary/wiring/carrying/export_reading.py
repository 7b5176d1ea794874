"""Reading an export line by line, and refusing one that is not as it was written."""

import hashlib
from collections.abc import Iterator
from typing import BinaryIO, Final, TypeVar

import msgspec

from registrary.ports.transfer import OTHER_SECTIONS, Row, key_of
from registrary.wiring.carrying.backup_file import Progress
from registrary.wiring.carrying.export_file import (
    LINE_LIMIT_BYTES,
    SECTIONS,
    Digests,
    End,
    ExportError,
    Header,
    Keys,
    line,
    line_of,
    line_of_row,
    row_of_line,
)

_PAGE: Final = 1000  # rows handed on at once
_WRONG: Final = (msgspec.MsgspecError, ValueError, TypeError, KeyError)
_Line = tuple[str, msgspec.Raw]
_S = TypeVar("_S", bound=msgspec.Struct)


class ExportReading:
    """An export that is being read. *header* and *keys* are there from the start.

    *end* is there once all `pages` were taken: until then nobody knows whether it is whole.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._number = 0
        self._last = b""
        self._whole = hashlib.sha256()
        self._digests = Digests()
        self._lines = msgspec.json.Decoder(dict[str, msgspec.Raw])
        self.header = self._read_header()
        self.keys: Keys | None = None
        self.end: End | None = None
        self._next = self._line()
        if self._next[0] == "keys":
            self.keys = self._decoded(self._next[1], Keys)
            self._next = self._line()
        self._check_keys()

    def pages(self, progress: Progress) -> Iterator[tuple[str, list[Row]]]:
        """Yield the rows of each section in turn, some at a time.

        Raises `ExportError` as soon as something is not as it was written: at the end, if not
        before.
        """
        done = 0
        for section in SECTIONS:
            wanted = self.header.counts.get(section, 0)
            last: Row = ()
            for rows in self._pages_of(section):
                for row in rows:
                    if not _sorted_key(section, last) < _sorted_key(section, row):
                        raise self._fault("the rows are not in order")
                    last = row
                wanted -= len(rows)
                done += len(rows)
                progress(done, self.header.rows)
                yield section, rows
            if wanted:
                raise self._fault(f"the number of rows of {section} is not what the header says")
        self._check_end()

    def _pages_of(self, section: str) -> Iterator[list[Row]]:
        rows: list[Row] = []
        texts: list[bytes] = []
        while self._next[0] == section:
            rows.append(self._row(section))
            texts.append(self._last)
            if len(rows) == _PAGE:
                self._digests.add(section, texts)
                yield rows
                rows, texts = [], []
            self._next = self._line()
        if rows:
            self._digests.add(section, texts)
            yield rows

    def _row(self, section: str) -> Row:
        try:
            row = row_of_line(section, self._next[1])
            # A record stands in its line as it is; all else has one spelling.
            is_record = section not in OTHER_SECTIONS
            spelt = line(section, self._next[1]) if is_record else line_of_row(section, row)
        except _WRONG as error:
            raise self._fault(f"this is no row of {section}") from error
        if spelt != self._last:
            raise self._fault(f"this row of {section} is spelt as no export spells it")
        return row

    def _read_header(self) -> Header:
        name, text = self._line()
        if name != "header":
            raise self._fault("this is no export of a store")
        return self._decoded(text, Header)

    def _check_keys(self) -> None:
        said = self.header.keys
        plain = self.keys is not None and self.keys.plain is not None
        sealed = self.keys is not None and self.keys.sealed is not None
        if (plain, sealed) != (said == "plain", said == "sealed"):
            raise self._fault("the keys are not what the header says")

    def _check_end(self) -> None:
        whole = self._whole.hexdigest()  # of all lines before the one that waits
        name, text = self._next
        if name != "end":
            raise self._fault(f"a line of {name} stands where none may")
        end = self._decoded(text, End)
        if end != End(sections=self._digests.all(), sha256=whole):
            raise self._fault("it is damaged: its digests are of something else")
        if line_of("end", end) != self._last or self._stream.read(1):
            raise self._fault("something follows the end")
        self.end = end

    def _line(self) -> _Line:
        """Return the name and the text of the next line; those before it count as read."""
        if self._number:
            self._whole.update(self._last)
        self._number += 1
        self._last = self._stream.readline(LINE_LIMIT_BYTES)
        if not self._last.endswith(b"\n"):
            raise self._fault("it is cut off, or no export of a store")
        try:
            ((name, text),) = self._lines.decode(self._last).items()
        except _WRONG as error:
            what = "line of an export" if self._number > 1 else "export of a store"
            raise self._fault(f"this is no {what}") from error
        return name, text

    def _decoded(self, text: msgspec.Raw, struct: type[_S]) -> _S:
        try:
            return msgspec.json.decode(text, type=struct)
        except _WRONG as error:
            raise self._fault("it is damaged, or of a version not known here") from error

    def _fault(self, text: str) -> ExportError:
        return ExportError(f"the export cannot be used, line {self._number}: {text}")


def _sorted_key(section: str, row: Row) -> list[bytes | int]:
    """Return what puts *row* in order: texts by their octets."""
    return [
        part.encode() if isinstance(part, str) else part
        for part in key_of(section, row)
        if part is not None
    ]
