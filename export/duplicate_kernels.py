"""Fingerprints and n-grams of systems held as prefix arrays, see `expression_kernels`: compiled loops.

A fingerprint evaluates the equations and their derivatives in the field of residues modulo the prime p = 2³¹ − 1, at
pseudo-random values for the variables, functions of one argument being pseudo-random functions. Expressions that are
equal as rational functions of variables and functions have equal values, others with probability 2⁻³¹ a value
(Schwartz 1980, Zippel 1979). That the names of states and inputs do not matter is by colour refinement (Weisfeiler &
Leman 1968): variables start with the colour of their kind, and each gets a new one from the values of its derivatives
in all equations, until no more colours appear.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .expression_kernels import (
    ACOS,
    ASIN,
    ATAN,
    BINARIES,
    COS,
    DIV,
    EXP,
    INTEGER,
    LN,
    MUL,
    SIN,
    SQRT,
    SUB,
    TAN,
    VARIABLE,
    kernel,
)

P = np.uint64(2**31 - 1)
_ZERO, _ONE, _TWO = np.uint64(0), np.uint64(1), np.uint64(2)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_R30, _R27, _R31 = np.uint64(30), np.uint64(27), np.uint64(31)


@kernel
def mixed(a: Any, b: Any) -> Any:
    """A pseudo-random 64-bit number of two others (the finaliser of splitmix64, twice)."""
    z = a
    for _ in range(2):
        z = (z + _GOLDEN) * _GOLDEN
        z = (z ^ (z >> _R30)) * _FIRST
        z = (z ^ (z >> _R27)) * _SECOND
        z = (z ^ (z >> _R31)) + b
    return (z ^ (z >> _R30)) * _FIRST ^ z


@kernel
def _inverse(a: Any) -> Any:
    """1/a for a ≠ 0, by Fermat's little theorem: a^(p − 2)."""
    result, power, exponent = _ONE, a, P - _TWO
    while exponent > _ZERO:
        if exponent & _ONE:
            result = result * power % P
        power = power * power % P
        exponent >>= _ONE
    return result


@kernel
def _function(op: int, a: Any) -> Any:
    """A function of one argument: what it is at 0 and 1 where that is rational, pseudo-random elsewhere."""
    if a == _ZERO and (op in (SQRT, SIN, TAN, ASIN, ATAN)):
        return _ZERO
    if (a == _ZERO and (op in (EXP, COS))) or (a == _ONE and op == SQRT):
        return _ONE
    if a == _ONE and (op in (LN, ACOS)):
        return _ZERO
    return mixed(a, np.uint64(op)) % P


@kernel
def _evaluate(
    symbol: Any, constant: Any, left: Any, right: Any, begin: int, end: int, variables: Any, value: Any, adjoint: Any,
    gradient: Any,
) -> None:  # fmt: skip
    """The value of one expression and its derivatives by the variables, as residues."""
    for i in range(end - 1, begin - 1, -1):
        op = symbol[i]
        if op >= VARIABLE:
            value[i] = variables[op - VARIABLE]
        elif op == INTEGER:
            value[i] = constant[i]
        elif op >= BINARIES:
            value[i] = _function(op, value[left[i]])
        else:
            a, b = value[left[i]], value[right[i]]
            if op == MUL:
                value[i] = a * b % P
            elif op == DIV:  # a division by 0 is a function of its numerator
                value[i] = a * _inverse(b) % P if b != _ZERO else mixed(a, np.uint64(DIV)) % P
            else:
                value[i] = (a + (P - b if op == SUB else b)) % P
    gradient[:] = _ZERO
    adjoint[begin] = _ONE
    for i in range(begin, end):
        op, slope = symbol[i], adjoint[i]
        if op >= VARIABLE:
            gradient[op - VARIABLE] = (gradient[op - VARIABLE] + slope) % P
        elif op < INTEGER:
            a = value[left[i]]
            if op >= BINARIES:
                adjoint[left[i]] = slope * (mixed(a, np.uint64(op + INTEGER)) % P) % P
            elif op == MUL:
                adjoint[left[i]], adjoint[right[i]] = slope * value[right[i]] % P, slope * a % P
            elif op == DIV:
                b = value[right[i]]
                over = _inverse(b) if b != _ZERO else mixed(a, np.uint64(INTEGER)) % P
                adjoint[left[i]] = slope * over % P
                adjoint[right[i]] = (P - slope * over % P * (value[i]) % P) % P
            else:
                adjoint[left[i]] = slope
                adjoint[right[i]] = (P - slope) % P if op == SUB else slope


