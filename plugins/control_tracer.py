"""A number that remembers how it was computed, as far as numpy's arithmetic goes."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from numbers import Real
from typing import Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from hybrid.errors import ProblemError
from hybrid.expressions.graph import Graph
from hybrid.systems.numbers import exact

_FIELD = "right-hand side"
_BRANCHES = "no branches; np.abs, np.sign, np.minimum, np.maximum and np.clip of a single state or input are recorded"
_ELEMENTARY = "arithmetic and numpy's elementary functions, such as np.sin, np.arctan, np.exp, np.log, np.sqrt, np.tanh"
_ARRAYS = "numpy's functions of states and inputs, and np.array([…]) for the result"


class TracingError(ProblemError):
    """A function that cannot be recorded, in one sentence: where, what it does, what can be recorded."""


class Tracer(NDArrayOperatorsMixin):
    """A node of an expression graph that numpy's operators and functions compute with.

    Everything goes through `__array_ufunc__`, the operators too. An array of tracers is one of objects; numpy takes
    its elements apart and calls their methods, which are named as its functions.

    >>> graph = Graph(["x", "y"])
    >>> x, y = Tracer(graph, 0), Tracer(graph, 1)
    >>> graph.tape([(np.sin(x) * y).node]).operations
    (('sin', 0, -1), ('*', 2, 1))
    >>> x < y  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    hybrid.plugins.control_tracer.TracingError: right-hand side: got a comparison of states or inputs, expected ...
    """

    def __init__(self, graph: Graph, node: int) -> None:
        self.graph, self.node = graph, node

    @staticmethod
    def node_of(graph: Graph, value: Any) -> int:
        """The node of a tracer, or of a number: of a double the binary number that it stores.

        Raises:
            TracingError: it is neither.
        """
        if isinstance(value, Tracer) and value.graph is graph:
            return value.node
        if isinstance(value, np.ndarray) and value.ndim == 0:
            return Tracer.node_of(graph, value.item())
        if isinstance(value, bool | np.bool_):
            return graph.constant(int(value))
        if not isinstance(value, Real):
            raise TracingError(_FIELD, value, "real numbers")
        return graph.constant(exact(value, _FIELD))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: tuple[Any, ...] = (), **options: Any) -> Any:
        name = ufunc.__name__
        if method != "__call__" or options:
            raise TracingError(_FIELD, f"np.{name}.{method}" if not options else f"np.{name} with options", _ARRAYS)
        if any(isinstance(value, np.ndarray) and value.ndim for value in inputs):
            # frompyfunc broadcasts; a bare tracer would be asked again, so that it goes in as an array of one object.
            boxed = [np.asarray(value, object) for value in inputs]
            result = np.frompyfunc(lambda *values: self._recorded(name, values), len(inputs), 1)(*boxed)
        else:
            result = self._recorded(name, inputs)
        target = out[0] if out else None
        if isinstance(target, np.ndarray):  # x += y of arrays; of a tracer it only gives the name another meaning
            if target.dtype != object:
                raise TracingError(_FIELD, "a state or input written into an array of floats", _ARRAYS)
            target[...] = result
            return target
        return result

    def __getattr__(self, name: str) -> Callable[..., Tracer]:
        if name not in _RECORDED:
            raise AttributeError(f"a traced number has no attribute {name}")
        return lambda *others, **_: self._recorded(name, (self, *others))

    def _recorded(self, name: str, values: tuple[Any, ...]) -> Tracer:
        """The result of one of numpy's functions."""
        if name in _COMPARISONS:
            raise TracingError(_FIELD, "a comparison of states or inputs", _BRANCHES)
        if name not in _RECORDED:
            raise TracingError(_FIELD, f"np.{name} of a state or input", _ELEMENTARY)
        return Tracer(self.graph, _RECORDED[name](self.graph, *(self.node_of(self.graph, value) for value in values)))

    def __bool__(self) -> NoReturn:
        raise TracingError(_FIELD, "a branch on a state or input", _BRANCHES)

    def __float__(self) -> NoReturn:
        raise TracingError(_FIELD, "float() of a state or input, as math.sin and np.zeros(n)[i] = … call it", _ARRAYS)

    __int__ = __complex__ = __float__

    def __index__(self) -> NoReturn:
        raise TracingError(_FIELD, "a state or input as an index", "indices that do not depend on the state")

    def __round__(self, digits: int | None = None) -> NoReturn:
        raise TracingError(_FIELD, "a state or input rounded", "no rounding, which is piecewise constant")

    __floor__ = __ceil__ = __trunc__ = __round__


_COMPARISONS = frozenset({"less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "isnan", "isfinite"})
_SAME = ("sqrt", "exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "sign")
_NAMED = {
    **{name: name for name in _SAME},
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "negative": "neg", "absolute": "abs", "fabs": "abs",
}  # fmt: skip


def _unary(op: str) -> Callable[[Graph, int], int]:
    return lambda graph, a: graph.unary(op, a)


def _half(graph: Graph, a: int) -> int:
    return graph.multiply(a, graph.constant(Fraction(1, 2)))


def _maximum(graph: Graph, a: int, b: int) -> int:
    """(a + b + |a − b|)/2."""
    return _half(graph, graph.add(graph.add(a, b), graph.unary("abs", graph.subtract(a, b))))


def _minimum(graph: Graph, a: int, b: int) -> int:
    """(a + b − |a − b|)/2."""
    return _half(graph, graph.subtract(graph.add(a, b), graph.unary("abs", graph.subtract(a, b))))


def _logarithm(base: int) -> Callable[[Graph, int], int]:
    return lambda graph, a: graph.divide(graph.unary("log", a), graph.unary("log", graph.constant(base)))


def _radians(graph: Graph, a: int) -> int:
    return graph.divide(graph.multiply(a, graph.pi()), graph.constant(180))


def _degrees(graph: Graph, a: int) -> int:
    return graph.divide(graph.multiply(a, graph.constant(180)), graph.pi())


_RECORDED: dict[str, Callable[..., int]] = {
    "add": Graph.add,
    "subtract": Graph.subtract,
    "multiply": Graph.multiply,
    "divide": Graph.divide,
    "power": Graph.power,
    "float_power": Graph.power,
    **{name: _unary(op) for name, op in _NAMED.items()},
    "positive": lambda _, a: a,
    "conjugate": lambda _, a: a,
    "square": lambda graph, a: graph.integer_power(a, 2),
    "reciprocal": lambda graph, a: graph.divide(graph.constant(1), a),
    "expm1": lambda graph, a: graph.subtract(graph.unary("exp", a), graph.constant(1)),
    "log1p": lambda graph, a: graph.unary("log", graph.add(graph.constant(1), a)),
    "log2": _logarithm(2),
    "log10": _logarithm(10),
    "hypot": lambda graph, a, b: graph.root(graph.add(graph.integer_power(a, 2), graph.integer_power(b, 2)), 2),
    "deg2rad": _radians,
    "radians": _radians,
    "rad2deg": _degrees,
    "degrees": _degrees,
    "maximum": _maximum,
    "fmax": _maximum,
    "minimum": _minimum,
    "fmin": _minimum,
    "clip": lambda graph, a, low, high: _minimum(graph, _maximum(graph, a, low), high),
}
"""What each of numpy's functions is in the graph, by numpy's name."""
