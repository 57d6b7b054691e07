"""`hybrid doctor`: what is installed, what works, and what to do about what does not."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import resources
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import click
import numpy as np

from hybrid import __version__
from hybrid.errors import HybridError
from hybrid.propose import equation_reader, gain, lyapunov_matrix, output_gain, pde, verdicts
from hybrid.propose.session import load

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}
_NEEDED = (
    "numpy", "scipy", "sympy", "control", "click", "python-flint", "ctrlsys", "pyyaml", "matplotlib", "rich"
)  # fmt: skip
_INSTALL_AGAIN = "pip install --force-reinstall --no-deps hybrid"
_FORMS = (gain.FORM, output_gain.FORM, lyapunov_matrix.FORM, pde.FORM, equation_reader.FORM, *verdicts.FORMS.values())
_RUNTIMES = ("onnxruntime", "onnxruntime-gpu")


@dataclass(frozen=True)
class Finding:
    """One line: `ok`, `warn` (works, with less) or `fail` (something is broken), and what to do about it."""

    level: str
    subject: str
    found: str
    advice: str = ""


@click.command(short_help="Tell what is installed and what works.")
@click.option("--model", metavar="FILE", help="Examine this model as well: does it load, and does it propose?")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON object.")
def doctor(model: str | None, as_json: bool) -> None:
    """Tell what is installed and what works; exit code 1 when something is broken."""
    findings = [finding for examine in _EXAMINATIONS for finding in examine()]
    if model is not None:
        findings.append(examine_foreign(Path(model)))
    broken = any(finding.level == "fail" for finding in findings)
    if as_json:
        click.echo(json.dumps({"ok": not broken, "findings": [asdict(finding) for finding in findings]}))
    else:
        width = max(len(finding.subject) for finding in findings)
        for finding in findings:
            click.echo(_line(finding, width))
    click.get_current_context().exit(1 if broken else 0)


def _line(finding: Finding, width: int) -> str:
    level = click.style(f"{finding.level:<4}", fg=_COLOURS[finding.level])
    advice = f"\n{'':{width + 8}}{finding.advice}" if finding.advice else ""
    return f"{level}  {finding.subject:<{width}}  {finding.found}{advice}"


def versions() -> Iterator[Finding]:
    """Python, this package, and every package that it needs."""
    yield Finding("ok", "python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield Finding("ok", "hybrid", __version__)
    for package in _NEEDED:
        found = _version(package)
        if found is None:
            yield Finding("fail", package, "not installed", f"pip install {package}")
        else:
            yield Finding("ok", package, found)


def arithmetic() -> Iterator[Finding]:
    """The assumptions of the float proofs: rounding to nearest, subnormal numbers alive."""
    from hybrid.verify.lyapunov import arithmetic_is_ieee

    if arithmetic_is_ieee():
        yield Finding("ok", "arithmetic", "rounds to nearest, subnormal numbers are alive")
    else:
        yield Finding(
            "warn",
            "arithmetic",
            "does not round to nearest or flushes subnormal numbers: float proofs are off, exact ones answer",
            "A library built with -ffast-math does this to a whole process; import hybrid without it.",
        )


def runtime() -> Iterator[Finding]:
    """Which ONNX Runtime is installed; the two distributions overwrite each other's files."""
    installed = {name: found for name in _RUNTIMES if (found := _version(name)) is not None}
    listed = ", ".join(f"{name} {found}" for name, found in installed.items())
    if not installed:
        advice = "pip install onnxruntime (or onnxruntime-gpu on Linux x86-64 and Windows)"
        found = "not installed: no model proposes, exact computation answers"
        yield Finding("warn", "onnxruntime", found, advice)
        return
    if len(installed) > 1:
        advice = "pip uninstall -y onnxruntime onnxruntime-gpu && pip install --no-cache-dir onnxruntime-gpu"
        found = f"{listed}: the two overwrite each other's files, keep one"
        yield Finding("fail", "onnxruntime", found, advice)
    else:
        yield Finding("ok", "onnxruntime", listed)
    yield _providers(next(iter(installed)))


def _providers(distribution: str) -> Finding:
    try:
        import onnxruntime

        available = onnxruntime.get_available_providers()
        chosen = _chosen_provider(onnxruntime, available)
    except Exception as error:  # noqa: BLE001 - a broken build raises anything at all
        advice = f"pip install --force-reinstall --no-cache-dir {distribution}"
        return Finding("fail", "providers", f"onnxruntime does not work: {error}", advice)
    return Finding("ok", "providers", f"{chosen} is in use; built with {', '.join(available)}")


