"""Killed, interrupted, out of disk: what lies on the disk is whole, and whoever is left is told in one sentence."""

from __future__ import annotations

import errno
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import hybrid
from hybrid import whole_files
from hybrid.certificate import checker, write_whole
from hybrid.errors import CertificateError, HybridError, ModelError, ProblemError
from hybrid.plugins.cli import cli
from hybrid.plugins.cli_options import write_bytes
from hybrid.propose.gain import GainProposer

ROOT = Path(hybrid.__file__).parents[1]
MODEL = ROOT / "hybrid" / "models" / "lqr-n4.onnx"
on_posix = pytest.mark.skipif(os.name != "posix", reason="needs pipes, devices and signals of POSIX")
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def save(folder: Path, *more: str) -> Result:
    return CliRunner().invoke(cli, ["stability", "double-integrator", "--save", str(folder / "c.json"), *more])


def is_certificate(file: Path) -> bool:
    return checker.check(checker.read(file.read_bytes())).valid


# ---------------------------------------------------------------------------------------------- at every moment


@contextmanager
def raising_at(moment: int, error: BaseException) -> Iterator[list[int]]:
    """Raise at one line of `whole_files`, counted as they run; a function that fails half way writes half."""
    passed = [0]

    def follow(frame: Any, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename != whole_files.__file__:
            return None
        if event == "line":
            passed[0] += 1
            if passed[0] == moment:
                raise error
        return follow

    before = sys.gettrace()
    sys.settrace(follow)
    try:
        yield passed
    finally:
        sys.settrace(before)


@pytest.mark.parametrize("old", [None, b"old"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), FULL, MemoryError()])
def test_whatever_happens_at_any_line_every_file_is_whole(tmp_path: Path, old: bytes | None, error: Any) -> None:
    contents = {tmp_path / "model.onnx": b"new model" * 9, tmp_path / "model.json": b"new card" * 9}
    for moment in itertools.count(1):
        for path in contents:
            path.unlink(missing_ok=True) if old is None else path.write_bytes(old)
        try:
            with raising_at(moment, error) as passed:
                whole_files.write_whole(contents)
        except type(error):
            pass
        for path, new in contents.items():
            assert (path.read_bytes() if path.exists() else None) in (old, new)
        if passed[0] < moment:
            break
        for left in set(tmp_path.iterdir()) - set(contents):  # where the cleaning up itself was interrupted
            assert left.name.startswith(".hybrid-")
            left.unlink()
    assert moment > 20
    assert all(path.read_bytes() == new for path, new in contents.items())


@pytest.mark.parametrize("place", ["os.fsync", "os.replace", "pathlib.Path.open"])
@pytest.mark.parametrize("kept", [None, '{"old": 1}'])
def test_a_full_disk_leaves_what_was_there_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, kept: str | None
) -> None:
    file = tmp_path / "c.json"
    if kept is not None:
        file.write_text(kept)

    def full(*given: Any, **options: Any) -> None:
        raise FULL

    with monkeypatch.context() as patch:
        patch.setattr(place, full)
        result = save(tmp_path)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "c.json: cannot be written, no space left on device" in result.stderr
    assert not result.stdout
    assert names(tmp_path) == ([] if kept is None else ["c.json"])
    assert kept is None or file.read_text() == kept


@pytest.mark.parametrize("place", ["os.fsync", "os.replace"])
def test_an_interrupt_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    (tmp_path / "c.json").write_text("old")

    def interrupted(*given: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(place, interrupted)
    result = save(tmp_path)
    assert result.exit_code == 130
    assert names(tmp_path) == ["c.json"]
    assert (tmp_path / "c.json").read_text() == "old"


def test_other_files_are_written_in_the_same_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: Any) -> None:
        raise FULL

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ProblemError, match=r"--plot: got .*p\.svg, expected a place that can be written to \(No space"):
        write_bytes(str(tmp_path / "p.svg"), b"<svg/>")
    with pytest.raises(CertificateError, match="no space left"):
        write_whole(tmp_path / "c.json", "{}")
    assert names(tmp_path) == []


@on_posix
def test_a_disk_that_takes_no_more_bytes(tmp_path: Path) -> None:
    """The operating system's own limit on the size of files: the writing itself fails."""
    import resource

    command = [sys.executable, "-m", "hybrid", "stability", "double-integrator", "--save", str(tmp_path / "c.json")]
    limit = 400  # bytes, less than a certificate
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert "c.json: cannot be written, file too large" in done.stderr
    assert names(tmp_path) == []


# ------------------------------------------------------------------------------------------------------- killed

