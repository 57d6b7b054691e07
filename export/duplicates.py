"""Systems that are the same in other words, and how far systems are from each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hybrid.expressions.tokens import is_number, number_value
from hybrid.propose.expression_trees import OPERATORS
from hybrid.systems.tokens import TokenSystem

from .duplicate_kernels import P, count_grams, fingerprint_all
from .expression_kernels import INTEGER, VARIABLE, link

if TYPE_CHECKING:
    from .random_systems import Forest

FEATURES = 256
"""Columns of `features`."""

_PRIME = int(P)
_CODES = {word: code for code, word in enumerate(OPERATORS)}


def fingerprints(systems: Sequence[TokenSystem]) -> NDArray[np.uint64]:
    """A number for each system that is the same for the same system in other words.

    Systems have equal fingerprints where they are equal up to the names of states and inputs, the order of the
    equations, and the rules of rational functions: commutation, association, distribution, 12·x/4 = 3·x, x − x = 0,
    exp(0) = 1. Identities of the functions themselves, as sin² + cos² = 1, are not looked for. Different systems have
    different fingerprints but for chance, about 2⁻³¹ for a pair that differs in a constant under one function, and but
    for symmetric systems that colour refinement cannot tell apart, as two cycles of three equal equations and one of
    six.

    Returns:
        (N,) 64-bit numbers; the same on every machine, so that those of training systems can be kept in a file.

    >>> same = [TokenSystem.from_text(f, ["x", "y"]) for f in (["x + 3", "12*y/4"], ["3*x", "3 + y"], ["x", "y"])]
    >>> first, second, third = fingerprints(same).tolist()
    >>> first == second, first == third
    (True, False)
    """
    found = np.empty(len(systems), np.uint64)
    for (degree, controls, variables), members, arrays in _by_size(systems):
        found[members] = _fingerprints(*arrays, degree, controls, variables)
    return found


def fingerprints_of_forest(forest: Forest) -> NDArray[np.uint64]:
    """`fingerprints` of systems as the generator holds them."""
    arrays = _arrays_of_forest(forest)
    return _fingerprints(*arrays, forest.degree, forest.controls, len(forest.point))


def first_of_each(systems: Sequence[TokenSystem], seen: NDArray[np.uint64] | None = None) -> list[int]:
    """The positions of the systems that stand neither earlier in the sequence nor among those seen before.

    Args:
        systems: such as a test set.
        seen: fingerprints, such as those of the training systems, in any order; 8 bytes each.
    """
    found = fingerprints(systems)
    known = np.zeros(len(found), bool) if seen is None else np.isin(found, seen)
    _, first = np.unique(found, return_index=True)
    return sorted(i for i in first.tolist() if not known[i])


def features(systems: Sequence[TokenSystem]) -> NDArray[np.float32]:
    """What a system is made of, for distances between systems: nodes of its expressions with parent and grandparent.

    Args:
        systems: of any sizes.

    Returns:
        (N, FEATURES) square roots of shares: rows have length 1, so that Euclidean distances are from 0 to √2
        (Hellinger's distance of the two distributions). Counts are of hashed n-grams; names of variables and the order
        of equations do not matter, the operands' order only for − and /.
    """
    found = np.empty((len(systems), FEATURES), np.float32)
    for (degree, controls, _), members, arrays in _by_size(systems):
        found[members] = _features(*arrays, degree, controls)
    return found


def features_of_forest(forest: Forest) -> NDArray[np.float32]:
    """`features` of systems as the generator holds them."""
    return _features(*_arrays_of_forest(forest), forest.degree, forest.controls)


# Prefix arrays

Arrays = tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]
"""symbol, constant, left, right, start; see `expression_kernels`, constants being residues modulo P."""
Size = tuple[int, int, int]
"""States, inputs, variables."""


def _fingerprints(
    symbol: Any, constant: Any, left: Any, right: Any, start: Any, degree: int, controls: int, variables: int
) -> NDArray[np.uint64]:
    found = np.empty((len(start) - 1) // degree, np.uint64)
    fingerprint_all(symbol, constant, left, right, start, degree, controls, variables, found)
    return found


def _features(
    symbol: Any, constant: Any, left: Any, right: Any, start: Any, degree: int, controls: int
) -> NDArray[np.float32]:
    counts = np.zeros(((len(start) - 1) // degree, FEATURES), np.float32)
    count_grams(symbol, constant, left, right, start, degree, controls, counts)
    shares: NDArray[np.float32] = np.sqrt(counts / counts.sum(axis=1, keepdims=True))
    return shares


def _arrays_of_forest(forest: Forest) -> Arrays:
    constant = np.mod(forest.number.astype(np.int64), _PRIME).astype(np.uint64)
    return forest.symbol, constant, forest.left, forest.right, forest.start


def _by_size(systems: Sequence[TokenSystem]) -> Iterator[tuple[Size, list[int], Arrays]]:
    """The systems of each size, with their positions in the sequence."""
    sizes: dict[Size, list[int]] = defaultdict(list)
    for i, system in enumerate(systems):
        sizes[system.states, system.inputs, system.states + system.inputs + system.has_time].append(i)
    for size, members in sizes.items():
        yield size, members, _arrays([systems[i] for i in members])


def _arrays(systems: Sequence[TokenSystem]) -> Arrays:
    equations = [words for system in systems for words in system.words]
    codes = {word: _code(word) for word in {word for words in equations for word in words}}
    coded = np.array([codes[word] for words in equations for word in words], np.int64)
    start = np.concatenate([[0], np.cumsum([len(words) for words in equations])])
    symbol, constant = coded[:, 0].astype(np.int16), coded[:, 1].astype(np.uint64)
    left, right = np.empty(len(symbol), np.int32), np.empty(len(symbol), np.int32)
    for begin, end in zip(start[:-1].tolist(), start[1:].tolist(), strict=True):
        link(symbol, begin, end, left, right)
    return symbol, constant, left, right, start


def _code(word: str) -> tuple[int, int]:
    """Symbol and residue of a word."""
    if word in _CODES:
        return _CODES[word], 0
    if not is_number(word):
        return VARIABLE + int(word[1:]), 0
    value = number_value(word)
    return INTEGER, value.numerator * pow(value.denominator, -1, _PRIME) % _PRIME