def _chosen_provider(onnxruntime: Any, available: list[str]) -> str:
    """What a session really runs on: a provider that is built in may lack its libraries or its device."""
    onnxruntime.set_default_logger_severity(4)
    wanted = [name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in available]
    models = _model_files()
    if not models:
        return wanted[-1]
    session = onnxruntime.InferenceSession(str(models[0]), providers=wanted)
    provider: str = session.get_providers()[0]
    return provider


def models() -> Iterator[Finding]:
    """Each model shipped with its card and its checksum."""
    files = _model_files()
    if not files:
        found = "none: exact computation answers every question"
        yield Finding("warn", "models", found, _INSTALL_AGAIN)
    for file in files:
        yield examine_model(file)


def _model_files() -> list[Path]:
    return sorted(Path(str(resources.files("hybrid.models"))).glob("*.onnx"))


def examine_model(file: Path) -> Finding:
    """A model file: is it the one that its card describes, and does it load? Whatever it is, answers stay right."""
    try:
        expected = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))["sha256"]
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Finding("warn", file.name, f"no readable card beside it: {error}", _INSTALL_AGAIN)
    if digest != expected:
        return Finding("warn", file.name, "differs from the sha256 on its card: proposals may fail", _INSTALL_AGAIN)
    try:
        load(file, next((form for form in _FORMS if file.name.startswith(form.name(0)[: -len("0.onnx")])), gain.FORM))
    except (HybridError, ImportError) as error:
        return Finding("warn", file.name, f"cannot propose: {error}", _INSTALL_AGAIN)
    return Finding("ok", file.name, f"as its card says, sha256 {digest[:12]}…")


def examine_foreign(file: Path) -> Finding:
    """A model of the user: one sentence on why it cannot propose, if it cannot."""
    advice = "Answers are right without it: leave --model out, or train one by hybrid train."
    refused: list[str] = []
    for form in _FORMS:
        try:
            model = load(file, form)
            said = model.session.run(None, _zeros(model.session.opened))
        except (HybridError, ImportError) as error:
            refused.append(str(error))
        except Exception as error:  # noqa: BLE001 - a model may fail in any way
            return Finding("warn", file.name, f"loads, but cannot run ({type(error).__name__})", advice)
        else:
            numbers = all(isinstance(x, np.ndarray) and x.dtype.kind == "f" and np.isfinite(x).all() for x in said)
            if numbers:
                return Finding("ok", file.name, f"a {form.task} model for {model.order} states")
            return Finding("warn", file.name, "runs, but says what are no finite numbers", advice)
    return Finding("warn", file.name, f"cannot propose: {refused[0]}", advice)


def _zeros(session: Any) -> dict[str, Any]:
    """Something for each input of a session."""
    kinds = {"tensor(int64)": np.int64, "tensor(bool)": np.bool_}
    return {
        tensor.name: np.zeros(
            [x if isinstance(x, int) else 1 for x in tensor.shape], kinds.get(tensor.type, np.float32)
        )
        for tensor in session.get_inputs()
    }


def extras() -> Iterator[Finding]:
    """What only training needs."""
    found = _version("torch")
    if found is None:
        yield Finding("ok", "torch", "not installed; only training needs it: pip install 'hybrid[train]'")
    else:
        yield Finding("ok", "torch", found)


def plugins() -> Iterator[Finding]:
    """Commands of other packages: loaded here, one by one, so that a broken one is named."""
    from .cli import OWN_COMMANDS, plugin_commands

    for name, command in sorted(plugin_commands().items()):
        subject, where = f"plugin {name}", command.entry_point.value
        if name in OWN_COMMANDS:
            found = f"{where} is hidden by the command of that name"
            yield Finding("warn", subject, found, "Ask its author for another name.")
            continue
        try:
            command.load()
        except HybridError as error:
            yield Finding("warn", subject, str(error), "Update or uninstall that package; all else works.")
        else:
            yield Finding("ok", subject, where)


_EXAMINATIONS: tuple[Callable[[], Iterator[Finding]], ...] = (
    versions, arithmetic, runtime, models, extras, plugins
)  # fmt: skip


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
