"""MATLAB .mat files of version 4 to 7 to plain documents.

A reader of its own, because scipy.io.loadmat ends the whole process on some damaged files (a bus error in its
compiled part). Numeric matrices are all that a system needs: full or sparse, real, in either byte order.

Source: The MathWorks, MAT-File Format (version 5: chapter 1, tables 1-1 to 1-3; version 4: the appendix).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.errors import DimensionError, ParseError, ProblemError
from hybrid.systems.npz import MAX_UNPACKED_BYTES, dense, expect_unpacked, only_value

_KEYS = {"A", "B", "C", "D", "E", "dt", "Ts"}
_EXPECTED = "a MATLAB file of version 4 to 7 (save with '-v7')"
_NUMERIC = "numeric matrices A, B, C, D and Ts, such as [A,B,C,D,Ts] = ssdata(sys) gives"
_MATRIX, _COMPRESSED = 14, 15  # element types of version 5
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_SPARSE, _OPAQUE, _COMPLEX = 5, 17, 0x0800  # array classes and the flag of an imaginary part
_OTHER_CLASSES = {1: "a cell array", 2: "a struct", 3: "an object", 4: "text", 16: "a function"}
_LAYOUTS_4 = {1: "text", 2: "a sparse matrix in version 4"}
_TYPES_4 = ["f8", "f4", "i4", "i2", "u2", "u1"]
_PARTS = 6  # of a matrix at most: flags, shape, name, and rows, starts, values of a sparse one
_Value = NDArray[Any] | str  # a matrix, or in words what else the variable holds


def parse_mat(data: bytes, place: str, *, stacked: bool = False) -> dict[str, Any]:
    """The document of a .mat file: its variables A, B, C, D, E and dt or Ts; a workspace may hold others.

    Names are read as MATLAB writes them: `a` is another variable than `A`. An empty matrix counts as absent.

    Args:
        data: the file.
        place: what to call it in messages.
        stacked: for many systems: A (n, n, N) in MATLAB comes as (N, n, n), likewise the others.

    Raises:
        ParseError: not a .mat file of version 4 to 7, damaged, or larger than `MAX_UNPACKED_BYTES`.
        ProblemError: no variable A, a variable that is no real numeric matrix, or both dt and Ts.
        DimensionError: a sparse matrix whose parts do not fit, or a dt of several numbers.
    """
    if data[:10] == b"MATLAB 7.3" or data[:8] == b"\x89HDF\r\n\x1a\n":
        raise ParseError(place, "a MATLAB 7.3 (HDF5) file", _EXPECTED)
    found: dict[str, _Value] = {}
    try:
        for name, value in _version_4(data) if 0 in data[:4] else _version_5(data):
            if name in found:
                raise ValueError(f"two variables {name}")
            found[name] = value
    except (DimensionError, ParseError, ProblemError) as error:  # from a sparse matrix
        raise type(error)(f"{place}, {error.field}", error.got, error.expected) from None
    except (ValueError, IndexError, KeyError, OverflowError, struct.error, zlib.error) as error:
        raise ParseError(place, f"a damaged or foreign file ({error})", _EXPECTED) from None
    return _document(found, place, stacked)


def _document(found: dict[str, _Value], place: str, stacked: bool) -> dict[str, Any]:
    matrices: dict[str, Any] = {}
    for name in _KEYS & found.keys():
        value = found[name]
        if not isinstance(value, str) and value.ndim == 3 and not stacked:
            value = "an array of 3 dimensions"
        if isinstance(value, str):
            raise ProblemError(f"{place}, variable {name}", value, _NUMERIC)
        if value.size:
            matrices[name] = np.moveaxis(value, 2, 0) if value.ndim == 3 else value
    expect_unpacked(8 * sum(matrix.size for matrix in matrices.values()), place)  # a byte becomes a double
    if "A" not in matrices:
        names = ascii(", ".join(sorted(found))) if found else "no variables"
        raise ProblemError(f"{place}, variables", names, f"a variable A: {_NUMERIC}")
    if "dt" in matrices and "Ts" in matrices:
        raise ProblemError(place, "both dt and Ts", "one sample time")
    for name in ("dt", "Ts"):
        if name in matrices:
            matrices["dt"] = only_value(matrices.pop(name), f"{place}, {name}")
    return matrices


def _version_5(data: bytes) -> Iterator[tuple[str, _Value]]:
    order = {b"IM": "<", b"MI": ">"}.get(data[126:128])
    if order is None:
        raise ValueError("no header")
    unpacked = 0
    for kind, payload in _elements(data, 128, order):
        if kind == _COMPRESSED:
            inflated = zlib.decompressobj().decompress(payload, MAX_UNPACKED_BYTES + 1)
            unpacked += len(inflated)
            expect_unpacked(unpacked, "compressed variables")
            kind, payload = next(_elements(inflated, 0, order), (0, b""))
        if kind == _MATRIX and payload:
            yield _variable(payload, order)


def _elements(data: bytes, offset: int, order: str) -> Iterator[tuple[int, bytes]]:
    """Type and content of one data element after the other."""
    while offset < len(data):
        kind, size = struct.unpack_from(order + "II", data, offset)
        start = offset + 8
        if kind >> 16:  # a small element: size and type in one word, the content in the other
            kind, size, start = kind & 0xFFFF, kind >> 16, offset + 4
        payload = data[start : start + size]
        if len(payload) < size:
            raise ValueError("it ends early")
        yield kind, payload
        offset = start + size if kind == _COMPRESSED else start + size + (-(start + size - offset) % 8)


def _variable(payload: bytes, order: str) -> tuple[str, _Value]:
    parts = list(islice(_elements(payload, 0, order), _PARTS))
    (flags,) = struct.unpack_from(order + "I", parts[0][1])
    array_class = flags & 0xFF
    if array_class == _OPAQUE:  # as `ss` objects are stored: no dimensions, no documented content
        return parts[1][1].decode("latin-1"), "an object"
    name = parts[2][1].decode("latin-1")
    if name not in _KEYS:
        return name, "not read"
    if array_class in _OTHER_CLASSES or flags & _COMPLEX:
        return name, _OTHER_CLASSES.get(array_class, "complex numbers")
    shape = [int(count) for count in _numbers(parts[1], order)]
    if len(shape) not in (2, 3) or min(shape) < 0:
        return name, f"an array of {len(shape)} dimensions"
    arrays = [_numbers(part, order) for part in parts[3:]]
    if array_class == _SPARSE:
        rows, starts, values = arrays  # compressed columns: the compressed rows of the transpose
        count = int(starts[-1])  # MATLAB may have reserved room for more
        return name, dense(values[:count], rows[:count], starts, (shape[1], shape[0]), f"variable {name}").T
    return name, arrays[0].reshape(shape, order="F")


def _numbers(part: tuple[int, bytes], order: str) -> NDArray[Any]:
    kind, content = part
    return np.frombuffer(content, dtype=order + _TYPES[kind])


def _version_4(data: bytes) -> Iterator[tuple[str, _Value]]:
    order = "<" if struct.unpack_from("<i", data)[0] in range(5000) else ">"
    offset = 0
    while offset < len(data):
        code, rows, columns, complex_flag, name_length = struct.unpack_from(order + "5i", data, offset)
        machine, _, precision, layout = (int(digit) for digit in f"{code:04d}")
        if machine != "<>".index(order) or min(rows, columns, name_length) < 0:
            raise ValueError("no header of this machine")
        start = offset + 20 + name_length
        name = data[offset + 20 : start].partition(b"\0")[0].decode("latin-1")
        dtype = np.dtype(order + _TYPES_4[precision])
        size = rows * columns * dtype.itemsize
        content = data[start : start + size]
        if len(content) < size:
            raise ValueError("it ends early")
        if layout or complex_flag:
            yield name, _LAYOUTS_4.get(layout, "a value of unknown layout") if layout else "complex numbers"
        else:
            yield name, np.frombuffer(content, dtype=dtype).reshape((rows, columns), order="F")
        offset = start + size * (2 if complex_flag else 1)
