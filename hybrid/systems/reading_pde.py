"""PDEs out of text, documents and files: the equation or its operator, and the wave numbers at time 0."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from hybrid.errors import ProblemError
from hybrid.expressions.polynomial import read_polynomial
from hybrid.systems.initial_condition import LINE, read_support
from hybrid.systems.pde import LinearPDE, numbered
from hybrid.systems.pde_equation import FORM, read_equation
from hybrid.systems.reading import DESCRIPTIVE_KEYS, read_document
from hybrid.systems.reading_equations import parse_assignments

KEYS = ("equation", "operator", "coordinates", "initial_condition", "support", "name")
"""The keys that say what the equation is."""
TABLE = "pde"
"""A document may hold the keys in a table of this name."""
PAPER_KEYS = frozenset({
    "task", "degree", "equations", "point", "answer", "input_tokens", "output_tokens", "start_in_support",
    "sampled_exists_decays", "sampled_agrees",
})  # fmt: skip
"""Of a line of the paper's data: `equations` holds the operator; the others are not read, but for `degree`."""

Terms = list[tuple[Any, Any]]


def read_pde(
    equation: LinearPDE | str | Mapping[str, Any],
    initial_condition: str | None = None,
    support: Mapping[str, Any] | None = None,
    *,
    paper: bool = False,
) -> LinearPDE:
    """The equation that text or a document describes, with another support where one is given.

    Args:
        equation: as it is; text as `pde_equation.read_equation` reads it; or a document with `KEYS`.
        initial_condition, support: in place of those of the document.
        paper: read degenerate factors of an initial condition as the paper does.

    Raises:
        ProblemError, ParseError: what is wrong.

    >>> read_pde("u_t = u_xx", support={"x": (-1, 1)}).support
    ((Fraction(-1, 1), Fraction(1, 1)),)
    """
    if isinstance(equation, LinearPDE):
        terms: Terms = [(c, powers) for c, powers in equation.terms]
        stated: Mapping[str, Any] = {"support": equation.support, "name": equation.name}
        names = equation.coordinates
    else:
        stated = _document(equation)
        support_stated = stated.get("support") if support is None else support
        terms, names = _operator(stated, list(support_stated) if isinstance(support_stated, Mapping) else [])
    stated = {
        **stated,
        **({} if support is None and initial_condition is None else dict.fromkeys(("support", "initial_condition"))),
    }
    condition = stated.get("initial_condition") if initial_condition is None else initial_condition
    bounds = stated.get("support") if support is None else support
    if condition is not None and bounds is not None:
        raise ProblemError("support", "a support beside an initial condition", "one of them, as both say wave numbers")
    intervals = _intervals(bounds, names) if condition is None else read_support(condition, names, paper=paper)
    return LinearPDE.from_bounds(terms, intervals, coordinates=names, name=_name(stated.get("name")))


def read_pde_file(source: str | os.PathLike[str], line: int | None = None) -> Mapping[str, Any]:
    r"""The document in a file, or on standard input where `source` is "-"; `read_pde` reads it.

    Args:
        source: a .toml, .yaml, .yml or .json file, or a .jsonl file with a document a line, such as the paper's data.
        line: of a .jsonl file; counts from 1, and may be left out where there is one line.

    Raises:
        ProblemError, ParseError: it cannot be read.

    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "heat.toml")
    ...     _ = path.write_text('equation = "u_t = u_xx"\nsupport = {x = [1, 2]}')
    ...     read_pde(read_pde_file(path)).name
    'heat'
    """
    document, name = read_document(source, line)
    table = document.get(TABLE)
    found = table if isinstance(table, Mapping) else document
    return found if found.get("name") is not None else {**found, "name": name}


def parse_support(text: str, field: str) -> dict[str, tuple[str, str]]:
    """The ends of `x=-1:1,y=0:inf`; a single number is a point.

    Raises:
        ProblemError: an entry is no interval, or a name stands twice.

    >>> parse_support("x=-1:1, y=3", "support")
    {'x': ('-1', '1'), 'y': ('3', '3')}
    """
    found = {}
    for name, value in parse_assignments(text, field).items():
        low, colon, high = (part.strip() for part in value.partition(":"))
        found[name] = (low, high if colon else low)
    return found


def _document(given: str | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(given, str):
        return {"equation": given}
    if not isinstance(given, Mapping):
        raise ProblemError("equation", given, f"a LinearPDE, a mapping, or text, {FORM}")
    known = {*KEYS, "names", *DESCRIPTIVE_KEYS, *PAPER_KEYS}
    for key in given:
        if key not in known:
            raise ProblemError("key", ascii(key)[:60], f"one of {', '.join(KEYS)}")
    return given


def _operator(stated: Mapping[str, Any], named: list[str]) -> tuple[Terms, tuple[str, ...]]:
    """The terms of P and the coordinates, in the order in which they are named."""
    equation, operator = stated.get("equation"), stated.get("operator")
    if operator is None and stated.get("equations") is not None:
        operator = _only(stated["equations"])
    if (equation is None) is (operator is None):
        got = "nothing" if equation is None else "an equation beside an operator"
        raise ProblemError("equation", got, f"one of them: {FORM}, or P of u_t + P(D) u = 0")
    coordinates = stated.get("coordinates", stated.get("names"))
    if equation is not None:
        P, names = read_equation(equation, coordinates=_list(coordinates, []), further=named)
        return [(c, powers) for powers, c in P.items()], names
    if isinstance(operator, str):
        names = tuple(_list(coordinates, named)) or numbered(
            stated.get("degree"), operator, stated.get("initial_condition")
        )
        return [(c, powers) for powers, c in read_polynomial(operator, names, "operator").items()], names
    terms = [_term(term, at) for at, term in enumerate(operator)] if isinstance(operator, list) else []
    if not terms:
        raise ProblemError("operator", operator, "a polynomial as text, or a list of terms")
    return terms, tuple(_list(coordinates, named)) or numbered(len(terms[0][1]))


def _term(term: Any, at: int) -> tuple[Any, Any]:
    """One of a certificate's terms."""
    if not isinstance(term, Mapping) or set(term) != {"coefficient", "powers"} or not isinstance(term["powers"], list):
        raise ProblemError(f"operator[{at}]", term, 'a term such as {"coefficient": "1/2", "powers": [2, 0]}')
    powers = [int(k) if isinstance(k, str) and k.isdecimal() and len(k) < 6 else k for k in term["powers"]]  # of YAML
    return term["coefficient"], powers


def _only(value: Any) -> Any:
    if not isinstance(value, list) or len(value) != 1:
        raise ProblemError("equations", value, "a list that holds the operator alone")
    return value[0]


def _list(value: Any, otherwise: list[str]) -> list[str]:
    if value is None:
        return otherwise
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ProblemError("coordinates", value, 'a list of names, as ["x", "y"]')
    return list(value)


def _intervals(value: Any, names: tuple[str, ...]) -> list[Any]:
    """Two ends for each coordinate; the line where none are given."""
    if value is None:
        return [LINE] * len(names)
    if not isinstance(value, Mapping):
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise ProblemError("support", value, "a table such as {x = [-1, 1]}, or a list of pairs")
        return list(value)
    for name in value:
        if name not in names:
            raise ProblemError("support", name, f"one of the coordinates {', '.join(names)}")
    return [value.get(name, LINE) for name in names]


def _name(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or not value.isprintable() or len(value) > 200:
        raise ProblemError("name", ascii(value), "one line of at most 200 characters")
    return value
