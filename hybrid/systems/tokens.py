"""Systems as tokens, for models that read equations: as drawn or as written, nothing simplified."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hybrid.cached import cached_property
from hybrid.errors import DimensionError, ParseError, ProblemError
from hybrid.expressions.equations import check_distinct, read_equations, read_names, read_texts
from hybrid.expressions.graph import Tape
from hybrid.expressions.infix import infix as infix_of_tape
from hybrid.expressions.tokens import MAX_LENGTH, SEPARATOR, infix, integer_tokens, read_words
from hybrid.expressions.unsimplified import Unsimplified
from hybrid.systems.nonlinear import NonlinearSystem

TIME = "t"
"""What texts call time."""
MAX_VARIABLES = 100
"""States, inputs and time of one system."""


@dataclass(frozen=True)
class TokenSystem:
    """x' = f(x, u, t) in the prefix tokens of the paper; see `hybrid.expressions.tokens` for the encoding.

    Variables are x0, x1, …: the states, then the inputs, then time. Equal systems have the same tokens.

    Args:
        states: n ≥ 1.
        inputs: m ≥ 0.
        has_time: whether there is a variable for time, x{n+m}; it need not be used.
        equations: n expressions, each a sequence of tokens.

    Raises:
        DimensionError: another number of equations than of states.
        ParseError: a sequence that is no complete expression, or one that is too long or too deep.

    >>> system = TokenSystem(2, 0, False, (("x1",), tuple("- sin x0 x1".split())))
    >>> " ".join(system.tokens())
    'INT+ 2 <SPECIAL_3> x1 <SPECIAL_3> - sin x0 x1'
    >>> system.texts()
    ('x1', 'sin(x0) - x1')
    """

    states: int
    inputs: int
    has_time: bool
    equations: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        for field, count, least in (("states", self.states, 1), ("inputs", self.inputs, 0)):
            if type(count) is not int or not least <= count <= MAX_VARIABLES:
                raise ProblemError(field, count, f"a number from {least} to {MAX_VARIABLES}")
        if len(self.equations) != self.states:
            raise DimensionError("equations", f"{len(self.equations)} equations", f"{self.states}, one for each state")
        object.__setattr__(self, "equations", tuple(map(tuple, self.equations)))
        if not all(isinstance(token, str) for equation in self.equations for token in equation):
            raise ParseError("equations", "something that is no text", "tokens")
        length = 2 + sum(len(equation) + 1 for equation in self.equations)
        if length > MAX_LENGTH:
            raise ParseError("equations", f"{length} tokens", f"at most {MAX_LENGTH} in one system")
        self.words  # noqa: B018  read here, so that no system is wrong

    @classmethod
    def from_text(
        cls, equations: str | Sequence[str], states: Sequence[str], inputs: Sequence[str] = (), time: str | None = None
    ) -> TokenSystem:
        """The tokens of equations in our language, as they are written.

        Args:
            equations: one text or several, as for `NonlinearSystem`: right-hand sides in the order of the states, or
                `x' = …`; definitions are written out where they are used.
            states: n names.
            inputs: m names.
            time: its name, or None.

        Integers become INT tokens and other decimals FLOAT tokens; −a becomes −1·a, x^2 the product x·x, π 4·atan(1),
        sinh, cosh and tanh become exponentials: see `Unsimplified.as_tokens`.

        Raises:
            ParseError: what cannot be read, or has no tokens: abs and sign.

        >>> TokenSystem.from_text("v' = -sin(p) - 0.1*v + F; p' = v", ["p", "v"], ["F"]).equations[1]
        ('+', '-', '*', 'INT-', '1', 'sin', 'x0', '*', 'FLOAT+', '1', '.', '0', '0', '10^', 'INT-', '1', 'x1', 'x2')
        """
        timed = () if time is None else (time,)
        own = (*read_names(states, "states"), *read_names(inputs, "inputs"), *read_names(timed, "time"))
        check_distinct(own)
        graph = Unsimplified([f"x{i}" for i in range(len(own))])
        texts = read_texts(equations, "equations")
        fields = [f"equations[{i}]" if len(texts) > 1 else "equations" for i in range(len(texts))]
        names = {name: node for node, name in enumerate(own)}
        nodes = read_equations(graph, names, states, list(zip(fields, texts, strict=True)))
        return cls(len(states), len(inputs), time is not None, tuple(graph.as_tokens(nodes)))

    @classmethod
    def from_system(cls, system: NonlinearSystem, time: str | None = None) -> TokenSystem:
        """The tokens of a system's right-hand sides, parameters put in, as simplified as the system holds them.

        Args:
            system: has no free parameter but time.
            time: the free parameter that is time.

        Raises:
            ParseError: a free parameter, or an operation that has no tokens.

        >>> TokenSystem.from_system(NonlinearSystem(["x"], ["u"], ["a*x + u"], {"a": 2})).equations
        (('+', '*', 'INT+', '2', 'x0', 'x1'),)
        """
        return cls.from_text(infix_of_tape(system.rhs), system.states, system.inputs, time)

    @classmethod
    def from_paper(cls, input_tokens: str, *, inputs: int = 0, has_time: bool = False) -> TokenSystem:
        """A system from the paper's input sequence: `INT+ d`, then each equation after `<SPECIAL_3>`.

        The sequence does not say how many of the variables are inputs, and whether the last one is time.

        Raises:
            ParseError: the field and word that cannot be read.

        >>> TokenSystem.from_paper("INT+ 1 <SPECIAL_3> + x0 x1", inputs=1).texts()
        ('x0 + u0',)
        """
        if not isinstance(input_tokens, str):
            raise ParseError("tokens", input_tokens, "tokens separated by blanks")
        degree, *equations = (tuple(part.split()) for part in input_tokens.split(SEPARATOR))
        if degree != integer_tokens(len(equations)):
            counted = f"{' '.join(degree) or 'nothing'} before {len(equations)} equations"
            raise ParseError("tokens", counted, "INT+ and the number of equations, each after <SPECIAL_3>")
        return cls(len(equations), inputs, has_time, tuple(equations))

    @property
    def variables(self) -> tuple[str, ...]:
        """The token of each variable: states, inputs, time."""
        return tuple(f"x{i}" for i in range(self.states + self.inputs + self.has_time))

    @property
    def names(self) -> tuple[str, ...]:
        """What texts call each variable: x0 …, u0 …, t."""
        time = (TIME,) if self.has_time else ()
        return (*self.state_names, *self.input_names, *time)

    @property
    def state_names(self) -> tuple[str, ...]:
        """x0, x1, …."""
        return tuple(f"x{i}" for i in range(self.states))

    @property
    def input_names(self) -> tuple[str, ...]:
        """u0, u1, …."""
        return tuple(f"u{i}" for i in range(self.inputs))

    @cached_property
    def words(self) -> tuple[tuple[str, ...], ...]:
        """The equations with each number as one word, its tokens joined by blanks."""
        leaves = frozenset(self.variables)
        return tuple(read_words(tokens, leaves, f"equations[{i}]") for i, tokens in enumerate(self.equations))

    def tokens(self) -> tuple[str, ...]:
        """The paper's input sequence, as `from_paper` reads it."""
        return (*integer_tokens(self.states), *(word for equation in self.equations for word in (SEPARATOR, *equation)))

    def texts(self) -> tuple[str, ...]:
        """The right-hand sides in our language, in `names`; `from_text` reads them back to the same tokens.

        Only a float of a whole number comes back as an integer, and one with superfluous zeros without them.
        """
        names = dict(zip(self.variables, self.names, strict=True))
        return tuple(infix(words, names) for words in self.words)

    def tape(self) -> Tape:
        """The right-hand sides over `names`, nothing simplified: asin(6) stays, for complex evaluation.

        >>> from hybrid.expressions.evaluate import COMPLEX, Program
        >>> Program(TokenSystem.from_text("sqrt(-4)*x", ["x"]).tape(), COMPLEX)([1.5])
        [3j]
        """
        graph = Unsimplified(self.names)
        leaves = {variable: node for node, variable in enumerate(self.variables)}
        return graph.tape([graph.node(words, leaves) for words in self.words])

    def system(self) -> NonlinearSystem:
        """The system for our solvers; a constant that is no real number, such as asin(6), is an error when it is asked.

        Raises:
            DomainError: a division by a constant that is 0, such as 1 − 1.
        """
        return NonlinearSystem(self.state_names, self.input_names, self.texts(), time=TIME if self.has_time else None)