@kernel
def _distinct(colours: Any) -> int:
    return len(np.unique(colours))


@kernel
def _fingerprint(
    symbol: Any, constant: Any, left: Any, right: Any, start: Any, degree: int, controls: int, variables: int,
    value: Any, adjoint: Any, gradient: Any,
) -> Any:  # fmt: skip
    """The fingerprint of the system whose equations begin at `start`."""
    colours, residues = np.empty(variables, np.uint64), np.empty(variables, np.uint64)
    for v in range(variables):
        kind = 1 if v < degree else 2 if v < degree + controls else 3
        colours[v] = mixed(np.uint64(kind), np.uint64(degree * 1000 + controls))
    count, last = _distinct(colours), 0
    while True:
        for v in range(variables):
            residues[v] = colours[v] % P
        refined = np.zeros(variables, np.uint64)
        whole = _ZERO
        for row in range(degree):
            _evaluate(symbol, constant, left, right, start[row], start[row + 1], residues, value, adjoint, gradient)
            own = mixed(colours[row], value[start[row]])
            whole += mixed(own, _ONE)
            refined[row] += mixed(own, _TWO)
            for v in range(variables):
                refined[v] += mixed(own, gradient[v])
        if count == last or (count == variables and last > 0):
            return mixed(whole, np.uint64(variables))
        for v in range(variables):
            colours[v] = mixed(colours[v], refined[v])
        last, count = count, _distinct(colours)


@kernel
def fingerprint_all(
    symbol: Any, constant: Any, left: Any, right: Any, start: Any, degree: int, controls: int, variables: int, out: Any
) -> None:
    """The fingerprints of systems of one size, whose equations begin at `start`, one after the other."""
    value, adjoint = np.empty(len(symbol), np.uint64), np.empty(len(symbol), np.uint64)
    gradient = np.empty(variables, np.uint64)
    for s in range(len(out)):
        first = start[s * degree : (s + 1) * degree + 1]
        out[s] = _fingerprint(
            symbol, constant, left, right, first, degree, controls, variables, value, adjoint, gradient
        )


@kernel
def count_grams(
    symbol: Any, constant: Any, left: Any, right: Any, start: Any, degree: int, controls: int, counts: Any
) -> None:
    """Count, hashed to a column, each node of a system, each node with its parent, and with parent and grandparent.

    Variables are of their kind, state, input or time; operands of − and / know which of the two they are.
    """
    columns = np.uint64(counts.shape[1])
    path = np.empty((len(symbol), 2), np.uint64)
    for s in range(len(counts)):
        for row in range(s * degree, (s + 1) * degree):
            path[start[row]] = _ZERO
            for i in range(start[row], start[row + 1]):
                op = symbol[i]
                label = np.uint64(op + 1)
                if op == INTEGER:
                    label = mixed(constant[i], label)
                elif op >= VARIABLE:
                    v = op - VARIABLE
                    label = np.uint64(VARIABLE + 1 + (0 if v < degree else 1 if v < degree + controls else 2))
                pair = mixed(label, path[i, 0])
                for gram in (mixed(label, _ZERO), mixed(pair, _ONE), mixed(pair, path[i, 1])):
                    counts[s, gram % columns] += 1
                if op < INTEGER:
                    path[left[i], 0], path[left[i], 1] = mixed(label, _ONE), path[i, 0]
                    if op < BINARIES:
                        ordered = op in (SUB, DIV)
                        path[right[i], 0], path[right[i], 1] = mixed(label, _TWO if ordered else _ONE), path[i, 0]
