"""Files and equations written by an enemy: every one is read or ends in one sentence, and nothing else happens.

Valid files of every format are damaged byte by byte, documents and equations are grown from a grammar that likes what
readers stumble over, and an audit hook watches that no text is ever executed. What the fuzz found is kept by name.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import struct
import subprocess
import sys
import tempfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse
from hypothesis import example, given, settings
from hypothesis import strategies as st

import hybrid
from hybrid.certificate import checker
from hybrid.errors import HybridError, ParseError, ProblemError
from hybrid.systems import exact_matrix, mat, npz, reading
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.systems.reading import read, read_text

few = settings(max_examples=150, deadline=None)
_FORBIDDEN = {"exec", "os.system", "os.exec", "subprocess.Popen", "pickle.find_class", "socket.connect", "os.mkdir"}
_watching: list[str] = []


def _hook(event: str, given: tuple[Any, ...]) -> None:
    """Note what no reader may do."""
    if not _watching or (event == "exec" and Path(given[0].co_filename).is_file()):  # the latter: a module is imported
        return
    if event in _FORBIDDEN or (event == "open" and "w" in str(given[1])):
        _watching.append(f"{event} {given!r:.200}")


for module in ("difflib", "lzma", "tokenize", "tomllib", "yaml"):  # loaded when needed, and some execute text then
    importlib.import_module(module)
CHECKER = checker._equations()
sys.addaudithook(_hook)


@contextlib.contextmanager
def nothing_happens() -> Iterator[None]:
    """Reading alone: no code runs, no file is written, no process begins."""
    _watching.append("begun")
    try:
        yield
        assert _watching[1:] == []
    finally:
        _watching.clear()


def is_read_or_refused(data: bytes, format: str | None = None) -> None:
    """What the file's bytes end in; no folder, as from standard input."""
    with nothing_happens():
        try:
            reading._system(data, format or reading._format_of_content(data), "file", "", None)
        except HybridError as error:
            message = str(error)
            assert message.startswith("file"), message
            assert message.isprintable(), ascii(message)
            assert len(message) < 500


# ------------------------------------------------------------------------------------------------ damaged files

PLANT = {"A": np.array([[0.0, 1.0], [-2.0, -0.1]]), "B": np.array([[0.0], [1.0]]), "C": np.eye(2)}


