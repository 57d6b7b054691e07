"""Model files: opened when first needed, checked to be ours, kept. Shared by all proposers."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hybrid.errors import ModelError
from hybrid.verify.lyapunov import FloatArray

MAX_BYTES = 2**28
"""Of a model file; those that are shipped have 2 MB and less."""

MAX_SECONDS = 10.0
"""Of one run of a model that is not a shipped one; ONNX knows loops, and a foreign file may hold one without end."""

_SHIPPED = Path(str(resources.files("hybrid.models")))


class Form(NamedTuple):
    """What the files of one task have in common.

    Attributes:
        task: what they propose, for messages: "gain".
        schema, canonical_form: what their metadata say.
        name: n → the file for n states.
        shapes: n → the shapes of inputs and outputs by name, without the leading axis N.
        sized: whether there is a file for each n; if not, one file takes all sizes and its order is 0.
    """

    task: str
    schema: str
    canonical_form: str
    name: Callable[[int], str]
    shapes: Callable[[Any], dict[str, list[Any]]]
    sized: bool = True


class Session:
    """A session of ONNX Runtime that ends: one that runs too long is stopped, and not asked again.

    After a fork the child opens a session of its own, on the CPU: threads and CUDA do not survive one.

    Args:
        content: the bytes of the model.
        seconds: for one run; None: without end.

    Raises:
        ModelError: no ONNX model that this version of ONNX Runtime can read.
    """

    def __init__(self, content: bytes, seconds: float | None) -> None:
        self._content, self._seconds = content, seconds
        self._process, self._session = os.getpid(), _open(content, _providers())
        self._is_too_slow = False

    @property
    def opened(self) -> Any:
        """The session of this process."""
        if self._process != os.getpid():
            self._session, self._process = _open(self._content, ["CPUExecutionProvider"]), os.getpid()
        return self._session

    def run(self, outputs: Sequence[str] | None, inputs: Mapping[str, Any]) -> Any:
        """The tensors of these names, or all.

        Raises:
            ModelError: it did not end in time, now or before.
        """
        if self._seconds is None:
            return self.opened.run(outputs, inputs)
        if self._is_too_slow:
            raise ModelError(f"the model took more than {self._seconds:g} s before, and is not asked again")
        from onnxruntime import RunOptions

        options = RunOptions()
        alarm = threading.Timer(self._seconds, lambda: setattr(options, "terminate", True))
        alarm.daemon = True
        alarm.start()
        try:
            return self.opened.run(outputs, inputs, options)
        except Exception as cause:
            if not options.terminate:
                raise
            self._is_too_slow = True
            raise ModelError(f"the model took more than {self._seconds:g} s and was stopped") from cause
        finally:
            alarm.cancel()


class Model(NamedTuple):
    """An open session, the number of states it takes, what an answer says of its origin, and the file's metadata."""

    session: Session
    order: int
    source: str
    properties: Mapping[str, str]


class ModelFiles:
    """One model file, or a folder with one for each order.

    Args:
        form: what a file must be.
        path: a file or a folder; None: the shipped ones.
    """

    def __init__(self, form: Form, path: str | Path | None) -> None:
        self._form = form
        self._folder = _SHIPPED if path is None else Path(path)
        self._models: dict[int, Model] = {}
        self._single = None if path is None or self._folder.is_dir() else load(self._folder, form)

    def has(self, n: int) -> bool:
        """Whether there is a model for n states; its file is not opened."""
        if self._single is not None:
            return n == self._single.order
        return n in self._models or (self._folder / self._form.name(n)).is_file()

    def model(self, n: int) -> Model:
        """The model for n states.

        Raises:
            ModelError: there is none, or its file is damaged or foreign.
        """
        if self._single is not None:
            if n != self._single.order:
                raise ModelError(f"{self._folder.name}: made for {self._single.order} states, the plant has {n}")
            return self._single
        if n not in self._models:
            model = load(self._folder / self._form.name(n), self._form)
            if model.order != n:
                raise ModelError(f"{self._form.name(n)}: made for {model.order} states, expected {n}")
            self._models[n] = model
        return self._models[n]


def load(path: Path, form: Form) -> Model:
    """Open a session on a model file whose schema, inputs and outputs are those of the form: one thread, on CUDA
    where that provider loads and on the CPU elsewhere.
    """
    content = _bytes_of(path)
    try:
        session = Session(content, None if path.parent == _SHIPPED else MAX_SECONDS)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error.__cause__
    opened, source = session.opened, f"{path.name} {hashlib.sha256(content).hexdigest()[:12]}"
    return Model(session, _order(opened, path, form), source, opened.get_modelmeta().custom_metadata_map)


def _open(content: bytes, providers: list[str]) -> Any:
    """A session of one thread; nothing of the model is computed before it runs."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(content, options, providers=providers)
    except Exception as cause:  # onnxruntime raises a dozen kinds of its own
        raise ModelError(f"not a readable ONNX model ({type(cause).__name__})") from cause


def _bytes_of(path: Path) -> bytes:
    """The content of a model file; one that is no file, as a pipe or a device, might never end."""
    try:
        if path.exists() and not path.is_file():
            raise ModelError(f"{path}: the model file cannot be read (not a regular file)")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as cause:  # the latter: a NUL character in the name
        raise ModelError(f"{path}: the model file cannot be read ({getattr(cause, 'strerror', cause)})") from cause
    if len(content) > MAX_BYTES:
        raise ModelError(f"{path}: the model file has more than {MAX_BYTES} bytes")
    return content


def by_halves(solve: Callable[..., FloatArray], *stacks: FloatArray) -> FloatArray:
    """`solve(*stacks)`, where rows that raise LinAlgError shall come out as NaN and spoil no other.

    Halves the stacks until such rows stand alone; there `solve` is asked once more with zeros, for the shape.
    """
    try:
        return solve(*stacks)
    except np.linalg.LinAlgError:
        if len(stacks[0]) == 1:
            return np.full_like(solve(*(np.zeros_like(x) for x in stacks)), np.nan)
        half = len(stacks[0]) // 2
        parts = ([x[:half] for x in stacks], [x[half:] for x in stacks])
        return np.concatenate([by_halves(solve, *part) for part in parts])


def _order(session: Any, path: Path, form: Form) -> int:
    """The number of states a session takes; refuses a model that was made for something else."""
    properties = session.get_modelmeta().custom_metadata_map
    if properties.get("hybrid_schema") != form.schema or properties.get("canonical_form") != form.canonical_form:
        raise ModelError(f"{path}: not a {form.task} model of this version ({form.schema}, {form.canonical_form})")
    shapes = {tensor.name: tensor.shape for tensor in (*session.get_inputs(), *session.get_outputs())}
    n = shapes.get("A", [None])[-1] if form.sized else 0
    if not isinstance(n, int) or {name: shape[1:] for name, shape in shapes.items()} != form.shapes(n):
        names = " and ".join(", ".join(t.name for t in part) for part in (session.get_inputs(), session.get_outputs()))
        raise ModelError(f"{path}: tensors {', '.join(form.shapes('n'))} of a {form.task} model expected, got {names}")
    return n


def _providers() -> list[str]:
    """CUDA where its libraries load, and the CPU."""
    import onnxruntime

    return [p for p in ("CUDAExecutionProvider", "CPUExecutionProvider") if p in onnxruntime.get_available_providers()]
