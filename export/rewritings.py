"""The same system in other words: rewritings that change the tokens and not the mathematics.

Each takes a system and a seed and changes every equation at a random place, where there is one. At every point where
the system has a value, the rewriting has the same value and Jacobian, complex ones too; states and inputs may have
changed names, which `Rewritten` tells. What a model answers differently it has matched and not learned.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hybrid.expressions.tokens import (
    BINARY_OPERATORS,
    UNARY_OPERATORS,
    integer_tokens,
    is_number,
    number_value,
    split_tokens,
)
from hybrid.systems.tokens import TokenSystem

Tree = tuple[Any, ...]
"""A word, and the trees of its operands."""
Local = Callable[[Tree, random.Random, TokenSystem], Tree | None]
"""Another tree of the same value, or None where the rule does not apply."""


@dataclass(frozen=True)
class Rewritten:
    """A system in other words.

    Attributes:
        system: with the same numbers of states and inputs.
        states: state i is what was state `states[i]`.
        inputs: input i is what was input `inputs[i]`.
    """

    system: TokenSystem
    states: tuple[int, ...]
    inputs: tuple[int, ...]

    def point(self, point: Mapping[str, Any]) -> dict[str, Any]:
        """A point of the original system, a value for each state and input, in the new names."""
        states = {f"x{i}": point[f"x{old}"] for i, old in enumerate(self.states)}
        return states | {f"u{i}": point[f"u{old}"] for i, old in enumerate(self.inputs)}

    def jacobian(self, jacobian: NDArray[Any]) -> NDArray[Any]:
        """The Jacobian (n, n + m) of the original system in the new order, similar in its square part."""
        columns = [*self.states, *(len(self.states) + old for old in self.inputs)]
        return jacobian[np.ix_(self.states, columns)]

    def gain(self, gain: NDArray[Any]) -> NDArray[Any]:
        """A feedback matrix (m, n) of the original system in the new order."""
        return gain[np.ix_(self.inputs, self.states)]


Rewriting = Callable[[TokenSystem, int], Rewritten | None]


# Trees


def _tree(words: Sequence[str]) -> Tree:
    operands: list[Tree] = []
    for word in reversed(words):
        if word in BINARY_OPERATORS:
            operands.append((word, operands.pop(), operands.pop()))
        else:
            operands.append((word, operands.pop()) if word in UNARY_OPERATORS else (word,))
    return operands.pop()


def _words(tree: Tree) -> list[str]:
    return [tree[0], *(word for operand in tree[1:] for word in _words(operand))]


def _integer(value: int) -> Tree:
    return (" ".join(integer_tokens(value)),)


def _whole(tree: Tree) -> int | None:
    """The value of an integer."""
    return int(number_value(tree[0])) if is_number(tree[0]) and tree[0].startswith("INT") else None


def _size(tree: Tree) -> int:
    return 1 + sum(map(_size, tree[1:]))


def _replaced(tree: Tree, position: int, new: Tree) -> Tree:
    """The tree with another one at a position, counted in prefix order."""
    if position == 0:
        return new
    operands, begin = [], 1
    for operand in tree[1:]:
        size = _size(operand)
        inside = begin <= position < begin + size
        operands.append(_replaced(operand, position - begin, new) if inside else operand)
        begin += size
    return (tree[0], *operands)


def _subtrees(tree: Tree) -> list[Tree]:
    """Every subtree, in prefix order."""
    return [tree, *(below for operand in tree[1:] for below in _subtrees(operand))]


# Rules at one place


def _commute(tree: Tree, rng: random.Random, system: TokenSystem) -> Tree | None:
    """a + b = b + a, a·b = b·a."""
    return (tree[0], tree[2], tree[1]) if tree[0] in ("+", "*") and tree[1] != tree[2] else None


def _reassociate(tree: Tree, rng: random.Random, system: TokenSystem) -> Tree | None:
    """(a + b) + c = a + (b + c), the same for products, and back."""
    op = tree[0]
    if op in ("+", "*") and tree[1][0] == op:
        return (op, tree[1][1], (op, tree[1][2], tree[2]))
    if op in ("+", "*") and tree[2][0] == op:
        return (op, (op, tree[1], tree[2][1]), tree[2][2])
    return None


def _distribute(tree: Tree, rng: random.Random, system: TokenSystem) -> Tree | None:
    """(a ± b)·c = a·c ± b·c, c·(a ± b) = c·a ± c·b, (a ± b)/c = a/c ± b/c."""
    op = tree[0]
    if op in ("*", "/") and tree[1][0] in ("+", "-"):
        sign, a, b = tree[1]
        return (sign, (op, a, tree[2]), (op, b, tree[2]))
    if op == "*" and tree[2][0] in ("+", "-"):
        sign, a, b = tree[2]
        return (sign, (op, tree[1], a), (op, tree[1], b))
    return None


def _scale(tree: Tree, rng: random.Random, system: TokenSystem) -> Tree | None:
    """3·a = 12·a/4, and a = 5·a/5."""
    k = rng.randint(2, 5)
    if tree[0] == "*":
        for factor, other in ((tree[1], tree[2]), (tree[2], tree[1])):
            whole = _whole(factor)
            if whole is not None:
                return ("/", ("*", _integer(k * whole), other), _integer(k))
    return ("/", ("*", _integer(k), tree), _integer(k))


def _multiply_by_one(tree: Tree, rng: random.Random, system: TokenSystem) -> Tree | None:
    """a = a·(cos x + 4)/(cos x + 4), that is a·(cos x + 4)^0; the factor is at least 3 for real x."""
    factor = ("+", ("cos", (rng.choice(system.variables),)), _integer(4))
    return ("*", tree, ("/", factor, factor))


def _add_zero(tree: Tree, rng: random.Random, system: TokenSystem) -> Tree | None:
    """a = a + (sin x − sin x)."""
    sine = ("sin", (rng.choice(system.variables),))
    return ("+", tree, ("-", sine, sine))


def _multiply_by_exponential(tree: Tree, rng: random.Random, system: TokenSystem) -> Tree | None:
    """a = a·exp(x − x)."""
    variable = (rng.choice(system.variables),)
    return ("*", tree, ("exp", ("-", variable, variable)))


def _multiply_by_circle(tree: Tree, rng: random.Random, system: TokenSystem) -> Tree | None:
    """a = a·(sin²x + cos²x)."""
    variable = (rng.choice(system.variables),)
    squares = [("*", (op, variable), (op, variable)) for op in ("sin", "cos")]
    return ("*", tree, ("+", *squares))


def _negate_twice(tree: Tree, rng: random.Random, system: TokenSystem) -> Tree | None:
    """a = −1·(−1·a)."""
    return ("*", _integer(-1), ("*", _integer(-1), tree))


def _subtract_by_adding(tree: Tree, rng: random.Random, system: TokenSystem) -> Tree | None:
    """a − b = a + (−1)·b."""
    return ("+", tree[1], ("*", _integer(-1), tree[2])) if tree[0] == "-" else None


def _split_integer(tree: Tree, rng: random.Random, system: TokenSystem) -> Tree | None:
    """5 = 2 + 3."""
    whole = _whole(tree)
    if whole is None:
        return None
    part = rng.choice([k for k in range(-10, 11) if k not in (0, whole)])
    return ("+", _integer(part), _integer(whole - part))


def _somewhere(rule: Local) -> Rewriting:
    """A rule applied to each equation at a random place; None where it applies to none."""

    def rewriting(system: TokenSystem, seed: int) -> Rewritten | None:
        rng = random.Random(seed)
        trees = [_tree(words) for words in system.words]
        rewritten = [_at_random(rule, tree, rng, system) for tree in trees]
        return _same_names(system, rewritten) if rewritten != trees else None

    rewriting.__doc__ = rule.__doc__
    return rewriting


def _at_random(rule: Local, tree: Tree, rng: random.Random, system: TokenSystem) -> Tree:
    places = list(enumerate(_subtrees(tree)))
    rng.shuffle(places)
    for position, subtree in places:
        new = rule(subtree, rng, system)
        if new is not None:
            return _replaced(tree, position, new)
    return tree


def _same_names(system: TokenSystem, trees: Sequence[Tree]) -> Rewritten:
    equations = tuple(split_tokens(_words(tree)) for tree in trees)
    new = TokenSystem(system.states, system.inputs, system.has_time, equations)
    return Rewritten(new, tuple(range(system.states)), tuple(range(system.inputs)))


def commuted(system: TokenSystem, seed: int) -> Rewritten | None:
    """a + b = b + a and a·b = b·a, each sum and product turned around with probability 1/2, at least one of them."""
    rng = random.Random(seed)

    def turned(tree: Tree) -> Tree:
        operands = tuple(map(turned, tree[1:]))
        swap = tree[0] in ("+", "*") and rng.random() < 0.5
        return (tree[0], *(reversed(operands) if swap else operands))

    trees = [_tree(words) for words in system.words]
    rewritten = list(map(turned, trees))
    return _same_names(system, rewritten) if rewritten != trees else _somewhere(_commute)(system, seed)


# Names


def renamed(system: TokenSystem, seed: int) -> Rewritten | None:
    """Two states, or two inputs, exchange their names; the equations of two states change places with them."""
    rng = random.Random(seed)
    kinds = [kind for kind, count in enumerate((system.states, system.inputs)) if count > 1]
    if not kinds:
        return None
    orders = list(range(system.states)), list(range(system.inputs))
    chosen = orders[rng.choice(kinds)]
    i, j = rng.sample(chosen, 2)
    chosen[i], chosen[j] = j, i
    return with_order(system, *orders)


def reordered(system: TokenSystem, seed: int) -> Rewritten | None:
    """The equations in another order, the states and inputs numbered anew to fit it."""
    rng = random.Random(seed)
    identity = list(range(system.states)), list(range(system.inputs))
    if max(map(len, identity)) < 2:
        return None
    orders = identity
    while orders == identity:
        orders = rng.sample(identity[0], system.states), rng.sample(identity[1], system.inputs)
    return with_order(system, *orders)


def with_order(system: TokenSystem, states: Sequence[int], inputs: Sequence[int]) -> Rewritten:
    """The system whose state i is what was state `states[i]`, and whose input i was input `inputs[i]`.

    >>> swapped = with_order(TokenSystem.from_text(["sin(y)", "x"], ["x", "y"]), [1, 0], [])
    >>> swapped.system.texts()
    ('x1', 'sin(x0)')
    """
    n = system.states
    old = [*states, *(n + i for i in inputs), n + system.inputs]
    new = {f"x{variable}": f"x{i}" for i, variable in enumerate(old)}
    equations = tuple(tuple(new.get(token, token) for token in system.equations[i]) for i in states)
    return Rewritten(TokenSystem(n, system.inputs, system.has_time, equations), tuple(states), tuple(inputs))


REWRITINGS: Final[Mapping[str, Rewriting]] = {
    "commuted": commuted,
    "reassociated": _somewhere(_reassociate),
    "distributed": _somewhere(_distribute),
    "scaled": _somewhere(_scale),
    "times one": _somewhere(_multiply_by_one),
    "plus zero": _somewhere(_add_zero),
    "times e^0": _somewhere(_multiply_by_exponential),
    "times sin²+cos²": _somewhere(_multiply_by_circle),
    "negated twice": _somewhere(_negate_twice),
    "subtraction as sum": _somewhere(_subtract_by_adding),
    "integer split": _somewhere(_split_integer),
    "renamed": renamed,
    "reordered": reordered,
}
"""Every rewriting by its name; each returns None for a system that offers it no place."""
