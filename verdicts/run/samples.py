"""The samples of a run: files of any length, gone through in pieces, so that memory does not grow with them.

    samples["done"] - samples["planned"]     a `Column`: nothing is computed before it is asked for
    samples["status"] >= 500                 a mask: one byte a record, at once
    column[mask]                             the masked values, a fresh array
    column.of(mask)                          the same as `Values`, which come piece by piece
    samples[mask]                            whole records, a fresh array: for few of them
    for part, records in samples.pieces():   at most PIECE records; `part` is their place among all

Files are mapped, and the pages of a piece are let go with it.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple, overload

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

from telemetry.recording.sample import SAMPLE

PIECE: Final = 1 << 17  # records
SMALL: Final = ("outcome", "reason", "flags", "group")  # fields of a byte that are asked for again and again
Records = NDArray[np.void]
Mask = NDArray[np.bool_]
Array = NDArray[Any]
Evaluate = Callable[[slice, Records], Array]


class _Part(NamedTuple):
    """The records of one file."""

    records: Records
    mapped: mmap.mmap | None = None

    def let_go(self, start: int, count: int) -> None:
        """Give the pages of some records back; they are read again when they are asked for again."""
        if self.mapped is not None:
            first = start * SAMPLE.itemsize // mmap.PAGESIZE * mmap.PAGESIZE
            length = (start + count) * SAMPLE.itemsize - first
            self.mapped.madvise(mmap.MADV_DONTNEED, first, length)


class Samples:
    """The records of several files, one after the other; of arrays, where there are no files."""

    def __init__(self, parts: Iterable[Path | Records]) -> None:
        self._parts = [_mapped(part) if isinstance(part, Path) else _Part(part) for part in parts]
        self.lengths = [len(part.records) for part in self._parts]
        self._length = sum(self.lengths)
        self._small: dict[str, Array] = {}
        self._bounds: dict[str, Array] = {}  # of each piece the least and the most, by field

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, key: str) -> Column: ...

    @overload
    def __getitem__(self, key: Mask) -> Records: ...

    def __getitem__(self, key: str | Mask) -> Column | Records:
        """A field's `Column`, or the records of a mask."""
        if isinstance(key, str):
            return self._column(key)
        found: Records = self.derived(lambda part, records: records, SAMPLE)[key]
        return found

    def _column(self, field: str) -> Column:
        if field in SMALL:
            if field not in self._small:
                self._small[field] = self.derived(lambda part, records: records[field], SAMPLE[field]).whole()
            whole = self._small[field]
            return self.derived(lambda part, records: whole[part], SAMPLE[field], whole)
        return self.derived(lambda part, records: records[field], SAMPLE[field])

    def derived(self, evaluate: Evaluate, dtype: Any = np.float64, whole: Array | None = None) -> Column:
        """A column of what `evaluate` makes of (place among all, records)."""
        return Column(self, evaluate, np.dtype(dtype), whole)

    def between(self, field: str, low: float, high: float) -> Iterator[tuple[slice, Records]]:
        """The pieces that may hold values of `field` from `low` up to `high`, the latter not included.

        Files are nearly in order of time, so that these are few of many.
        """
        if field not in self._bounds:
            bounds = [(np.fmin.reduce(one[field]), np.fmax.reduce(one[field])) for _, one in self.pieces()]
            self._bounds[field] = np.array(bounds, np.float64).reshape(-1, 2)
        least, most = self._bounds[field].T
        return self.pieces(wanted=(least < high) & (most >= low))

    def pieces(self, mask: Mask | None = None, wanted: Mask | None = None) -> Iterator[tuple[slice, Records]]:
        """All records in order; of those pieces that are `wanted`, and that hold one of the mask."""
        first = number = 0
        for one in self._parts:
            for start in range(0, len(one.records), PIECE):
                records = one.records[start : start + PIECE]
                part = slice(first + start, first + start + len(records))
                if (mask is None or mask[part].any()) and (wanted is None or wanted[number]):
                    yield part, records
                    one.let_go(start, len(records))
                number += 1
            first += len(one.records)


