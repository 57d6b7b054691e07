"""sympy's expressions as text of hybrid's grammar: a tree of what is known becomes a graph, and the graph its text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import reduce
from typing import Any

import sympy
from sympy import Add, Basic, Derivative, E, Expr, Mul, Pow, Symbol, pi
from sympy.core.function import AppliedUndef

from hybrid.errors import ProblemError
from hybrid.expressions.graph import Graph
from hybrid.expressions.infix import infix

FUNCTIONS = {
    **{getattr(sympy, name): name for name in ("exp", "log", "sin", "cos", "tan", "asin", "acos", "atan")},
    **{getattr(sympy, name): name for name in ("sinh", "cosh", "tanh", "sign")},
    sympy.Abs: "abs",
}
"""sympy's classes and the names of the same functions here."""
_EXPECTED = f"real numbers, symbols, + - * / **, sqrt and {' '.join(FUNCTIONS.values())}"


def texts(expressions: Sequence[Basic], names: Sequence[str], field: str) -> list[str]:
    """Expressions as the parser reads them back, exactly; a Float is the binary number that it stores.

    Args:
        expressions: trees of numbers, names and functions.
        names: what the leaves may be called, see `name_of`.
        field: what errors call them.

    Raises:
        ProblemError: something that is none of these; one sentence.

    >>> from sympy.abc import x, y
    >>> texts([sympy.sin(x) / y - sympy.Rational(1, 3), sympy.Float(0.5) / sympy.sqrt(y)], ["x", "y"], "f")
    ['sin(x)/y - 1/3', '1/2/sqrt(y)']
    """
    writer = _Writer(Graph(names), field)
    return infix(writer.graph.tape([writer.node(each) for each in expressions]))


def name_of(key: Any, field: str) -> str:
    """The name of a state, input or parameter: of a symbol its own, of x(t) x, of its derivatives x_dot, x_ddot.

    Raises:
        ProblemError: it is something else.

    >>> from sympy.abc import t
    >>> name_of(sympy.Function("x")(t).diff(t, 2), "states")
    'x_ddot'
    """
    if isinstance(key, str):
        return key
    if isinstance(key, Symbol):
        return str(key.name)
    if isinstance(key, AppliedUndef) and len(key.args) == 1 and isinstance(key.args[0], Symbol):
        return str(key.func.__name__)
    if isinstance(key, Derivative) and isinstance(key.expr, AppliedUndef) and len(key.variable_count) == 1:
        ((variable, count),) = key.variable_count
        if key.expr.args == (variable,) and count.is_Integer:
            return f"{name_of(key.expr, field)}_{'d' * int(count)}ot"
    raise ProblemError(field, key, "a symbol, a function of time alone such as x(t), or its derivative")


def leaves(expressions: Iterable[Basic], field: str) -> dict[str, Expr]:
    """The symbols, functions of time and derivatives that expressions are made of, by name.

    Raises:
        ProblemError: two of them have the same name, as symbols with different assumptions may.
    """
    found: dict[str, Expr] = {}
    stack, seen = list(expressions), set()
    while stack:
        each = stack.pop()
        if each in seen:
            continue
        seen.add(each)
        if not isinstance(each, Symbol | AppliedUndef | Derivative):
            stack.extend(getattr(each, "args", ()))
        elif found.setdefault(name := name_of(each, field), each) != each:
            raise ProblemError(field, f"two different symbols named {name}", "each symbol with a name of its own")
    return found


class _Writer:
    """Puts sympy's trees into a graph, each subtree once."""

    def __init__(self, graph: Graph, field: str) -> None:
        self.graph, self.field = graph, field
        self._names = {name: node for node, name in enumerate(graph.names)}
        self._known: dict[Basic, int] = {}

    def node(self, tree: Basic) -> int:
        """The node of a tree."""
        node = self._known.get(tree)
        if node is None:
            node = self._known[tree] = self._write(tree)
        return node

    def _write(self, tree: Basic) -> int:
        graph = self.graph
        if isinstance(tree, Symbol | AppliedUndef | Derivative):
            return self._leaf(tree)
        if isinstance(tree, sympy.Rational | sympy.Float) and tree.is_finite:
            ratio = sympy.Rational(tree)
            return graph.constant(Fraction(int(ratio.p), int(ratio.q)))
        if tree is pi:
            return graph.pi()
        if tree is E:
            return graph.unary("exp", graph.constant(1))
        if isinstance(tree, Add):
            return self._sum(tree)
        if isinstance(tree, Mul):
            return self._product(tree.args)
        if isinstance(tree, Pow):
            return self._product([tree]) if _is_inverse(tree) else graph.power(*map(self.node, tree.args))
        if type(tree) in FUNCTIONS and len(tree.args) == 1:
            return graph.unary(FUNCTIONS[type(tree)], self.node(tree.args[0]))
        raise ProblemError(self.field, tree, _EXPECTED)

    def _leaf(self, leaf: Expr) -> int:
        name = name_of(leaf, self.field)
        if name not in self._names:
            raise ProblemError(self.field, leaf, f"one of {', '.join(self._names)}")
        return self._names[name]

    def _sum(self, tree: Add) -> int:
        """Terms with a minus are taken off, the positive ones first, so that the text reads as sympy prints it."""
        minus = [term for term in tree.args if term.as_coeff_Mul()[0].is_negative]
        plus = [self.node(term) for term in tree.args if term not in minus]
        if not plus:
            plus = [self.node(minus.pop(0))]
        return reduce(self.graph.subtract, [self.node(-term) for term in minus], reduce(self.graph.add, plus))

    def _product(self, factors: Iterable[Expr]) -> int:
        """Factors with a negative exponent are divided by, and x/10 is written for 1/10*x."""
        above, below = [], []
        for factor in factors:
            if _is_inverse(factor):
                below.append(self.node(Pow(factor.base, -factor.exp)))
            elif factor.is_Rational:
                above.append(self.graph.constant(int(factor.p)))
                below.append(self.graph.constant(int(factor.q)))
            else:
                above.append(self.node(factor))
        top = reduce(self.graph.multiply, above or [self.graph.constant(1)])
        return self.graph.divide(top, reduce(self.graph.multiply, below)) if below else top


def _is_inverse(tree: Basic) -> bool:
    return isinstance(tree, Pow) and tree.exp.is_Rational and tree.exp.is_negative