def saved_by(write: Any, *given: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    write(file, *given, **options)
    return file.getvalue()


def zipped(**members: bytes) -> bytes:
    """An .npz around the bytes of its members, with checksums that fit."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


_SPARSE = scipy.sparse.csr_matrix(PLANT["A"])
_CSR: dict[str, Any] = {f"A_{part}": getattr(_SPARSE, part) for part in ("data", "indices", "indptr")}
_CSR["A_shape"] = np.array([2, 2])
_SPARSE_PLANT = {"A": scipy.sparse.csc_matrix(PLANT["A"]), "Ts": 0.5}
_EQUATIONS = {"equations": "x' = y; y' = -sin(x)^2/3 + u", "inputs": ["u"], "at": {"x": "pi", "y": 0}}

FILES: dict[str, tuple[str, bytes]] = {
    "toml": ("toml", b'A = [[0, 1], ["-1/3", -0.1]]\ndt = 1e-3\nname = "a"\n[meta]\nb.c = [1979-05-27, {d = 0x1f}]\n'),
    "json": (
        "json",
        json.dumps({"A": [[0, "1/3"], [-1.5, 2]], "B": [[1], [0]], "dt": None, "meta": {"a": []}}).encode(),
    ),
    "yaml": (
        "yaml",
        b"# plant\nA:\n- [0, 1]\n- [-1/3, 0x1p-3]\nB: [[0], [2**-40]]\nname: 'x'\nnotes: |\n  two\n  lines\n",
    ),
    "equations": ("json", json.dumps(_EQUATIONS).encode()),
    "equations in yaml": ("yaml", b"equations: {x: y, y: '-x + u'}\ninputs: [u]\nparameters: {k: 1/2}\noutputs: [x]\n"),
    "mat 5": ("mat", saved_by(scipy.io.savemat, PLANT)),
    "mat 5 sparse": ("mat", saved_by(scipy.io.savemat, _SPARSE_PLANT)),
    "mat 5 compressed": ("mat", saved_by(scipy.io.savemat, PLANT, do_compression=True)),
    "mat 4": ("mat", saved_by(scipy.io.savemat, PLANT, format="4")),
    "npz": ("npz", saved_by(np.savez, **PLANT)),
    "npz compressed": ("npz", saved_by(np.savez_compressed, **PLANT, dt=0.5, name="x")),
    "npz sparse": ("npz", saved_by(np.savez, **_CSR)),
}


@st.composite
def damaged(draw: st.DrawFn, original: bytes) -> bytes:
    """Some of: bytes set, bits flipped, a part cut out, doubled, put elsewhere or replaced, the end missing."""
    data = bytearray(original)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, max(0, len(data) - 1)))
        stop = min(len(data), start + draw(st.sampled_from([1, 2, 4, 8, 20, 100])))
        part, value = bytes(data[start:stop]), draw(st.integers(0, 255))
        match draw(st.sampled_from(["set", "flip", "cut", "double", "move", "number", "end"])):
            case "set" if data:
                data[start] = value
            case "flip" if data:
                data[start] ^= 1 << value % 8
            case "cut":
                del data[start:stop]
            case "double":
                data[start:start] = part
            case "move":
                data[start:stop] = b""
                at = draw(st.integers(0, len(data)))
                data[at:at] = part
            case "number":  # where a size or an offset may stand
                data[start : start + 4] = struct.pack("<I", draw(st.sampled_from([0, 1, 2**31 - 1, 2**31, 2**32 - 1])))
            case "end":
                del data[start:]
    return bytes(data)


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_damaged_files_are_read_or_refused(name: str, data: st.DataObject) -> None:
    format, content = FILES[name]
    is_read_or_refused(content, format)
    bad = data.draw(damaged(content))
    is_read_or_refused(bad, format)
    is_read_or_refused(bad)


@pytest.mark.parametrize("name", ["toml", "json", "yaml", "mat 4", "npz"])
def test_files_that_end_early(name: str) -> None:
    format, content = FILES[name]
    for end in range(len(content)):
        is_read_or_refused(content[:end], format)


@pytest.mark.parametrize("array", [np.eye(2), np.array([["1/3"]]), np.zeros((0, 2)), np.array(1.0)])
@few
@given(data=st.data())
def test_damaged_arrays_behind_a_checksum_that_fits(array: np.ndarray[Any, Any], data: st.DataObject) -> None:
    """The header of an array is Python text, which NumPy reads; zipfile's checksum would hide most damage."""
    is_read_or_refused(zipped(A=data.draw(damaged(saved_by(np.save, array)))))


@few
@given(data=st.data())
def test_damaged_variables_behind_a_compression_that_fits(data: st.DataObject) -> None:
    content = FILES["mat 5 sparse"][1]
    inner = zlib.compress(data.draw(damaged(content[128:])))
    is_read_or_refused(content[:128] + struct.pack("<II", 15, len(inner)) + inner, "mat")


@few
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    is_read_or_refused(content)
    for format in ("toml", "yaml", "json", "mat", "npz"):
        is_read_or_refused(content, format)


# ----------------------------------------------------------------------------------- documents out of a grammar

SCALARS = st.one_of(
    st.sampled_from([None, True, False, 0, -1, 2, 0.1, 1e308, "1/3", "2**-40", "1/0", "0x1p-3", "nan", "-inf", ""]),
    st.sampled_from(["1e1200", "1e99999", "9" * 3999, "2**99999", "0**-1", "٣", "1_0", "true", "unspecified", "pi/2"]),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=6),
)  # fmt: skip
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xyuAB\"'.\n", max_size=3), inner, max_size=3),
    max_leaves=8,
)
MATRICES = st.lists(st.lists(SCALARS, min_size=2, max_size=2), min_size=2, max_size=2)
NAMES = [
    "A", "B", "C", "D", "E", "dt", "name", "matrix_file", "states", "inputs", "equations", "f", "parameters", "params",
    "outputs", "at", "equilibrium", "time_domain", "meta", "ä", "",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), MATRICES | VALUES, min_size=1, max_size=5))