KILLED = """
import os, signal, sys
moment = sys.argv.pop(1)
fsync, replace = os.fsync, os.replace

def die(*given):
    os.kill(os.getpid(), signal.SIGKILL)

def after(call):
    def both(*given):
        call(*given)
        die()
    return both

if moment == "while it is written":
    os.fsync = die
elif moment == "before it is put in place":
    os.fsync = after(fsync)
else:
    os.replace = after(replace)
from hybrid.plugins.cli import main
main()
"""


@on_posix
@pytest.mark.parametrize("moment", ["while it is written", "before it is put in place", "afterwards"])
def test_kill_9_leaves_the_old_or_the_new_certificate(tmp_path: Path, moment: str) -> None:
    file = tmp_path / "c.json"
    assert save(tmp_path).exit_code == 1
    old = file.read_bytes()
    command = [sys.executable, "-c", KILLED, moment, "stability", "inverted-pendulum", "--save", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert is_certificate(file)
    assert (file.read_bytes() == old) is (moment != "afterwards")
    assert all(name.endswith(".partial") and name.startswith(".") for name in names(tmp_path) if name != "c.json")
    assert save(tmp_path).exit_code == 1  # what was left behind is in nobody's way
    assert file.read_bytes() == old


@pytest.mark.train
def test_a_model_and_its_card_are_replaced_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hybrid.export import files

    target = tmp_path / "m.onnx"
    digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    files.write(target, b"test", {"validation": 0.9, "sha256": digest})
    assert not files.is_best(target, 0.8)
    opened = iter([True, False])
    fsync = os.fsync

    def full_at_the_card(number: int) -> None:
        if not next(opened):
            raise FULL
        fsync(number)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full_at_the_card)
        with pytest.raises(OSError, match="No space"):
            files.write(target, b"new", {"validation": 0.1, "sha256": "other"})
    assert target.read_bytes() == b"test"
    assert json.loads(target.with_suffix(".json").read_text())["sha256"] == digest
    target.write_bytes(b"killed between the two")
    assert files.is_best(target, 0.8)  # the card of another model keeps nobody from writing a better one


@pytest.mark.train
def test_a_model_that_its_place_takes_no_more_is_kept_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hybrid.export import files

    place, other = tmp_path / "full", tmp_path / "other"
    place.mkdir()
    other.mkdir()
    write, takes = whole_files.write_whole, {other}

    def full(contents: Any) -> None:
        if not any(path.is_relative_to(folder) for path in contents for folder in takes):
            raise FULL
        write(contents)

    monkeypatch.setattr(files, "write_whole", full)
    monkeypatch.setattr(files.tempfile, "tempdir", str(other))
    kept = files.write_somewhere(place / "m.onnx", b"test", {"validation": 0.9})
    assert kept.read_bytes() == b"test"
    assert json.loads(kept.with_suffix(".json").read_text())["validation"] == 0.9
    assert kept.is_relative_to(other)
    takes.clear()
    with pytest.raises(OSError, match="No space"):
        files.write_somewhere(place / "m.onnx", b"test", {})
    takes.add(place)
    assert files.write_somewhere(place / "m.onnx", b"test", {}) == place / "m.onnx"


