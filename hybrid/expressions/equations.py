"""Systems of equations: which equation is whose, and that each state has exactly one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hybrid.errors import ProblemError
from hybrid.expressions.graph import Graph
from hybrid.expressions.parser import Reader, Statement, is_name

_DECLARE = "a declared input or parameter"


def primed_names(text: str, field: str = "equations") -> list[str]:
    """The states that a text has equations for, in the order in which they first appear.

    >>> primed_names("y' = -x; dx/dt = y")
    ['y', 'x']
    """
    statements = Reader(Graph([]), {}, field, text).statements()
    return list(dict.fromkeys(s.name for s in statements if s.kind == "derivative"))


def read_equations(
    graph: Graph, names: dict[str, int], states: Sequence[str], texts: Sequence[tuple[str, str]]
) -> list[int]:
    """The nodes of the states' right-hand sides, in the order of the states.

    Args:
        graph: receives the expressions.
        names: the nodes of states, inputs and parameters; definitions are added to it.
        states: either every right-hand side stands after `name' =`, in any order, or none does and they stand
            in this order.
        texts: pairs of a field for errors and a text of one or more equations and definitions.

    Raises:
        ParseError: the place of what cannot be read, is defined twice, or belongs to no state.
        ProblemError: a state has no equation, or the number of right-hand sides is not that of the states.

    >>> graph = Graph(["x", "y"])
    >>> read_equations(graph, {"x": 0, "y": 1}, ["x", "y"], [("equations", "y' = x; x' = y")])
    [1, 0]
    """
    primed: dict[str, int] = {}
    plain: list[int] = []
    for field, text in texts:
        reader = Reader(graph, names, field, text, _DECLARE)
        for statement in reader.statements():
            _check(reader, statement, states, primed)
            node = reader.expression(statement.body)
            if statement.kind == "definition":
                names[statement.name] = node
            elif statement.kind == "derivative":
                primed[statement.name] = node
            else:
                plain.append(node)
            if primed and plain:
                raise reader.error(
                    statement.start,
                    "right-hand sides with and without a state",
                    "all of them after name' =, or none",
                )
    return _ordered(states, primed, plain)


def _check(reader: Reader, statement: Statement, states: Sequence[str], primed: dict[str, int]) -> None:
    """A derivative is of a state and the first of it; a definition is of a new name."""
    name = statement.name
    if statement.kind == "derivative":
        if name not in states:
            raise reader.error(statement.start, f"an equation for {name}", f"one of the states {_list(states)}")
        if name in primed:
            raise reader.error(statement.start, f"a second equation for {name}", "one equation for each state")
    elif statement.kind == "definition" and name in reader.names:
        raise reader.error(statement.start, f"a second meaning of {name}", "each name to be defined once")


def _ordered(states: Sequence[str], primed: dict[str, int], plain: list[int]) -> list[int]:
    if plain:
        if len(plain) != len(states):
            expected = f"{len(states)}, one for each of the states {_list(states)}"
            raise ProblemError("equations", f"{len(plain)} right-hand sides", expected)
        return plain
    missing = [state for state in states if state not in primed]
    if missing:
        raise ProblemError("equations", f"no equation for {_list(missing)}", "one equation for each state")
    return [primed[state] for state in states]


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:12])


def read_names(names: Iterable[str], name: str) -> tuple[str, ...]:
    """The names of states, inputs or parameters, each of them one that an expression may hold."""
    if isinstance(names, str):
        raise ProblemError(name, names, "a list of names")
    for each in names:
        if not is_name(each):
            raise ProblemError(name, each, "names of letters, digits and _, other than functions and pi")
    return tuple(names)


def check_distinct(names: Sequence[str]) -> None:
    """Refuse a name that is given twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ProblemError("names", f"{name} twice", "each name once among states, inputs and parameters")
        seen.add(name)


def read_texts(texts: str | Sequence[str], name: str) -> tuple[str, ...]:
    """One text or several, as a tuple."""
    listed = (texts,) if isinstance(texts, str) else tuple(texts)
    if not listed or not all(isinstance(text, str) for text in listed):
        raise ProblemError(name, texts, "text, or a list of texts")
    return listed
