"""`hybrid pde`: does a linear PDE have a solution, does it stay bounded, does it decay?"""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

import hybrid
from hybrid.errors import ProblemError
from hybrid.systems.pde_equation import is_pde
from hybrid.systems.plants import pde_plants
from hybrid.systems.reading import FORMATS, LINES, TEXT_FORMATS
from hybrid.systems.reading_pde import parse_support, read_pde_file

from .cli_options import Output

_INITIAL = 'u at t = 0 for its wave numbers: a product as "exp(2*I*x)*sin(3*x)/(3*x)".'
_SUPPORT = "Wave numbers at t = 0, as x=-1:1,y=0:inf; those left out are unbounded."


class EquationName(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.2
    """A file, `-`, the name of a demonstration PDE, or an equation; a file of that name wins."""

    name = "equation"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Demonstration PDEs and readable files of this folder; anything else the shell completes as a file."""
        suffixes = {LINES, *(suffix for suffix, format in FORMATS.items() if format in TEXT_FORMATS)}
        files = sorted(entry.name for entry in Path().iterdir() if entry.suffix in suffixes)
        matches = [name for name in [*_names(), *files] if name.startswith(incomplete)]
        return [CompletionItem(name) for name in matches] or [CompletionItem(incomplete, type="file")]


@click.command(short_help="Does a PDE have a solution, stay bounded, decay?")
@click.argument("equation", type=EquationName(), metavar="EQUATION")
@click.option("--initial", metavar="PRODUCT", help=_INITIAL)
@click.option("--support", metavar="INTERVALS", help=_SUPPORT)
@click.option("--line", type=click.IntRange(1), help="Of a .jsonl file: which one.")
@click.option("--paper", is_flag=True, help="Also tell the labels of the paper, and read its degenerate factors.")
@click.option("--model-first", is_flag=True, help="A network proposes a wave number that grows.")
@click.option("--model", metavar="FILE", help="Let this ONNX model propose it, or that in a folder.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, the certificate inside.")
@click.option("--save", metavar="FILE", help="Write the certificate, whole or not at all.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing: the exit code is the answer.")
def pde(
    equation: str,
    initial: str | None,
    support: str | None,
    line: int | None,
    paper: bool,
    model_first: bool,
    model: str | None,
    as_json: bool,
    save: str | None,
    quiet: bool,
) -> None:
    """Does u_t + P(D) u = 0 with constant coefficients have a solution for t > 0? Does it stay bounded, or decay?

    EQUATION is text such as "u_t = u_xx - u_xxxx", a file (TOML, YAML, JSON, or .jsonl with --line), - for standard
    input, or a demonstration PDE that `hybrid plants` lists.

    \b
    hybrid pde "u_t = u_xx - 0.2*u"
    hybrid pde "u_t = -u_xx - u_xxxx" --support x=2:3
    hybrid pde "u_t = -u_xx" --initial "sin(5*x)/(5*x)"

    Exit code 0 if it is proved to stay bounded, 1 if some waves grow or there is no solution, 3 if undecided.
    """  # noqa: D301 - click reads \b as: keep these lines
    output = Output(as_json, save, None, quiet)
    intervals = None if support is None else parse_support(support, "--support")
    found = load_equation(equation, line)
    output.deliver(
        hybrid.pde(found, initial, support=intervals, paper=paper, model=model_first if model is None else model)
    )


def load_equation(text: str, line: int | None = None) -> str | Mapping[str, Any] | hybrid.LinearPDE:
    """The equation itself, or what a file, standard input or the library of plants says of it.

    Raises:
        ProblemError: there is none of that name, or what is there cannot be read.
    """
    is_file = text == "-" or os.path.exists(text)
    if line is not None and not is_file:
        raise ProblemError("--line", line, "nothing, as EQUATION is no file")
    if is_file:
        return read_pde_file(text, line)
    if is_pde(text):
        return text
    names = _names()
    if text in names:
        return next(plant.system for plant in pde_plants() if plant.name == text)
    close = get_close_matches(text[:60], names, n=3, cutoff=0.4)
    near = f" (close names: {', '.join(close)})" if close else ""
    expected = f"an existing file, -, a PDE that `hybrid plants` lists, or an equation such as u_t = u_xx{near}"
    raise ProblemError("EQUATION", text, expected)


def _names() -> list[str]:
    return [plant.name for plant in pde_plants()]
