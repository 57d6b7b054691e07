"""Equations of any order, and those of sympy.physics.mechanics, as x' = f."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sympy import Derivative, Dummy, Eq, Expr, Float, Matrix, MatrixBase, Rational
from sympy.core.function import AppliedUndef
from sympy.polys.matrices import DomainMatrix
from sympy.polys.matrices.exceptions import DMNonInvertibleMatrixError

from hybrid.errors import ProblemError

from .sympy_text import leaves, name_of

_UNDETERMINED = "as many equations as functions, which determine their highest derivatives"
FirstOrder = tuple[list[Any], list[Expr]]


def first_order(equations: Any, states: Iterable[Any] | None, inputs: Sequence[str], dt: Any) -> FirstOrder:
    """The states and their right-hand sides; see `sympy_equations.nonlinear_system`.

    Args:
        equations: right-hand sides, differential equations, or a method of sympy.physics.mechanics.
        states: symbols in their order, or None for that of the equations.
        inputs: names.
        dt: a sample time, or nothing.
    """
    ordered = None if states is None else list(states)
    if hasattr(type(equations), "mass_matrix_full"):
        _require_continuous(dt)
        return _in_order(_mechanics(equations), ordered)
    listed = _listed(equations)
    stated = {name_of(state, "states") for state in ordered or ()}
    derivatives = {name: each for name, each in leaves(listed, "equations").items() if isinstance(each, Derivative)}
    for each in derivatives.values():
        if name_of(each.expr, "equations") in inputs:
            raise ProblemError("inputs", each, "inputs without derivatives; name the derivative as the input")
    if any(isinstance(each, Eq) for each in listed) or not stated.issuperset(derivatives):
        _require_continuous(dt)
        return _in_order(_differential(listed), ordered)
    if ordered is None:
        raise ProblemError("states", "nothing", "the states in the order of the right-hand sides")
    if len(ordered) != len(listed):
        raise ProblemError("equations", f"{len(listed)} right-hand sides", f"{len(ordered)}, one for each state")
    return ordered, listed


def _listed(equations: Any) -> list[Any]:
    """The equations one by one, Floats as the binary numbers that they store, products differentiated."""
    several = isinstance(equations, MatrixBase | Iterable) and not isinstance(equations, str)
    listed = list(equations) if several else [equations]
    for each in listed:
        if not isinstance(each, Expr | Eq):
            raise ProblemError("equations", each, "sympy's expressions, equations Eq(…), or a mechanics method")
    return [_differentiated(_exact(each)) for each in listed]


def _exact(equation: Any) -> Any:
    return equation.xreplace({x: Rational(x) for x in equation.atoms(Float) if x.is_finite})


def _differentiated(equation: Any) -> Any:
    """d(x y)/dt as x' y + x y'."""
    compound = {each for each in equation.atoms(Derivative) if not isinstance(each.expr, AppliedUndef)}
    return equation.xreplace({each: each.doit() for each in compound})


def _require_continuous(dt: Any) -> None:
    if dt not in (None, 0):
        raise ProblemError("dt", dt, "nothing beside differential equations; in discrete time give x⁺ = f by states")


def _in_order(system: FirstOrder, wanted: list[Any] | None) -> FirstOrder:
    if wanted is None:
        return system
    states, rhs = system
    place = {name_of(state, "states"): i for i, state in enumerate(states)}
    order = [name_of(state, "states") for state in wanted]
    if sorted(order) != sorted(place):
        raise ProblemError("states", ", ".join(order), f"{', '.join(place)}, in any order")
    return [states[place[name]] for name in order], [rhs[place[name]] for name in order]


# Mechanics


def _mechanics(method: Any) -> FirstOrder:
    """The states q and u of a method whose equations are M [q'; u'] = F."""
    try:
        mass, forcing, states = method.mass_matrix_full, method.forcing_full, [*method.q, *method.u]
    except (AttributeError, TypeError, ValueError):
        expected = "a method whose equations have been formed, by kanes_equations or form_lagranges_equations"
        raise ProblemError("equations", f"an unformed {type(method).__name__}", expected) from None
    if mass.shape != (len(states), len(states)):
        got = f"{mass.rows} equations in {len(states)} coordinates and speeds"
        raise ProblemError("equations", got, "mechanics without constraints, in independent coordinates")
    exact = _listed([*mass, *forcing])
    return states, _solved(Matrix(*mass.shape, exact[: mass.rows**2]), exact[mass.rows**2 :])


# Differential equations


def _differential(equations: Sequence[Any]) -> FirstOrder:
    """Every function down to one order, the highest derivatives solved for."""
    residuals = [each.lhs - each.rhs if isinstance(each, Eq) else each for each in equations]
    orders: dict[AppliedUndef, int] = {}
    for each in _derivatives(equations):
        orders[each.expr] = max(orders.get(each.expr, 0), sum(int(count) for _, count in each.variable_count))
    if len(orders) != len(residuals):
        raise ProblemError("equations", f"{len(residuals)} for {len(orders)} functions", _UNDETERMINED)
    highest = {_derivative(function, order): Dummy(function.func.__name__) for function, order in orders.items()}
    unknowns = list(highest.values())
    rows = Matrix([residual.xreplace(highest) for residual in residuals])
    mass = rows.jacobian(unknowns).applyfunc(lambda entry: entry.expand() if entry.has(*unknowns) else entry)
    if mass.has(*unknowns):
        raise ProblemError("equations", "a highest derivative inside a function", "equations linear in them")
    rest = rows.xreplace(dict.fromkeys(unknowns, Rational(0)))
    solved = dict(zip(orders, _solved(mass, list(-rest)), strict=True))
    states = [
        (function, level) for level in range(max(orders.values())) for function in orders if level < orders[function]
    ]
    rhs = [
        solved[function] if level + 1 == orders[function] else _derivative(function, level + 1)
        for function, level in states
    ]
    return [_derivative(function, level) for function, level in states], rhs


def _derivatives(equations: Sequence[Any]) -> list[Derivative]:
    """Each derivative, in the order of the equations, the left-hand sides first."""
    sides = [side for each in equations for side in (each.args if isinstance(each, Eq) else [each])]
    found = [sorted(side.atoms(Derivative), key=lambda each: name_of(each, "equations")) for side in sides]
    return [each for group in found for each in group]


def _derivative(function: AppliedUndef, order: int) -> Expr:
    return Derivative(function, (function.args[0], order)) if order else function


def _solved(mass: Matrix, forcing: Sequence[Expr]) -> list[Expr]:
    """The solution of M h = F: rows with one entry are divided by it, the rest is solved together."""
    order = range(mass.rows)
    alone: dict[int, int] = {}  # column → the row that holds it alone
    for i in order:
        entries = [j for j in order if mass[i, j] != 0]
        if len(entries) == 1:
            alone.setdefault(entries[0], i)
    known = {j: forcing[i] / mass[i, j] for j, i in alone.items()}
    rows, columns = [i for i in order if i not in alone.values()], [j for j in order if j not in alone]
    if rows:
        rest = Matrix([forcing[i] - sum(mass[i, j] * value for j, value in known.items()) for i in rows])
        known.update(zip(columns, _together(mass.extract(rows, columns), rest), strict=True))
    return [known[j] for j in order]


def _together(mass: Matrix, forcing: Matrix) -> list[Expr]:
    """N/det M, over the polynomials in what the entries are made of."""
    both = DomainMatrix.from_Matrix(mass.row_join(forcing))
    n = mass.rows
    try:
        numerators, determinant = both[:, :n].solve_den(both[:, n:])
    except DMNonInvertibleMatrixError:
        raise ProblemError("equations", "a mass matrix that is singular", _UNDETERMINED) from None
    below = both.domain.to_sympy(determinant)
    return [above / below for above in numerators.to_Matrix()]
