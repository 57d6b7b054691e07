"""Reading systems: what each format means exactly, and that every bad input ends in one sentence."""

import io
import json
import os
import struct
import sys
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from hybrid.errors import DimensionError, HybridError, ParseError, ProblemError
from hybrid.systems import npz, reading
from hybrid.systems.linear import LinearSystem
from hybrid.systems.reading import read, read_text

SHARED = Path(__file__).parents[2] / "shared" / "plants" / "linear"
PLANT = LinearSystem([[0, 1], ["-1/3", "-0.1"]], [[0], ["2**-40"]], [[1, 0]], [[0]], "1e-3")
TEXTS = {
    "toml": 'A = [[0, 1], ["-1/3", -0.1]]\nB = [[0], ["2**-40"]]\nC = [[1, 0]]\nD = [[0]]\ndt = 1e-3\n',
    "json": '{"A": [[0, 1], ["-1/3", -0.1]], "B": [[0], ["2**-40"]], "C": [[1, 0]], "D": [[0]], "dt": 1e-3}',
    "yaml": "A:\n- [0, 1]\n- [-1/3, -0.1]\nB: [[0], [2**-40]]\nC: [[1, 0]]\nD: [[0]]\ndt: 1e-3\n",
}


def refusal(call, *arguments, error=ProblemError):
    """The one sentence with which a bad input ends."""
    with pytest.raises(error) as caught:
        call(*arguments)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 500
    assert message.isprintable()
    return message


def saved(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("suffix", [".toml", ".json", ".yaml", ".yml", ".TOML"])
def test_text_numbers_are_the_rationals_that_are_written(tmp_path, suffix):
    format = reading.FORMATS[suffix.lower()]
    system = read(saved(tmp_path / f"oscillator{suffix}", TEXTS[format]))
    assert system == PLANT
    assert system.A.fractions[1] == (Fraction(-1, 3), Fraction(-1, 10))
    assert system.name == "oscillator"


@given(st.lists(st.fractions(max_denominator=10**6), min_size=4, max_size=4), st.sampled_from(["toml", "json", "yaml"]))
def test_exact_entries_survive_a_round_trip(entries, format):
    rows = [[str(x) for x in entries[:2]], [str(x) for x in entries[2:]]]
    text = json.dumps({"A": rows}) if format != "toml" else f"A = {json.dumps(rows)}"
    assert read_text(text, format).A.fractions == (tuple(entries[:2]), tuple(entries[2:]))


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=12))
def test_a_decimal_is_never_rounded(number):
    for format in ("toml", "json", "yaml"):
        text = f"A = [[{number:f}]]" if format == "toml" else f'{{"A": [[{number:f}]]}}'
        assert read_text(text, format).A.fractions == ((Fraction(number),),)


def test_yaml_scalars_are_not_reinterpreted():
    """YAML 1.1 would make 010 eight, 1:30 ninety, and 1e-3 text."""
    assert read_text("A: [[010]]", "yaml").A.fractions == ((10,),)
    assert read_text("A: [[1e-3]]", "yaml").A.fractions == ((Fraction(1, 1000),),)
    assert "1:30" in refusal(read_text, "A: [[1:30]]", "yaml")
    assert read_text("A: [[1]]\nB:\nC: ~\ndt: null", "yaml") == LinearSystem([[1]])


def test_name_and_descriptive_keys():
    system = read_text('A = [[1]]\nname = "pump"\ncitation = "x"\n[meta]\nanything = 1', "toml", "file")
    assert (system.name, read_text("A = [[1]]", "toml", "file").name) == ("pump", "file")


@pytest.mark.parametrize("stated", ["true", '"unspecified, discrete"'])
def test_unspecified_sample_time_counts_samples(stated):
    for format, text in [("toml", f"A = [[1]]\ndt = {stated}"), ("json", f'{{"A": [[1]], "dt": {stated}}}')]:
        assert read_text(text, format).dt == 1
    assert read_text(f"A: [[1]]\ndt: {stated}", "yaml").dt == 1