@example({"A": [[1]], "matrix_file": ".npz"})
@example({"equations": {"x": "y"}, "states": [["x"]]})
@example({"equations": "x' = -x", "at": {"x": [1], "u": []}})
@example({"states": ["x"], "equations": ["x"], "inputs": ["x"], "outputs": {"x": 1}})
def test_any_document_is_read_or_refused(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    is_read_or_refused(text.encode("utf-8", "surrogatepass"), "json")
    is_read_or_refused(text.encode("utf-8", "surrogatepass"), "yaml")  # JSON is YAML
    lines = (f"{json.dumps(key)} = {json.dumps(value)}\n" for key, value in document.items() if value is not None)
    is_read_or_refused("".join(lines).encode(), "toml")


# ------------------------------------------------------------------------------------ equations out of a grammar

WORDS = [
    "x", "y", "u", "t", "dt", "pi", "e", "k", "'", "=", ";", "\n", "#", "(", ")", "[", "]", "{", "}", ",", ".", ":",
    "@", "+", "-", "*", "**", "/", "//", "^", "%", "!", "&", "|", "~", "<", ">", "\\", "`", "$", "?", '"', "\0",
    "\u200b", "λ",
    "0", "1", "-1", "2", "1/3", "1.5", ".", "1e3", "1e999", "0x1p-3", "0x", "1e", "9" * 1300, "٣", "x_1", "_",
    "__class__",
    "sin", "cos(", "sin(", "log(", "sqrt(", "abs(", "sign(", "exp(", "Rational(", "Abs(", "ln(", "x(", "slope(",
    "root(",
    "x'", "y' =", "dx/dt", "import", "lambda", "eval(", "exec(", "__import__('os')", "os.system('true')",
    "open('x','w')",
    "f'{x}'", "x if x else y", "[c for c in ()]", "().__class__.__bases__", "%s", "{0}", "${x}", "`id`", "\r", "\u2028",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join) | st.lists(st.sampled_from(WORDS), max_size=8).map(
    "".join
)


@settings(max_examples=600, deadline=None)
@given(TEXTS)
def test_equations_are_read_or_refused_and_never_executed(text: str) -> None:
    with nothing_happens():
        for build in (
            lambda: NonlinearSystem.from_text(text, ["u"]),
            lambda: NonlinearSystem(["x", "y"], ["u"], [text, "-y"]),
            lambda: NonlinearSystem(["x"], [], ["-x"], {"k": text}, [text]),
        ):
            try:
                system = build()
            except ProblemError as error:
                assert str(error).isprintable()  # noqa: PT017 - being read is fine too
            else:
                expect_the_checker_to_read(system)


def expect_the_checker_to_read(system: NonlinearSystem) -> None:
    """What the solver accepts it writes so that the checker, whose parser shares nothing with ours, accepts it."""
    try:
        document = system.as_document()
    except HybridError:  # an equation without a value anywhere
        return
    CHECKER._Equations.read(json.loads(json.dumps(document)), checker)


@pytest.mark.parametrize(
    "text", ["__import__('os').mkdir('made')", "x.__class__", "open('made','w')", "print(x)", "f(x)"]
)
@pytest.mark.parametrize("format", ["json", "yaml"])
def test_code_in_any_field_is_a_wrong_name(text: str, format: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    for document in (
        {"A": [[text]]},
        {"A": [[1]], "dt": text},
        {"equations": [text], "states": ["x"]},
        {"equations": f"x' = {text}"},
        {"equations": "x' = k*x", "parameters": {"k": text}},
        {"equations": "x' = x", "outputs": [text]},
        {"equations": "x' = x", "inputs": [text]},
        {"equations": "x' = x", "states": [text]},
    ):
        with pytest.raises(ProblemError), nothing_happens():
            read_text(json.dumps(document), format)
    assert not list(tmp_path.iterdir())


def test_code_at_an_operating_point_is_refused() -> None:
    system, point = reading._build({"equations": "x' = -x", "at": {"x": "__import__('os')"}}, "file", "", None)
    with pytest.raises(ProblemError):
        hybrid.stability(system, at=point)


# ------------------------------------------------------------------------------------------------ other files


@pytest.mark.parametrize(
    "name",
    [
        "../secret.npz", "/etc/secret.npz", "folder/../../secret.npz", "./secret.npz", "..", "/", "~/secret.npz",
        "\0.npz",
        "a\0b.npz", "secret.npz/", "secret.npz\n", "C:\\secret.npz/..", ["secret.npz"], {"a": 1}, 5, True,
        "../secret.npz x",
    ],
)  # fmt: skip
def test_no_file_outside_its_folder_is_opened(tmp_path: Path, name: Any) -> None:
    np.savez(tmp_path / "secret.npz", A=np.eye(2))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "plant.json").write_text(json.dumps({"matrix_file": name}))
    with pytest.raises(ProblemError) as caught:
        read(folder / "plant.json")
    assert "secret.npz: got" not in str(caught.value)


def test_text_from_standard_input_names_no_file() -> None:
    with pytest.raises(ProblemError, match="matrix_file"):
        reading._system(b'{"matrix_file": "secret.npz"}', "json", "standard input", "", None)


# --------------------------------------------------------------------------------------------- YAML's own doors

LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        "A: &A [[1]]\nB: *A",
        "<<: {A: [[1]]}\nA: [[1]]",
        "A: &a [*a]",
        "A: !!python/object/apply:os.mkdir [made]",
        "A: !!python/object/new:os.mkdir [made]",
        "? !!python/name:os.system\n: 1",
        "A: !<tag:yaml.org,2002:python/module:os> ''",
        "A: !!binary aGVsbG8=",
        "A: !!set {1, 2}",
        "%TAG ! tag:yaml.org,2002:python/\n---\nA: !name:os.system ''",
    ],
)
def test_yaml_constructs_nothing_and_repeats_nothing(text: str) -> None:
    with pytest.raises(ProblemError), nothing_happens():
        read_text(text, "yaml")


