"""Expressions as a graph with shared subexpressions, and the flat tape that everything else loops over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from hybrid.expressions.source import UNPLACED, DomainError, Place, Sources
from hybrid.expressions.special import EXPECTED, special_value

MAX_NODES = 100_000
"""Operations in one graph that is read from text."""
MAX_DERIVATIVE_NODES = 2_000_000
"""Operations in one graph of derivatives."""
MAX_EXPONENT = 1000
"""Largest size of an integer exponent, and of numerator and denominator of a fractional one."""
MAX_NUMBER_BITS = 8192
"""Bits in the numerator and denominator of one constant."""

NONE = -1
PI = "pi"
UNARY = (
    "neg", "sqrt", "exp", "log", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh",
    "abs", "sign", "slope",
)  # fmt: skip
"""Operations of one argument; slope is the derivative of abs: u/|u|, and no number at the kink."""
BINARY = ("+", "-", "*", "/")
IMMEDIATE = ("^", "root")
"""An argument and a fixed integer: the power u^k, and the principal root u^(1/k) for u ≥ 0."""
_TOTAL = frozenset({*UNARY, "+", "-", "*", PI, "constant"} - {"sqrt", "log", "tan", "asin", "acos", "slope"})
"""Operations with a value wherever their operands have one."""
CONTINUED = frozenset(("sqrt", "root", "log", "asin", "acos"))
"""Operations that have complex values where they have no real one."""

_LEAVES = frozenset({"constant", PI})

Node = tuple[str, int, int]
Constant = Fraction | int | str
"""An exact number, π, or (int) the fixed integer of a power or root, which no arithmetic converts."""


@dataclass(frozen=True)
class Tape:
    """Expressions in the order in which they are computed; operands come before the operation that uses them.

    Values are numbered: first the variables `names`, then the `constants`, then one for each operation
    (name, left, right), right being −1 for an operation of one argument. `outputs` are numbers of values.
    Equal tapes hold the same operations in the same order; where they stand in the text is not compared.
    """

    names: tuple[str, ...]
    constants: tuple[Constant, ...]
    operations: tuple[Node, ...]
    outputs: tuple[int, ...]
    positions: tuple[int, ...] = field(compare=False, repr=False)
    sources: Sources = field(compare=False, repr=False)

    @property
    def first(self) -> int:
        """The number of the first operation's value."""
        return len(self.names) + len(self.constants)

    @property
    def nonsmooth(self) -> tuple[tuple[str, Place | None], ...]:
        """Each abs and sign with its place: there the derivative may not exist."""
        marked = zip(self.operations, self.positions, strict=True)
        return tuple((op, self.sources.place(at)) for (op, _, _), at in marked if op in ("abs", "sign", "slope"))

    def depends(self, variables: Iterable[int]) -> list[bool]:
        """For each value, whether it is computed from one of the given variables."""
        depends = [False] * self.first
        for variable in variables:
            depends[variable] = True
        for _, a, b in self.operations:
            depends.append(depends[a] or (b >= 0 and depends[b]))
        return depends

    def needed(self, outputs: Iterable[int]) -> list[bool]:
        """For each value, whether one of the given values is computed from it."""
        needed = [False] * (self.first + len(self.operations))
        for output in outputs:
            needed[output] = True
        for number in range(len(needed) - 1, self.first - 1, -1):
            if needed[number]:
                _, a, b = self.operations[number - self.first]
                needed[a] = True
                if b >= 0:
                    needed[b] = True
        return needed