def test_standard_input_is_recognised_from_its_content(monkeypatch, tmp_path):
    arrays = io.BytesIO()
    np.savez(arrays, A=np.array([[2.0]]))
    variables = io.BytesIO()
    scipy.io.savemat(variables, {"A": np.array([[2.0]])})
    texts = ['{"A": [[2]]}', "# a remark\n\nA = [[2]]", "A: [[2]]", "A:\n- [2]", '"A" = [[2]]']
    for content in [*(text.encode() for text in texts), arrays.getvalue(), variables.getvalue()]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        assert read("-") == LinearSystem([[2]])


# numpy and MATLAB files


@pytest.mark.parametrize("options", [{}, {"do_compression": True}, {"format": "4"}])
def test_mat_holds_doubles(tmp_path, options):
    A, B = np.array([[0.0, 1.0, 3.0], [-2.0, 0.1, 1e-300], [0.0, 0.0, 7.0]]), np.array([[0], [1], [300]])
    variables = {"A": A, "B": B.astype("<i2"), "C": np.ones((1, 3), np.float32), "Ts": 0.1, "x0": np.ones((5, 2))}
    scipy.io.savemat(tmp_path / "plant.mat", variables, **options)
    assert read(tmp_path / "plant.mat") == LinearSystem(A, B, np.ones((1, 3)), dt=0.1)


def test_mat_sparse_empty_and_foreign_variables(tmp_path):
    A = np.array([[0.0, 2.0, 0.0], [0.5, 0.0, 0.0], [0.0, 0.0, 0.0]])
    variables = {"A": scipy.sparse.csc_matrix(A), "B": scipy.sparse.csc_matrix(A[:, :1]), "D": np.zeros((0, 0))}
    others = {"note": "text", "opt": {"tol": 1.0}, "cells": np.array([1, "a"], dtype=object), "z": 1j}
    scipy.io.savemat(tmp_path / "s.mat", variables | others)
    assert read(tmp_path / "s.mat") == LinearSystem(A, A[:, :1])


def test_mat_big_endian(tmp_path):
    def element(kind, content):
        return struct.pack(">II", kind, len(content)) + content + bytes(-len(content) % 8)

    small_name = struct.pack(">HH4s", 1, 1, b"A\0\0\0")
    parts = element(6, struct.pack(">II", 6, 0)) + element(5, struct.pack(">ii", 2, 2))
    matrix = element(14, parts + small_name + element(9, struct.pack(">4d", 1.5, -2.0, 0.1, 7.0)))
    header = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack(">H", 0x0100) + b"MI"
    system = read(saved(tmp_path / "big.mat", header + matrix))
    assert system == LinearSystem(np.array([[1.5, 0.1], [-2.0, 7.0]]))  # MATLAB stores column after column


def test_mat_objects_are_named(tmp_path):
    """An ss object is stored as an opaque element: class 17, then its name."""
    name = struct.pack("<II8s", 1, 3, b"sys")
    payload = struct.pack("<IIII", 6, 8, 17, 0) + name + struct.pack("<II8s", 1, 4, b"MCOS")
    header = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM"
    path = saved(tmp_path / "ss.mat", header + struct.pack("<II", 14, len(payload)) + payload)
    message = refusal(read, path)
    assert "got 'sys'" in message
    assert "ssdata(sys)" in message


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"a": np.eye(2)}, "got 'a', expected a variable A"),
        ({"A": "text"}, "variable A: got text"),
        ({"A": {"x": 1.0}}, "variable A: got a struct"),
        ({"A": np.eye(2) * 1j}, "variable A: got complex numbers"),
        ({"A": np.zeros((2, 2, 2))}, "variable A: got an array of 3 dimensions"),
        ({"A": np.eye(2), "Ts": -1.0}, "dt: got -1.0, expected a sample time above zero"),
        ({"A": np.eye(2), "Ts": 1.0, "dt": 1.0}, "both dt and Ts"),
        ({"A": np.eye(2), "Ts": np.ones((1, 2))}, r"Ts: got an array of shape (1, 2)"),
        ({"A": scipy.sparse.csc_matrix((10**6, 10**6))}, "8000000000000 bytes unpacked"),
        ({"A": np.array([[np.nan]])}, "A[1,1]: got nan"),
    ],
)
def test_mat_refusals(tmp_path, variables, message):
    scipy.io.savemat(tmp_path / "bad.mat", variables)
    assert message in refusal(read, tmp_path / "bad.mat")