# ------------------------------------------------------------------ time and memory: each took minutes, or died


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("toml", "a" + ".a" * 100_000 + " = 1"),
        ("toml", "[meta" + " . 'a'" * 100_000 + "]\nb = 1"),
        ("toml", "meta = {" + '"a".' * 100_000 + "b = 1}"),
        ("yaml", "".join(f"%TAG !a{i}! b\n" for i in range(100_000)) + "---\nA: [[1]]"),
    ],
)
def test_what_takes_a_parser_quadratic_time_is_refused(format: str, text: str) -> None:
    with pytest.raises(ParseError, match=r"more than 50 parts|%TAG directive"):
        read_text(text, format)


def test_dotted_keys_of_a_reasonable_length_are_read() -> None:
    text = "A = [[1]]\nmeta" + ".a" * 40 + ' = "' + "e.g. this, i.e. that. " * 200 + '"\n# ' + "a" * 10**6
    assert read_text(text, "toml").n == 1


def test_offsets_that_overflow_do_not_end_the_process() -> None:
    """Differences of such row starts wrap around to positive counts, on which numpy.repeat wrote past its memory."""
    code = (
        "import io, numpy as np\nfrom hybrid.systems.npz import parse_npz\nfrom hybrid.errors import DimensionError\n"
        "f = io.BytesIO()\n"
        "np.savez(f, A_data=np.ones(2), A_indices=[0, 1], A_indptr=[0, 2**63 - 1, -2, 2], A_shape=[3, 3])\n"
        "try: parse_npz(f.getvalue(), 'x')\nexcept DimensionError: print('refused')\n"
    )
    root = Path(hybrid.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=False)
    assert (done.returncode, done.stdout) == (0, "refused\n")


def header(described: bytes) -> bytes:
    padded = described.ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded)) + padded


