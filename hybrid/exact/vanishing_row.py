"""Rows p(t) that vanish on everything that the inputs reach: candidates, which the checker proves or drops."""

from __future__ import annotations

from hybrid.expressions.derivatives import jacobian
from hybrid.expressions.graph import MAX_DERIVATIVE_NODES, Graph
from hybrid.expressions.source import DomainError
from hybrid.systems.time_varying import TimeVaryingSystem


class _DefinedEverywhere(Graph):
    """Expressions of time that are taken to have a value wherever they are looked at, complex if need be.

    So x − x and 0·x are 0, and the square root of −7 stays as it is.
    """

    def _is_total(self, op: str, a: int, b: int) -> bool:
        return True

    def _fold(self, op: str, a: object, b: int = -1) -> int | None:
        try:
            return super()._fold(op, a, b)  # type: ignore[arg-type]
        except DomainError:
            return None


def vanishing_rows(system: TimeVaryingSystem) -> list[list[str]]:
    """A unit row for the first state of those that neither the inputs nor what they reach act on; empty if none."""
    n, m = system.n, system.m
    graph = _DefinedEverywhere([system.time], limit=MAX_DERIVATIVE_NODES)
    try:
        point = [graph.extend(tape, [0])[tape.outputs[0]] for tape in system.curve.values()]
        values = graph.extend(system.rhs, [*point, 0])
        rows = jacobian(system.rhs, values, graph, range(n + m), "forward")  # numbers meet first, and cancel
    except DomainError:
        return []
    acts = [[graph.value(entry) != 0 for entry in row] for row in rows]
    reached = {i for i in range(n) if any(acts[i][n:])}
    while more := {i for i in range(n) if i not in reached and any(acts[i][j] for j in reached)}:
        reached |= more
    unreached = [i for i in range(n) if i not in reached]
    return [["1" if i == j else "0" for j in range(n)] for i in unreached[:1]]