def test_mat_damage_is_refused_not_fatal(tmp_path):
    """Each byte of a .mat file flipped in turn; scipy.io.loadmat dies of a bus error on some of them."""
    original = io.BytesIO()
    scipy.io.savemat(original, {"A": np.eye(2), "B": scipy.sparse.csc_matrix(np.ones((2, 1)))})
    content = original.getvalue()
    for i in range(100, len(content)):
        damaged = bytearray(content)
        damaged[i] ^= 0xFF
        try:
            read(saved(tmp_path / "damaged.mat", bytes(damaged)))
        except HybridError as error:
            assert str(error).startswith(str(tmp_path))  # noqa: PT017 - being read is fine too


def test_npz_dense_csr_and_text_entries(tmp_path):
    A = scipy.sparse.csr_matrix(np.array([[0.0, 2.0], [0.5, 0.0]]))
    parts = {f"A_{part}": getattr(A, part) for part in ("data", "indices", "indptr")}
    np.savez(tmp_path / "csr.npz", **parts, A_shape=A.shape, B=np.array([["1/3"], ["0.1"]]), dt=0.5, name="valve")
    system = read(tmp_path / "csr.npz")
    assert system == LinearSystem(A.toarray(), [["1/3"], ["0.1"]], dt=0.5)
    assert system.name == "valve"


CSR = {
    "A_data": np.array([2.0, 0.5]),
    "A_indices": np.array([1, 0]),
    "A_indptr": np.array([0, 1, 2]),
    "A_shape": np.array([2, 2]),
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"A_indices": np.array([1, 2])}, "column numbers"),
        ({"A_indices": np.array([1, -1])}, "column numbers"),
        ({"A_indptr": np.array([0, 2, 1])}, "row starts"),
        ({"A_indptr": np.array([0, 3, 2])}, "row starts"),
        ({"A_indptr": np.array([0, 2])}, "row starts"),
        ({"A_indptr": np.array([0, 2, 2]), "A_indices": np.array([1, 1])}, "two values for one entry"),
        ({"A_indices": np.array([1.0, 0.0])}, "no integers"),
        ({"A_shape": np.array([10**9, 10**9])}, "bytes unpacked"),
        ({"A_shape": np.array([2, 2, 2])}, "parts of other shapes"),
    ],
)
def test_npz_csr_parts_that_do_not_fit(tmp_path, change, message):
    np.savez(tmp_path / "csr.npz", **(CSR | change))
    assert message in refusal(read, tmp_path / "csr.npz")
    np.savez(tmp_path / "half.npz", A_data=CSR["A_data"])
    assert "no A_indices" in refusal(read, tmp_path / "half.npz")


def test_npz_refusals(tmp_path):
    class Boom:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "pickled"),))

    np.savez(tmp_path / "object.npz", A=np.array([[Boom()]], dtype=object))
    assert "allow_pickle" in refusal(read, tmp_path / "object.npz", error=ParseError)
    assert not (tmp_path / "pickled").exists()
    np.savez(tmp_path / "unknown.npz", A=np.eye(2), gain=np.eye(2))
    assert "'gain'" in refusal(read, tmp_path / "unknown.npz")
    np.savez(tmp_path / "flat.npz", A=np.eye(2), B=np.ones(2))
    assert "B: got an array of shape (2,)" in refusal(read, tmp_path / "flat.npz", error=DimensionError)