@pytest.mark.train
def test_a_checkpoint_is_the_old_one_or_the_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    from hybrid.export import training

    path = tmp_path / "checkpoint.pt"
    training._save({"step": 1}, path)

    def killed(*given: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        training._save({"step": 2}, path)
    assert torch.load(path, weights_only=True) == {"step": 1}
    assert names(tmp_path) == ["checkpoint.pt"]


# -------------------------------------------------------------------------------------------- places of other kinds


@on_posix
def test_devices_pipes_and_folders_are_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("/dev/null")
    for place, kind in (
        ("pipe", "is_fifo"),
        ("folder", "is_dir"),
        ("link", "is_char_device"),
        ("/dev/null", "is_char_device"),
    ):
        path = tmp_path / place
        result = CliRunner().invoke(cli, ["stability", "double-integrator", "--save", str(path)])
        assert result.exit_code == 2
        assert f"hybrid: --save: got {path}, expected a file, not a" in result.stderr
        with pytest.raises(CertificateError, match="not a regular file"):
            write_whole(path, "{}")
        assert getattr(path, kind)()


@on_posix
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("old")
    (tmp_path / "c.json").symlink_to("real.json")
    assert save(tmp_path).exit_code == 1
    assert (tmp_path / "c.json").is_symlink()
    assert is_certificate(tmp_path / "real.json")


@pytest.mark.parametrize("failure", [errno.EROFS, errno.EACCES])
def test_a_read_only_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: int) -> None:
    with monkeypatch.context() as patch:  # root may write everywhere
        patch.setattr(os, "access", lambda *given: False)
        result = save(tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--save: got" in result.stderr

    def refused(*given: Any, **options: Any) -> None:
        raise OSError(failure, os.strerror(failure))

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(CertificateError, match=os.strerror(failure).lower()):
        write_whole(tmp_path / "c.json", "{}")
    assert names(tmp_path) == []


def test_names_that_no_file_can_have(tmp_path: Path) -> None:
    for name in ("a\0b.json", "x" * 300 + ".json"):
        with pytest.raises(HybridError):
            write_whole(tmp_path / name, "{}")
    assert save(tmp_path / "a\0b").exit_code == 2
    longest = tmp_path / ("x" * 250 + ".json")
    write_whole(longest, "{}")
    assert names(tmp_path) == [longest.name]


def test_two_processes_at_one_file(tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    code = (
        "import sys\nfrom hybrid.certificate import write_whole\n"
        "for _ in range(60): write_whole(sys.argv[1], sys.argv[2] * 200_000)\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(file), letter], cwd=ROOT) for letter in "abc"]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        content = file.read_text() if file.exists() else "aa" * 100_000
        assert len(content) == 200_000
        assert content == content[0] * 200_000
        seen.add(content[0])
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert len(seen) >= 2
    assert names(tmp_path) == ["c.json"]


# ------------------------------------------------------------------------------------------------ files to be read


@on_posix
def test_what_has_no_end_is_not_read_to_its_end() -> None:
    with pytest.raises(CertificateError, match="bytes"):
        hybrid.check("/dev/zero")
    with pytest.raises(ModelError, match="not a regular file"):
        GainProposer("/dev/zero")


def spoiled(damage: str, folder: Path) -> Path:
    """A model file that is none of ours any more."""
    file = folder / "model.onnx"
    content = MODEL.read_bytes()
    match damage:
        case "absent":
            pass
        case "pipe":
            os.mkfifo(file)
        case "large":
            with file.open("wb") as hole:
                hole.truncate(2000)
        case "no permission":
            file.write_bytes(content)
        case _:
            file.write_bytes({"empty": b"", "truncated": content[:-1000], "half": content[: len(content) // 2]}[damage])
    return file


@on_posix
@pytest.mark.parametrize("damage", ["absent", "empty", "half", "truncated", "pipe", "large", "no permission"])
def test_a_damaged_model_file_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    file = spoiled(damage, tmp_path)
    if damage == "large":
        monkeypatch.setattr("hybrid.propose.session.MAX_BYTES", 1000)
    if damage == "no permission":  # root may read everything
        opened = Path.open

        def denied(self: Path, *given: Any, **options: Any) -> Any:
            if self == file:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            return opened(self, *given, **options)

        monkeypatch.setattr(Path, "open", denied)
    result = CliRunner().invoke(cli, ["feedback", "inverted-pendulum", "--model", str(file)])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"hybrid: {file}: ")
    assert result.stderr.count("\n") == 1
    assert len(result.stderr) < 300


def changed_model(change: Callable[[Any], None], folder: Path) -> Path:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(MODEL)
    change(model)
    file = folder / "model.onnx"
    file.write_bytes(model.SerializeToString())
    return file


def newer_opset(model: Any) -> None:
    model.opset_import[0].version = 99


def newer_format(model: Any) -> None:
    model.ir_version = 99


def other_shape(model: Any) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 7


def unknown_operator(model: Any) -> None:
    model.graph.node[0].op_type = "LaunchRockets"


def no_metadata(model: Any) -> None:
    del model.metadata_props[:]


@pytest.mark.train
@pytest.mark.parametrize("change", [newer_opset, newer_format, other_shape, unknown_operator, no_metadata])
def test_a_foreign_model_is_one_sentence(tmp_path: Path, change: Callable[[Any], None]) -> None:
    with pytest.raises(ModelError, match=r"model\.onnx: ") as caught:
        GainProposer(changed_model(change, tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.train
@pytest.mark.parametrize("weight", [np.nan, np.inf, 1e38, 0.0])
def test_spoiled_weights_change_no_verdict(tmp_path: Path, weight: float) -> None:
    """Every weight at once: what comes out is dropped, and the exact route answers."""
    onnx = pytest.importorskip("onnx")

    def spoil(model: Any) -> None:
        for tensor in model.graph.initializer:
            if tensor.data_type == onnx.TensorProto.FLOAT:
                values = np.full(tensor.dims, weight, dtype=np.float32)
                tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))

    file = changed_model(spoil, tmp_path)
    rng = np.random.default_rng(1)
    free = hybrid.LinearSystem(rng.standard_normal((4, 4)), rng.standard_normal((4, 2)))
    bound = hybrid.LinearSystem(np.diag([1.0, -1.0, -2.0, -3.0]), [[0], [1], [1], [1]])
    for system in (free, bound):
        answer, without = hybrid.feedback(system, model=str(file)), hybrid.feedback(system, model=False)
        assert (answer.status, answer.verdict) == (without.status, without.verdict)
        assert answer.certificate is not None
        assert hybrid.check(answer.certificate).valid
