"""Imports point one way, heavy packages load where a request needs them, and the checker stands alone."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted([*(ROOT / "hybrid").rglob("*.py"), *(ROOT / "export").glob("*.py"), *(ROOT / "plugins").glob("*.py")])

LAYERS = (
    ("errors", "cached", "locks", "precision", "whole_files"),
    ("answer",),
    ("expressions",),
    ("systems",),
    ("decimals", "pole_region"),
    ("question",),
    ("certificate", "render", "render_gain", "render_local", "render_pde", "plot"),
    ("propose", "verify"),
    ("exact",),
    ("simulate", "phase_plot"),
    ("trials",),
    ("attempts",),
    ("solve",),
    ("api",),
    ("",),  # hybrid/__init__.py, the public names
    ("design", "batch"),
    ("bench", "selftest"),
    ("models",),
    ("plugins", "export"),
    ("__main__",),
)
RANK = {part: rank for rank, layer in enumerate(LAYERS) for part in layer}

UPWARDS_INSIDE_FUNCTIONS = {
    ("answer", "question"): "an answer knows which kind of question its closed loop belongs to",
    ("answer", "render"): "str(answer) and its LaTeX are written by render",
    ("certificate", ""): "the version goes into the document",
    ("verify", "exact"): "Krawczyk's test in balls; exact loads flint, so it waits for a request",
}

HEAVY = {"torch", "sympy", "click", "control", "scipy", "flint", "onnxruntime", "matplotlib", "ctrlsys", "yaml", "rich"}
HEAVY |= {"numba", "pandas", "pyarrow", "ray"}
HEAVY_ALLOWED = {"exact": {"flint", "ctrlsys", "scipy"}, "batch": {"numba"}}
HEAVY_ALLOWED_IN_FILES = {"expressions/exact.py": {"flint"}, "expressions/balls.py": {"flint"}}


class Import(NamedTuple):
    source: Path
    line: int
    target: str  # absolute, dotted
    where: str  # "module", "function" or "types"

    def __str__(self) -> str:
        return f"{self.source.relative_to(ROOT)}:{self.line} imports {self.target} ({self.where} level)"


def module_name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    parts = parts if parts[0] in ("hybrid", "tests") else ("hybrid", *parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(file) for file in SOURCES}


def imports(file: Path) -> list[Import]:
    """Every import of a file, with the place where it happens."""
    return list(_visit(file, ast.parse(file.read_text(encoding="utf-8")), "module"))


def _visit(file: Path, node: ast.AST, where: str) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        inside = where
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            inside = "function"
        elif isinstance(child, ast.If) and ast.unparse(child.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            yield from (found for branch in child.body for found in _visit(file, ast.Module([branch], []), "types"))
            yield from (found for branch in child.orelse for found in _visit(file, ast.Module([branch], []), where))
            continue
        if isinstance(child, ast.Import):
            yield from (Import(file, child.lineno, alias.name, inside) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            base = _absolute(file, child)
            for alias in child.names:  # `from hybrid.exact import spectrum` names a module, `import Spectrum` does not
                full = f"{base}.{alias.name}"
                yield Import(file, child.lineno, full if full in MODULES else base, inside)
        yield from _visit(file, child, inside)


def _absolute(file: Path, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    name = module_name(file).split(".")
    package = name if file.name == "__init__.py" else name[:-1]
    return ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])


def part(module: str) -> str:
    """The piece of the layout that a module belongs to: hybrid.exact.spectrum is of exact."""
    return [*module.split("."), ""][1]


def is_ours(module: str) -> bool:
    return module.split(".")[0] == "hybrid"


ALL = [found for file in SOURCES for found in imports(file)]


def violations(found: Iterator[Import]) -> str:
    return "\n".join(dict.fromkeys(map(str, found)))


def test_the_sources_are_found() -> None:
    assert {"hybrid", "hybrid.solve", "hybrid.exact.spectrum", "hybrid.plugins.cli", "hybrid.export.train"} <= MODULES
    assert Import(ROOT / "hybrid/api.py", 1, "hybrid.solve", "module") in [each._replace(line=1) for each in ALL]


def test_every_module_has_its_layer() -> None:
    assert not {part(module) for module in MODULES} - set(RANK)


def test_imports_point_one_way() -> None:
    """At module level nothing names a later layer; inside functions only where UPWARDS_INSIDE_FUNCTIONS says why."""

    def is_upwards(found: Import) -> bool:
        source, target = part(module_name(found.source)), part(found.target)
        if found.where == "types" or RANK[target] <= RANK[source]:
            return False
        return found.where == "module" or (source, target) not in UPWARDS_INSIDE_FUNCTIONS

    assert not violations(found for found in ALL if is_ours(found.target) and is_upwards(found))


def test_every_exception_is_used() -> None:
    used = {(part(module_name(found.source)), part(found.target)) for found in ALL if found.where == "function"}
    assert set(UPWARDS_INSIDE_FUNCTIONS) <= used


def test_modules_form_no_cycle() -> None:
    graph: dict[str, set[str]] = {module: set() for module in MODULES}
    for found in ALL:
        if found.where == "module" and found.target in MODULES:
            graph[module_name(found.source)].add(found.target)
    del graph["hybrid"]  # whoever imports it lies in a later layer
    while free := [module for module, targets in graph.items() if not targets & graph.keys()]:
        for module in free:
            del graph[module]
    assert not graph, "these modules import each other in a circle"


def inside(found: Import, where: str) -> bool:
    return part(module_name(found.source)) == where


def test_front_ends_and_training_are_leaves() -> None:
    """Nothing in hybrid/ knows them, except `python -m hybrid`, which is the command line."""
    inner = (found for found in ALL if part(module_name(found.source)) not in ("plugins", "export", "__main__"))
    assert not violations(found for found in inner if found.target.startswith(("hybrid.plugins", "hybrid.export")))
    assert not violations(x for x in ALL if x.target.startswith("hybrid.plugins") and inside(x, "export"))
    evaluating = {"cli_eval.py", "cli_train.py"}  # `hybrid eval` and `hybrid train` are what export/ is for
    assert not violations(
        found
        for found in ALL
        if found.target.startswith("hybrid.export")
        and inside(found, "plugins")
        and (found.source.name not in evaluating or found.where == "module")
    )


@pytest.mark.parametrize("folder", ["hybrid", "export", "plugins", "tests"])
def test_nobody_uses_a_bare_folder_name(folder: str) -> None:
    """`import plugins` would work in a checkout and fail in an installation."""
    files = (ROOT / folder).rglob("*.py")
    found = (found for file in files for found in imports(file))
    assert not violations(each for each in found if each.target.split(".")[0] in ("plugins", "export"))


def test_siblings_are_imported_relatively_in_plugins_and_export() -> None:
    for folder in ("plugins", "export"):
        for file in (ROOT / folder).glob("*.py"):
            nodes = [node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)]
            absolute = [node.module or "" for node in nodes if not node.level]
            assert not [name for name in absolute if name.startswith(f"hybrid.{folder}")], file.name


def test_heavy_packages_load_inside_functions() -> None:
    def is_allowed(found: Import) -> bool:
        place = part(module_name(found.source))
        allowed = HEAVY_ALLOWED.get(place, set())
        if place not in ("plugins", "export"):
            allowed = allowed | HEAVY_ALLOWED_IN_FILES.get(str(found.source.relative_to(ROOT / "hybrid")), set())
        return place in ("plugins", "export") or found.target.split(".")[0] in allowed

    heavy = (found for found in ALL if found.where == "module" and found.target.split(".")[0] in HEAVY)
    assert not violations(found for found in heavy if not is_allowed(found))


def test_torch_lives_in_export() -> None:
    torch = (found for found in ALL if found.target.split(".")[0] == "torch")
    assert not violations(found for found in torch if part(module_name(found.source)) != "export")


@pytest.mark.parametrize("file", sorted((ROOT / "hybrid/certificate").glob("checker*.py")), ids=lambda file: file.name)
def test_the_checker_imports_the_standard_library_alone(file: Path) -> None:
    def is_allowed(found: Import) -> bool:
        top, last = found.target.split(".")[0], found.target.split(".")[-1]
        if top == "flint":
            return file.name == "checker_equations.py" and found.where == "function"
        return top in sys.stdlib_module_names or last.startswith("checker")

    assert not violations(found for found in imports(file) if not is_allowed(found))


def test_the_solver_shares_no_code_with_the_checker() -> None:
    users = {part(module_name(found.source)) for found in ALL if ".checker" in found.target}
    assert users <= {"certificate", "plugins"}


def test_nothing_evaluates_text() -> None:
    """No eval, exec or compile, no sympify or parse_expr, no pickle; a benchmark may time sympy on its own samples."""
    banned = {"eval", "exec", "compile", "sympify", "parse_expr", "__import__"}
    for file in SOURCES:
        allowed = {"sympify"} if file.parent.name == "bench" else set()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                is_regular_expression = ast.unparse(node.func) == "re.compile"
                assert name not in banned - allowed or is_regular_expression, f"{file.name}:{node.lineno} calls {name}"
    pickles = {"pickle", "dill", "cloudpickle", "shelve", "marshal", "joblib"}
    assert not violations(found for found in ALL if found.target.split(".")[0] in pickles)


def loaded_after(statements: str) -> set[str]:
    """The packages that a fresh interpreter holds after some statements."""
    program = f"import sys, hybrid; {statements}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


def test_import_hybrid_costs_nothing() -> None:
    assert not (HEAVY | {"numpy"}) & loaded_after("pass")


def test_the_public_names_cost_numpy_alone() -> None:
    loaded = loaded_after("[getattr(hybrid, name) for name in hybrid.__all__]")
    assert "numpy" in loaded
    assert not HEAVY & loaded


def test_every_package_is_installed() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    packages = {module_name(file) for file in SOURCES if file.name == "__init__.py"}
    folders = {module_name(file).rpartition(".")[0] for file in SOURCES if file.name != "__init__.py"}
    assert packages == folders | packages
    assert set(listed) == packages