def test_decompression_bombs_are_refused_before_they_unpack(tmp_path, monkeypatch):
    monkeypatch.setattr(npz, "MAX_UNPACKED_BYTES", 10_000)
    monkeypatch.setattr("hybrid.systems.mat.MAX_UNPACKED_BYTES", 10_000)
    np.savez_compressed(tmp_path / "bomb.npz", A=np.zeros((100, 100)))
    scipy.io.savemat(tmp_path / "bomb.mat", {"x": np.zeros((100, 100))}, do_compression=True)
    for name in ("bomb.npz", "bomb.mat"):
        assert (tmp_path / name).stat().st_size < 2000
        assert "bytes unpacked, expected at most 10000" in refusal(read, tmp_path / name, error=ParseError)


@pytest.mark.parametrize("suffix", [".mat", ".npz"])
@pytest.mark.parametrize("content", [b"", b"%PDF-1.7 not an array" * 20, bytes(range(256)) * 4, b"\0" * 300])
def test_a_mat_or_npz_that_is_none(tmp_path, suffix, content):
    message = refusal(read, saved(tmp_path / f"no{suffix}", content), error=ParseError)
    assert "MATLAB" in message or "NumPy" in message


def test_mat_of_version_73_and_npy_as_npz(tmp_path):
    content = b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF\r\n\x1a\n"
    assert "7.3 (HDF5)" in refusal(read, saved(tmp_path / "new.mat", content))
    np.save(tmp_path / "a.npy", np.eye(2))
    assert "zip" in refusal(read, (tmp_path / "a.npy").rename(tmp_path / "a.npz"))
    with zipfile.ZipFile(tmp_path / "raw.npz", "w") as archive:
        archive.writestr("A", "no array")
    refusal(read, tmp_path / "raw.npz")


# text that is refused


@pytest.mark.parametrize(
    ("format", "text", "message"),
    [
        ("toml", "A = [[1, 2], [3]]", "A, row 2: got 1 numbers"),
        ("toml", "A = [[1, 2]]", "A: got shape (1, 2), expected a square matrix"),
        ("toml", "A = [[1]]\nB = [[1], [2]]", "B: got shape (2, 1)"),
        ("toml", "A = [[1]]\nC = [[1, 2]]", "C: got shape (1, 2)"),
        ("toml", "A = [[1, nan], [0, 1]]", "A[1,2]: got 'nan'"),
        ("toml", "A = [[-inf]]", "A[1,1]: got '-inf'"),
        ("json", '{"A": [[NaN]]}', "A[1,1]: got 'NaN'"),
        ("json", '{"A": [[-Infinity]]}', "A[1,1]: got '-Infinity'"),
        ("yaml", "A: [[.nan]]", "A[1,1]: got '.nan'"),
        ("json", '{"A": [[true]]}', "A[1,1]: got True"),
        ("json", '{"A": [[null]]}', "A[1,1]: got None"),
        ("toml", "A = [[1979-05-27]]", "A[1,1]: got datetime.date"),
        ("toml", "A = [['__import__(\"os\")']]", "A[1,1]: got '__import__"),
        ("toml", 'A = [["1/0"]]', "A[1,1]: got 1/0"),
        ("toml", "A = [1, 2]", "A, row 1: got 1, expected a list of numbers"),
        ("toml", "A = []", "A: got an empty matrix"),
        ("toml", "A = [[]]", "A: got an empty matrix"),
        ("toml", "", "A: got nothing, expected the state matrix"),
        ("yaml", "# only a remark", "A: got nothing"),
        ("json", "{}", "A: got nothing"),
        ("toml", "A = [[1]]\ndt = -1", "dt: got -1, expected a sample time above zero"),
        ("yaml", "A: [[1]]\ndt: soon", "dt: got 'soon'"),
        ("toml", "A = [[1]]\nfoo = 3", "key: got 'foo', expected one of A, B, C, D, dt, name"),
        ("toml", "a = [[1]]", "(did you mean A?)"),
        ("toml", "A = [[1]]\nrefrence = 1", "(did you mean reference?)"),
        ("json", '{"A": [[1]], "\\ud800": 1}', "key: got '\\ud800'"),
        ("json", '{"A": [[1]], "name": "\\ud800"}', "name: got '\\ud800'"),
        ("json", '{"A": [[1]], "name": 1.5}', "name: got 1.5, expected text"),
        ("toml", "A = [[1]]\nE = [[2]]", "E: got a descriptor matrix"),
        ("toml", "A = [[1]]\nE = [[1, 0]]", "E: got a descriptor matrix"),
        ("toml", 'A = [[1]]\nmatrix_file = "x.npz"', "matrix_file: got 'x.npz'"),
        ("xml", "<A/>", "format: got xml"),
    ],
)
def test_refused_text(format, text, message):
    assert message in refusal(read_text, text, format)