@pytest.mark.parametrize(
    "described",
    [
        b"{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000, 1), }",  # a billion entries in no bytes
        b"{'descr': '|V0', 'fortran_order': False, 'shape': (1000000000, 1), }",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 1), }",
        b"{'descr': '|O', 'fortran_order': False, 'shape': (1, 1), }",
        b"{'descr': __import__('os'), 'fortran_order': False, 'shape': (1, 1), }",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1), ",  # tokenize.TokenError
        b"(" * 110,
        b"-" * 110,
    ],
)
def test_headers_of_arrays_that_lie(described: bytes) -> None:
    with pytest.raises(ParseError), nothing_happens():
        npz.parse_npz(zipped(A=header(described) + bytes(8)), "file")


def test_a_few_bytes_that_become_many_doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    """256 KB of compressed bytes were 256 MB of small integers and 2 GB of doubles."""
    monkeypatch.setattr(npz, "MAX_UNPACKED_BYTES", 100_000)
    monkeypatch.setattr(mat, "MAX_UNPACKED_BYTES", 100_000)
    small = {"A": np.zeros((200, 200), dtype=np.uint8)}
    for format, content in (
        ("npz", saved_by(np.savez_compressed, **small)),
        ("mat", saved_by(scipy.io.savemat, small, do_compression=True)),
        ("mat", saved_by(scipy.io.savemat, small, format="4")),
    ):
        with pytest.raises(ParseError, match="320000 bytes unpacked"):
            reading._system(content, format, "file", "", None)


def test_a_member_that_unpacks_to_more_than_it_declares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npz, "MAX_UNPACKED_BYTES", 100_000)
    content = bytearray(saved_by(np.savez_compressed, A=np.zeros((200, 200))))
    honest = struct.pack("<I", 320_128)
    assert content.count(honest) >= 1
    with pytest.raises(ParseError):
        npz.parse_npz(bytes(content).replace(honest, struct.pack("<I", 1000)), "file")


def test_lzma_that_is_corrupt() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("A.npy", saved_by(np.save, np.eye(2)))
    content = bytearray(file.getvalue())
    for i in range(40, 60):
        is_read_or_refused(bytes(content[:i]) + bytes([content[i] ^ 0xFF]) + bytes(content[i + 1 :]), "npz")


def test_a_variable_of_millions_of_empty_parts() -> None:
    """Each part was a tuple: a compressed file of 2 KB took 200 MB, one of 256 KB would have filled the memory."""
    payload = bytes(2 * 2**20)
    variable = zlib.compress(struct.pack("<II", 14, len(payload)) + payload, 9)
    content = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM"
    content += struct.pack("<II", 15, len(variable)) + variable
    tracemalloc.start()
    with pytest.raises(ParseError):
        mat.parse_mat(content, "file")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * len(payload)


def test_dimensions_that_are_infinite() -> None:
    def element(kind: int, content: bytes) -> bytes:
        return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)

    name = struct.pack("<II8s", 1, 1, b"A")
    for size in (np.inf, np.nan, 1e300, -1.0):
        parts = element(6, struct.pack("<II", 6, 0)) + element(9, struct.pack("<2d", size, 1)) + name
        matrix = element(14, parts + element(9, struct.pack("<d", 1.0)))
        is_read_or_refused(b"MATLAB 5.0".ljust(124) + struct.pack("<H", 0x0100) + b"IM" + matrix, "mat")


def test_short_text_for_long_numbers_is_limited_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """16 MB of "2**9999" would be 2 GB of integers."""
    monkeypatch.setattr(exact_matrix, "MAX_BITS", 100_000)
    assert read_text(json.dumps({"A": [["2**9000"]]}), "json").n == 1
    with pytest.raises(ProblemError, match="too many digits together"):
        read_text(json.dumps({"A": [["2**9000"] * 12] * 12}), "json")


def test_a_name_of_any_kind_opens_only_that_file(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.chdir(folder)
        for name in (
            "$(touch made).toml",
            "`id`.json",
            "|id.yaml",
            "file:///etc/passwd.toml",
            "-.toml",
            "%s.npz",
            "a;b.mat",
        ):
            with pytest.raises(ProblemError), nothing_happens():
                read(name)
        assert not list(Path(folder).iterdir())