class Graph:
    """Builds expressions; equal subexpressions become one node, and a node is named by its number.

    Simplifies only what is exact and changes no domain: constants in rational arithmetic, special values
    (sin 0, √4), x + 0, x·1, x¹, −(−x), x·x = x², log(exp x) = x; 0·x, x − x, x⁰ for x defined everywhere.

    A graph is also an arithmetic (`operations`, `number`): running a tape over it composes expressions, and
    differentiating over it gives the derivatives as expressions.

    >>> graph = Graph(["x"])
    >>> one, sine = graph.constant(1), graph.unary("sin", 0)
    >>> graph.add(sine, one) == graph.add(one, sine)
    True
    """

    def __init__(self, names: Iterable[str], sources: Sources | None = None, limit: int = MAX_NODES) -> None:
        self.names = tuple(names)
        self.sources = Sources() if sources is None else sources
        self.at = UNPLACED
        """Position in the text that nodes made from now on stand for."""
        self._limit = limit
        self._nodes: list[Node] = [("variable", i, NONE) for i in range(len(self.names))]
        self._positions = [UNPLACED] * len(self.names)
        self._everywhere = [True] * len(self.names)
        self._real = [True] * len(self.names)
        self._known: dict[Node, int] = {}
        self._rational: dict[int, Fraction] = {}
        self._simplify: dict[str, Callable[[int, int], int]] = {
            "+": self._sum, "-": self._difference, "*": self._product, "/": self._quotient,
            "^": self._power, "root": self._root,
        }  # fmt: skip
        self.operations: dict[str, Callable[..., int]] = {
            "+": self.add, "-": self.subtract, "*": self.multiply, "/": self.divide,
            "^": self.integer_power, "root": self.root, **{op: self._unary_of(op) for op in UNARY},
        }  # fmt: skip

    # Leaves

    def constant(self, value: Fraction | int) -> int:
        """The node of an exact number."""
        node = self._known.get(("constant", value.numerator, value.denominator))
        return self._new_constant(value) if node is None else node

    number = constant

    def pi(self) -> int:
        """The node of π."""
        return self._node(PI, NONE, NONE)

    def value(self, node: int) -> Fraction | None:
        """The exact number that a node stands for, or None where it is none."""
        return self._rational.get(node)

    # Operations

    def add(self, a: int, b: int) -> int:
        """The sum a + b."""
        return self._node("+", a, b)

    def subtract(self, a: int, b: int) -> int:
        """The difference a − b."""
        return self._node("-", a, b)

    def multiply(self, a: int, b: int) -> int:
        """The product a·b."""
        return self._node("*", a, b)

    def divide(self, a: int, b: int) -> int:
        """The quotient a/b."""
        return self._node("/", a, b)

    def integer_power(self, a: int, k: int) -> int:
        """The power a^k for an integer k, which is no node."""
        if abs(k) > MAX_EXPONENT:
            raise self.refuse("a larger exponent", f"at most {MAX_EXPONENT} in size")
        return self._node("^", a, k)

    def root(self, a: int, k: int) -> int:
        """The principal root a^(1/k) of a number that is not negative; k is no node."""
        return self._node("sqrt", a, NONE) if k == 2 else self._node("root", a, k)

    def unary(self, op: str, a: int) -> int:
        """An operation of `UNARY`."""
        return self._node(op, a, NONE)

    def power(self, a: int, b: int) -> int:
        """The power a^b: integer, or a principal root where b is a fraction, else exp(b·log a) for a > 0."""
        exponent = self._rational.get(b)
        if exponent is not None:
            if exponent.denominator == 1:
                return self.integer_power(a, exponent.numerator)
            if abs(exponent) > MAX_EXPONENT:
                raise self.refuse("a larger exponent", f"at most {MAX_EXPONENT} in size")
            if abs(exponent.numerator) <= MAX_EXPONENT and exponent.denominator <= MAX_EXPONENT:
                return self.integer_power(self.root(a, exponent.denominator), exponent.numerator)
        return self.unary("exp", self.multiply(b, self.unary("log", a)))

    # Composition and freezing

    def extend(self, tape: Tape, arguments: Sequence[int]) -> list[int]:
        """Put the expressions of a tape into this graph, with the given nodes for its variables.

        Returns the node of each value of the tape; `[nodes[i] for i in tape.outputs]` are its expressions.
        """
        nodes: list[int] = list(arguments)
        for constant in tape.constants:
            if isinstance(constant, int):
                nodes.append(constant)
            else:
                nodes.append(self.pi() if isinstance(constant, str) else self.constant(constant))
        placed = tape.sources is self.sources
        for (op, a, b), position in zip(tape.operations, tape.positions, strict=True):
            self.at = position if placed else UNPLACED
            nodes.append(self._node(op, nodes[a], NONE if b < 0 else nodes[b]))
        return nodes

    def tape(self, outputs: Sequence[int]) -> Tape:
        """The expressions of the given nodes, without what they do not use."""
        used = self._used(outputs)
        operations = [node for node in used if self._nodes[node][0] not in _LEAVES]
        constants: list[Constant] = []  # in the order of their first use, so that equal texts give equal tapes
        slots = {node: node for node in range(len(self.names))}
        exponents: dict[int, int] = {}
        for node in operations:
            op, a, b = self._nodes[node]
            for operand in (a,) if op in IMMEDIATE else (a, b):
                self._place(operand, slots, constants)
            if op in IMMEDIATE and b not in exponents:
                exponents[b] = len(self.names) + len(constants)
                constants.append(b)
        for node in outputs:
            self._place(node, slots, constants)
        first = len(self.names) + len(constants)
        slots.update((node, first + i) for i, node in enumerate(operations))
        numbered = tuple(
            (op, slots[a], exponents[b] if op in IMMEDIATE else slots.get(b, NONE))
            for op, a, b in map(self._nodes.__getitem__, operations)
        )
        places = tuple(slots[node] for node in outputs)
        positions = tuple(self._positions[node] for node in operations)
        return Tape(self.names, tuple(constants), numbered, places, positions, self.sources)

    def _place(self, node: int, slots: dict[int, int], constants: list[Constant]) -> None:
        """Give an exact number or π its place on a tape."""
        if node >= 0 and node not in slots and self._nodes[node][0] in _LEAVES:
            slots[node] = len(self.names) + len(constants)
            constants.append(self._rational.get(node, PI))

    def refuse(self, got: object, expected: str) -> Exception:
        """The error for the text that is being read."""
        return self.sources.parse_error(self.at, got, expected)

    def _used(self, outputs: Iterable[int]) -> list[int]:
        """The nodes, variables excepted, that the outputs are computed from, in order."""
        used = bytearray(len(self._nodes))
        for node in outputs:
            used[node] = 1
        for node in range(len(self._nodes) - 1, len(self.names) - 1, -1):
            if used[node]:
                op, a, b = self._nodes[node]
                if a >= 0:
                    used[a] = 1
                    if b >= 0 and op not in IMMEDIATE:
                        used[b] = 1
        return [node for node in range(len(self.names), len(self._nodes)) if used[node]]

    def _node(self, op: str, a: int, b: int) -> int:
        node = self._known.get((op, a, b))
        if node is None:
            simplify = self._simplify.get(op)
            node = self._function(op, a) if simplify is None else simplify(a, b)
            self._known[op, a, b] = node
        return node

    def _shared(self, op: str, a: int, b: int) -> int:
        """The node of an operation that commutes: b·a where that is known already, else a new a·b."""
        node = self._known.get((op, b, a))
        return self._new(op, a, b) if node is None else node

    def _new(self, op: str, a: int, b: int) -> int:
        """A node that no rule simplifies."""
        if len(self._nodes) >= self._limit:
            raise self.refuse("more operations", f"at most {self._limit}")
        self._everywhere.append(self._is_total(op, a, b))
        operands = (a,) if op in IMMEDIATE else (a, b)
        self._real.append(op not in CONTINUED and all(self._real[x] for x in operands if x >= 0))
        self._nodes.append((op, a, b))
        self._positions.append(self.at)
        return len(self._nodes) - 1

    def _is_total(self, op: str, a: int, b: int) -> bool:
        """Whether the operation has a value wherever the variables are."""
        if op == "^":
            return b >= 0 and self._everywhere[a]
        return op in _TOTAL and (a < 0 or self._everywhere[a]) and (b < 0 or self._everywhere[b])

    def _new_constant(self, value: Fraction | int) -> int:
        if value.numerator.bit_length() + value.denominator.bit_length() > MAX_NUMBER_BITS:
            raise self.refuse("a longer constant", f"at most {MAX_NUMBER_BITS} bits")
        node = self._new("constant", NONE, NONE)
        self._rational[node] = Fraction(value)
        self._known["constant", value.numerator, value.denominator] = node
        return node

    def _unary_of(self, op: str) -> Callable[[int], int]:
        return lambda a: self._node(op, a, NONE)

    def _fold(self, op: str, a: Fraction, b: int = NONE) -> int | None:
        """The node of an exact special value, or None where the value is no rational number."""
        try:
            value = special_value(op, a, b)
        except ArithmeticError:
            if op in CONTINUED and a != 0:
                return None  # whoever evaluates it says so, or goes on in complex numbers
            raise DomainError(self.sources.place(self.at), op, f"{op}({a})", EXPECTED[op]) from None
        return None if value is None else self.constant(value)

    # Simplification: one rule set for each operation

    def _sum(self, a: int, b: int) -> int:
        p, q = self._rational.get(a), self._rational.get(b)
        if p is not None and q is not None:
            return self.constant(p + q)
        if p == 0:
            return b
        if q == 0:
            return a
        if self._nodes[b][0] == "neg":
            return self.subtract(a, self._nodes[b][1])
        return self._shared("+", a, b)

    def _difference(self, a: int, b: int) -> int:
        p, q = self._rational.get(a), self._rational.get(b)
        if p is not None and q is not None:
            return self.constant(p - q)
        if p == 0:
            return self.unary("neg", b)
        if q == 0:
            return a
        if a == b and self._everywhere[a]:
            return self.constant(0)
        if self._nodes[b][0] == "neg":
            return self.add(a, self._nodes[b][1])
        return self._new("-", a, b)

    def _product(self, a: int, b: int) -> int:
        p, q = self._rational.get(a), self._rational.get(b)
        if p is not None and q is not None:
            return self.constant(p * q)
        for factor, other in ((p, b), (q, a)):
            if factor == 1:
                return other
            if factor == -1:
                return self.unary("neg", other)
            if factor == 0 and self._everywhere[other]:
                return self.constant(0)
        if a == b:
            return self.integer_power(a, 2)
        return self._shared("*", a, b)

    def _quotient(self, a: int, b: int) -> int:
        p, q = self._rational.get(a), self._rational.get(b)
        if q == 0:
            raise DomainError(self.sources.place(self.at), "/", "a division by 0", EXPECTED["/"])
        if p is not None and q is not None:
            return self.constant(p / q)
        if q == 1:
            return a
        return self.unary("neg", a) if q == -1 else self._new("/", a, b)

    def _power(self, a: int, k: int) -> int:
        base = self._rational.get(a)
        if k == 1:
            return a
        if base is not None:
            if (base.numerator.bit_length() + base.denominator.bit_length()) * abs(k) > MAX_NUMBER_BITS:
                raise self.refuse("a power with more digits", f"at most {MAX_NUMBER_BITS} bits")
            folded = self._fold("^", base, k)
            if folded is not None:
                return folded
        if k == 0 and self._everywhere[a]:
            return self.constant(1)
        return self._new("^", a, k)

    def _root(self, a: int, k: int) -> int:
        base = self._rational.get(a)
        folded = None if base is None else self._fold("root", base, k)
        return self._new("root", a, k) if folded is None else folded

    def _function(self, op: str, a: int) -> int:
        if op == PI:
            return self._new(PI, NONE, NONE)
        argument, inner = self._rational.get(a), self._nodes[a]
        folded = None if argument is None else self._fold(op, argument)
        if folded is not None:
            return folded
        if (op, inner[0]) == ("neg", "neg") or ((op, inner[0]) == ("log", "exp") and self._real[inner[1]]):
            return inner[1]
        return self._new(op, a, NONE)