@pytest.mark.parametrize(
    ("format", "text", "message", "line", "column"),
    [
        ("toml", "A = [[1]]\nB = [[1,,2]]", "got ',2]]', expected TOML", 2, 9),
        ("json", '{"A":\n [[1,,2]]}', "got ',2]]}', expected JSON", 2, 6),
        ("yaml", "A: [[1, 2\nB: 3", "expected YAML", 2, 2),
        ("yaml", "A: [[1]]\nA: [[2]]", "got the key 'A' twice", 2, 1),
        ("json", '{"A": [[1]], "A": [[2]]}', "got the key 'A' twice", None, None),
        ("toml", "A = [[1]]\nA = [[2]]\n", "Cannot overwrite a value", 2, 10),
        ("yaml", 'A: !!python/object/apply:os.system ["id"]', "tag '!!python/object/apply:os.system'", 1, 4),
        ("yaml", "dt: !!python/name:os.system", "tag '!!python/name:os.system'", 1, 5),
        ("yaml", "A: !%1bx [[1]]", "tag '!\\x1bx'", 1, 4),
        ("yaml", "A: !matrix [[1]]", "tag '!matrix'", 1, 4),
        ("yaml", "meta: &x [1]\nA: [*x, *x]", "alias *x", 2, 5),
        ("yaml", "A: [[1]]\n---\nA: [[2]]", "a second document", 2, 1),
        ("yaml", "? [1]\n: 2", "a key that is no word", 1, 3),
        ("yaml", "just text", "got 'just text'", None, None),
        ("json", "[[1]]", "got a list", None, None),
        ("json", "", "expected JSON", 1, 1),
        ("json", '{"A": ' + "[" * 100_000, "brackets in brackets", None, None),
        ("toml", "A = " + "[" * 100_000, "brackets in brackets", None, None),
        ("yaml", "A: " + "[" * 100_000, "brackets in brackets", None, None),
        ("json", '{"A": [[' + "9" * 5000 + "]]}", "an integer of thousands of digits", None, None),
        ("toml", "A = [[" + "9" * 5000 + "]]", "an integer of thousands of digits", None, None),
        ("yaml", "A: [[1\0]]", "expected YAML", None, None),
    ],
)
def test_syntax_errors_say_where(format, text, message, line, column):
    with pytest.raises(ParseError) as caught:
        read_text(text, format, "plant")
    error = caught.value
    assert message in str(error)
    assert str(error).startswith("plant")
    assert (error.line, error.column) == (line, column)


# files that are refused


