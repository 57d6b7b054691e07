"""Random expressions, built together with sympy's reading of them: the oracle never parses our text."""

from __future__ import annotations

import operator
from fractions import Fraction

import sympy
from hypothesis import strategies as st

X, Y = sympy.symbols("x y", real=True)
FUNCTIONS = {name: getattr(sympy, name) for name in ("exp", "sin", "cos", "atan", "tanh", "sinh", "cosh")}
FUNCTIONS |= {name: getattr(sympy, name) for name in ("sqrt", "log", "tan", "asin", "acos")} | {"abs": sympy.Abs}
_OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
_LEAVES = [("x", X), ("y", Y), ("2", sympy.Integer(2)), ("3", sympy.Integer(3))]
_LEAVES += [("0.5", sympy.Rational(1, 2)), ("1/3", sympy.Rational(1, 3)), ("pi", sympy.pi)]


def expressions(functions=tuple(FUNCTIONS), leaves=6):
    """Pairs of a text in x and y and the sympy expression that it means."""

    def grow(children):
        nonzero = children.filter(lambda pair: pair[1] != 0)
        choices = [
            st.builds(_binary, st.sampled_from(sorted(_OPERATORS)), children, nonzero),
            st.builds(lambda a, k: (f"({a[0]})^{k}", a[1] ** k), nonzero, st.integers(-2, 3)),
        ]
        if functions:
            choices.append(
                st.builds(lambda f, a: (f"{f}({a[0]})", FUNCTIONS[f](a[1])), st.sampled_from(functions), children)
            )
        return st.one_of(choices)

    leaf = st.sampled_from(_LEAVES if functions else _LEAVES[:-1])
    return st.recursive(leaf, grow, max_leaves=leaves).filter(lambda pair: _is_real(pair[1]))


def _binary(op, a, b):
    return f"({a[0]}) {op} ({b[0]})", _OPERATORS[op](a[1], b[1])


def _is_real(expression):
    return not expression.has(sympy.zoo, sympy.nan, sympy.oo, sympy.I)


rationals = st.fractions(Fraction(-3), Fraction(3), max_denominator=8)