class Column(NDArrayOperatorsMixin):
    """One value a record. Arithmetic (columns, arrays, numbers) gives columns, a comparison gives a mask."""

    def __init__(
        self, samples: Samples, evaluate: Evaluate, dtype: np.dtype[Any], whole: Array | None = None
    ) -> None:
        self.samples = samples
        self._whole = whole
        self.evaluate = evaluate
        self.dtype = dtype

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def size(self) -> int:
        """How many values."""
        return len(self.samples)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **named: Any) -> Any:
        if method != "__call__" or named:
            return NotImplemented
        whole = [one._whole if isinstance(one, Column) else one for one in inputs]
        if all(one is not None for one in whole):
            return ufunc(*whole)

        def evaluate(part: slice, records: Records) -> Array:
            found: Array = ufunc(*(_at(one, part, records) for one in inputs))
            return found

        made = self.samples.derived(evaluate, evaluate(slice(0, 0), np.empty(0, SAMPLE)).dtype)
        return made.whole() if made.dtype == np.bool_ else made

    def __getitem__(self, key: Any) -> Any:
        """The values of a mask, in pieces; of anything else as an array's."""
        if not isinstance(key, np.ndarray) or key.dtype != np.bool_ or self._whole is not None:
            return self.whole()[key]
        found, at = np.empty(int(np.count_nonzero(key)), self.dtype), 0
        for values in self.of(key).pieces():
            found[at : at + len(values)] = values
            at += len(values)
        return found

    def of(self, mask: Mask) -> Values:
        """The masked values, piece by piece."""
        return Values(self, mask)

    def isin(self, values: Any) -> Mask:
        """The mask of records with one of these values."""
        found: Mask = self.samples.derived(
            lambda part, records: np.isin(self.evaluate(part, records), values), np.bool_
        ).whole()
        return found

    def astype(self, dtype: Any) -> Column:
        """The same as another type."""
        return self.samples.derived(
            lambda part, records: self.evaluate(part, records).astype(dtype), np.dtype(dtype)
        )

    def whole(self) -> Array:
        """All values; not to be changed."""
        if self._whole is not None:
            return self._whole
        found = np.empty(len(self.samples), self.dtype)
        for part, records in self.samples.pieces():
            found[part] = self.evaluate(part, records)
        return found

    def copy(self) -> Array:
        """All values, to be changed."""
        return self.whole().copy() if self._whole is not None else self.whole()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.asarray(self.whole(), dtype)


class Values:
    """Some of a column's values: what is counted over without being held."""

    def __init__(self, column: Column, mask: Mask) -> None:
        self.column = column
        self.mask = mask

    @cached_property
    def size(self) -> int:
        """How many."""
        return int(np.count_nonzero(self.mask))

    def pieces(self) -> Iterator[Array]:
        """All of them, in order, in fresh arrays."""
        for part, records in self.column.samples.pieces(self.mask):
            yield self.column.evaluate(part, records)[self.mask[part]]

    def counts(self) -> tuple[Array, NDArray[np.int64]]:
        """The different values in ascending order, and how often each comes."""
        found = [np.unique(piece, return_counts=True) for piece in self.pieces()]
        if len(found) == 1:
            return found[0]
        values, place = np.unique(
            np.concatenate([np.empty(0, self.column.dtype), *(one for one, _ in found)]), return_inverse=True
        )
        counts = np.zeros(len(values), np.int64)
        np.add.at(counts, place, np.concatenate([np.empty(0, np.int64), *(many for _, many in found)]))
        return values, counts

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.asarray(self.column[self.mask], dtype)


def _at(one: Any, part: slice, records: Records) -> Any:
    """An operand's piece."""
    if isinstance(one, Column):
        return one.evaluate(part, records)
    return one[part] if isinstance(one, np.ndarray) and one.ndim else one


def _mapped(path: Path) -> _Part:
    """The whole records of one file; a torn tail is left out."""
    with path.open("rb") as file:
        size = path.stat().st_size // SAMPLE.itemsize * SAMPLE.itemsize
        if not size:
            return _Part(np.empty(0, SAMPLE))
        mapped = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
    return _Part(np.frombuffer(mapped, SAMPLE), mapped)