def test_files_that_cannot_be_read(tmp_path):
    assert "missing.toml: got no such file" in refusal(read, tmp_path / "missing.toml")
    (tmp_path / "folder.toml").mkdir()
    assert "got a directory" in refusal(read, tmp_path / "folder.toml")
    assert "got the suffix '.txt'" in refusal(read, saved(tmp_path / "a.txt", "A = [[1]]"))
    assert "got no suffix" in refusal(read, tmp_path)
    refusal(read, "a\0.toml")
    refusal(read, "\udcff\x1b.toml")
    assert "byte 0xff at offset 0" in refusal(read, saved(tmp_path / "u.toml", "A = [[1]]".encode("utf-16")))
    assert read(saved(tmp_path / "bom.json", b'\xef\xbb\xbf{"A": [[1]]}')) == LinearSystem([[1]])


def test_a_file_without_permission(tmp_path, monkeypatch):
    def denied(self, mode):
        raise PermissionError(13, "Permission denied")

    path = saved(tmp_path / "secret.toml", "A = [[1]]")
    monkeypatch.setattr(Path, "open", denied)  # root may read everything
    assert "secret.toml: got permission denied" in refusal(read, path)


@pytest.mark.parametrize("suffix", sorted(reading.FORMATS))
def test_a_line_of_100_megabytes_is_refused_before_it_is_read(tmp_path, suffix, monkeypatch):
    path = tmp_path / f"long{suffix}"
    with path.open("wb") as file:
        file.truncate(100 * 2**20)
    monkeypatch.setattr(Path, "open", None)  # reading would fail otherwise than by the sentence
    assert "got 104857600 bytes, expected at most" in refusal(read, path)


def test_a_long_line_on_standard_input_is_refused_unparsed(monkeypatch):
    monkeypatch.setattr(reading, "MAX_TEXT_BYTES", 1000)
    monkeypatch.setattr(reading, "parse_text", None)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"A": ' + b"9" * 2000)))
    assert "standard input: got 2006 bytes, expected at most 1000" in refusal(read, "-")
    monkeypatch.setattr(reading, "MAX_FILE_BYTES", 1000)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"A": ' + b"9" * 2000)))
    assert "standard input: got 1001 bytes, expected at most 1000" in refusal(read, "-")


def test_matrix_file_beside_a_json(tmp_path):
    np.savez(tmp_path / "large.npz", A=np.eye(3), B=np.ones((3, 1)))
    document = {"A": None, "B": None, "D": "zero", "matrix_file": "large.npz (dense)", "dt": 2, "name": "large"}
    system = read(saved(tmp_path / "plant.json", json.dumps(document)))
    assert system == LinearSystem(np.eye(3), np.ones((3, 1)), dt=2)
    for change, message in [
        ({"matrix_file": "../large.npz"}, "expected the name of an .npz file beside this one"),
        ({"matrix_file": "large.mat"}, "expected the name of an .npz file beside this one"),
        ({"matrix_file": 3}, "matrix_file: got 3"),
        ({"matrix_file": "absent.npz"}, "absent.npz: got no such file"),
        ({"A": [[1]]}, "A: got a matrix beside matrix_file"),
    ]:
        path = saved(tmp_path / "plant.json", json.dumps(document | change))
        assert message in refusal(read, path)


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/plants is absent")
def test_every_shared_plant_is_read_exactly():
    for path in sorted(SHARED.glob("*.json")):
        document = json.loads(path.read_text(), parse_float=Fraction)
        if "E" in document:
            assert "descriptor" in refusal(read, path)
            continue
        if "matrix_file" in document:
            n, m, p = document["dims"]
            if n > 1000:  # hundreds of megabytes each
                continue
            system = read(path)
            assert (system.n, system.m, system.p) == (n, m, p)
            assert system == read(path.with_suffix(".npz"))
            continue
        system = read(path)
        assert system.is_discrete == (document["dt"] is not None)
        for key in ("A", "B", "C"):
            matrix, rows = getattr(system, key), document[key]
            assert (matrix is None) == (rows is None)
            assert rows is None or matrix.fractions == tuple(tuple(map(Fraction, row)) for row in rows)
