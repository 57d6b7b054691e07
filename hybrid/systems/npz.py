"""NumPy .npz files to plain documents, without pickles or decompression bombs."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.errors import DimensionError, ParseError, ProblemError

MAX_UNPACKED_BYTES = 256 * 2**20  # what the arrays of a file may take in memory: 5792 states, dense
MATRICES = ("A", "B", "C", "D", "E")
_CSR_PARTS = ("data", "indices", "indptr", "shape")
_KEYS = {*MATRICES, "dt", "name", *(f"{key}_{part}" for key in MATRICES for part in _CSR_PARTS)}


def parse_npz(data: bytes, place: str) -> dict[str, Any]:
    """The document of an .npz file: A, B, C, D, dt, name, each matrix dense or as CSR parts.

    CSR parts of A are A_data, A_indices, A_indptr, A_shape (scipy.sparse's names), likewise for the others.

    Raises:
        ParseError: not an .npz file, damaged, larger than `MAX_UNPACKED_BYTES`, or holding Python objects.
        ProblemError: an array of another name.
        DimensionError: CSR parts that do not fit each other.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            expect_unpacked(sum(member.file_size for member in archive.infolist()), place)
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            for key in arrays.files:
                if key not in _KEYS:
                    raise ProblemError(f"{place}, array", ascii(key), "the names A, B, C, D, dt, name")
            content = {key: np.asarray(arrays[key]) for key in arrays.files}
    except ProblemError:
        raise
    except Exception as error:  # noqa: BLE001 - zipfile, lzma, tokenize and NumPy raise a dozen kinds on damaged files
        got = str(error) or type(error).__name__
        raise ParseError(place, got, "a NumPy .npz file of numeric arrays") from None
    expect_unpacked(8 * sum(array.size for array in content.values()), place)  # bytes and empty text become doubles
    document: dict[str, Any] = {}
    for key in MATRICES:
        if key in content:
            document[key] = content[key]
        elif any(f"{key}_{part}" in content for part in _CSR_PARTS):
            document[key] = _from_parts(content, key, f"{place}, {key} in CSR parts")
    return document | {key: only_value(content[key], f"{place}, {key}") for key in ("dt", "name") if key in content}


def expect_unpacked(size: int, place: str) -> None:
    """Refuse what would fill the memory, before anything is unpacked.

    Raises:
        ParseError: more than `MAX_UNPACKED_BYTES`.
    """
    if size > MAX_UNPACKED_BYTES:
        raise ParseError(place, f"{size} bytes unpacked", f"at most {MAX_UNPACKED_BYTES}")


def only_value(array: NDArray[Any], field: str) -> Any:
    """The one entry of an array, whatever its dimension.

    Raises:
        DimensionError: none, or more than one.
    """
    if array.size != 1:
        raise DimensionError(field, f"an array of shape {array.shape}", "one value")
    return array.item()


def dense(
    values: NDArray[Any], columns: NDArray[Any], starts: NDArray[Any], shape: tuple[int, int], field: str
) -> NDArray[Any]:
    """The matrix that compressed sparse rows stand for; entries are placed, never added up.

    Args:
        values: the entries, row after row.
        columns: the column of each, from 0.
        starts: where each row begins in `values`, and where the last one ends.
        shape: rows and columns.
        field: what to call it in messages.

    Raises:
        ParseError: more than `MAX_UNPACKED_BYTES` when written out.
        DimensionError: the parts do not fit each other.
        ProblemError: two values for one entry.
    """
    m, n = shape
    expect_unpacked(8 * m * n, field)
    starts, columns = starts.astype(np.int64), columns.astype(np.int64)
    fits = min(m, n) > 0 and len(starts) == m + 1 and starts[0] == 0 and starts[-1] == len(values)
    if not fits or (starts[1:] < starts[:-1]).any():  # compared: a difference may overflow, and repeat crash
        raise DimensionError(field, "row starts of another matrix", f"{m + 1} ascending offsets")
    if len(columns) != len(values) or (columns < 0).any() or (columns >= n).any():
        raise DimensionError(field, "column numbers of another matrix", f"one below {n} for each entry")
    rows = np.repeat(np.arange(m), np.diff(starts))
    if len(np.unique(rows * n + columns)) < len(values):
        raise ProblemError(field, "two values for one entry", "each entry once, since adding would round")
    matrix = np.zeros((m, n), dtype=values.dtype)
    matrix[rows, columns] = values
    return matrix


def _from_parts(content: Mapping[str, NDArray[Any]], key: str, field: str) -> NDArray[Any]:
    names = [f"{key}_{part}" for part in _CSR_PARTS]
    missing = [name for name in names if name not in content]
    if missing:
        raise ProblemError(field, f"no {missing[0]}", ", ".join(names))
    values, columns, starts, shape = (content[name] for name in names)
    if any(part.ndim != 1 for part in (values, columns, starts)) or shape.shape != (2,):
        raise DimensionError(field, "parts of other shapes", "three vectors and a shape of two numbers")
    if any(part.dtype.kind not in "iu" for part in (columns, starts, shape)):
        raise ProblemError(field, "indices that are no integers", "integers")
    return dense(values, columns, starts, (int(shape[0]), int(shape[1])), field)
