"""What networks make of equations: how trees are laid out, what is read and what is not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from hybrid.errors import ModelError, ProblemError
from hybrid.export.random_systems import differentiate, forest
from hybrid.propose.equation_reader import EquationReader
from hybrid.propose.expression_trees import MAX_HEIGHT, OPERATORS, Trees, encode, is_readable, trees
from hybrid.propose.readings import Networks
from hybrid.propose.verdicts import VerdictProposer, scaled_codes
from hybrid.systems.tokens import TokenSystem

FUNCTIONS = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "sqrt": np.sqrt, "exp": np.exp, "ln": np.log,
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
}  # fmt: skip
STEP = 1e-200j


def decoded(code: NDArray[np.float32]) -> NDArray[np.complex128]:
    """Numbers from codes."""
    wide = code.astype(float)
    return np.asarray((1 - wide[:, 3]) * np.exp(wide[:, 0]) * (wide[:, 1] + 1j * wide[:, 2]))


def read_exactly(packed: Trees) -> list[NDArray[np.float64]]:
    """What a perfect network would say of real expressions: exact operators along the same arrays."""
    values = np.concatenate([[0], decoded(packed.leaves).real])
    edges = [1.0]
    for first, last in zip(packed.bounds[:-1], packed.bounds[1:], strict=True):
        new = []
        for k in range(first, last):
            apply = FUNCTIONS[OPERATORS[packed.operators[k]]]
            given = values[packed.children[k]][: apply.nin]
            new.append(apply(*given))
            for side in (0, 1):
                moved = given.astype(complex)
                moved[min(side, apply.nin - 1)] += STEP
                edges.append(float(np.imag(apply(*moved)) / STEP.imag))
        values = np.concatenate([values, new])
    entries = np.zeros(sum(rows * columns for rows, columns in packed.sizes))
    np.add.at(entries, packed.entries, np.array(edges)[packed.paths].prod(1))
    ends = np.cumsum([rows * columns for rows, columns in packed.sizes])[:-1]
    return [part.reshape(size) for part, size in zip(np.split(entries, ends), packed.sizes, strict=True)]


def test_trees_carry_the_chain_rule() -> None:
    """Systems of two sizes in one stack; the leaves are rounded to single precision."""
    rng = np.random.default_rng(4)
    systems, points = [], []
    for degree, controls in ((3, 1), (4, 2)):
        given = forest(rng, "control", 30, degree, controls)
        systems += [given.system(i) for i in range(30)]
        points += [given.point.real.tolist()] * 30
    true = differentiate(systems, points)
    with np.errstate(all="ignore"):
        found = read_exactly(trees(systems, points))
    good = []
    for one, other in zip(found, true, strict=True):
        assert other is not None
        if (np.abs(one) < 1e100).all():  # real on the way, not only at the end
            good.append(np.isclose(one, other.real, rtol=1e-3, atol=1e-6 * np.abs(other).max()).all())
    assert len(good) >= 30
    assert np.mean(good) > 0.9  # the others differ by the single precision of the leaves


def test_codes_hold_what_numbers_are() -> None:
    numbers = np.array([3.0, -0.25, 2 - 1j, 0, 1e-20, -1e20])
    np.testing.assert_allclose(decoded(encode(numbers)), numbers, rtol=1e-5)


def test_a_system_beyond_the_limits_is_not_read() -> None:
    deep = TokenSystem(1, 0, False, (("sin",) * (MAX_HEIGHT + 1) + ("x0",),))
    assert not is_readable(deep)
    assert is_readable(TokenSystem(1, 0, False, (("sin",) * MAX_HEIGHT + ("x0",),)))
    flat = TokenSystem(1, 0, False, (("sin", "x0"),))
    readings = Networks().read([deep, flat], [[0.5], [0.5]], "stability")
    assert readings[0] is None
    assert readings[1] is not None


def test_an_equation_without_operators_is_read() -> None:
    system = TokenSystem(2, 0, False, (("x1",), ("INT+", "2")))
    found = EquationReader().jacobians([system], [[0.5, 0.5]])[0]
    assert found is not None
    np.testing.assert_array_equal(found, [[0, 1], [0, 0]])


def test_readings_do_not_depend_on_company() -> None:
    rng = np.random.default_rng(6)
    given = forest(rng, "stability", 70, 3, 0)
    systems = [given.system(i) for i in range(70)]
    points = [given.point.tolist()] * 70
    together = Networks().read(systems, points, "stability")
    for i in (0, 65):
        alone = Networks().read(systems[i : i + 1], points[:1], "stability")[0]
        one = together[i]
        assert alone is not None
        assert one is not None
        np.testing.assert_allclose(alone.jacobian, one.jacobian, rtol=1e-4)
        assert alone.verdict == pytest.approx(one.verdict, abs=1e-3)


def test_a_system_with_time_is_read_at_several_instants() -> None:
    """x' = t·u has an input at each of them; x' = 0·u at none."""
    driven = TokenSystem.from_text(["t*u", "x"], ["x", "y"], ["u"], "t")
    found = Networks().read([driven], [[0.5, 0.5, 0.5]], "control_t")[0]
    assert found is not None
    assert found.jacobian.shape == (2, 3)


def test_balancing_moves_no_cycle() -> None:
    """Products around cycles are what eigenvalues are made of: a scaling of the states leaves the codes alone."""
    rng = np.random.default_rng(8)
    A = rng.standard_normal((20, 4, 4))
    d = np.exp(3 * rng.standard_normal((20, 4, 1)))
    cycles = []
    for scaled in (A, 7.0 * d * A / d.mT):
        log = scaled_codes(scaled, None)[0][:, :4, :4, 0]
        both = log + np.swapaxes(log, 1, 2)
        cycles.append(both - both[:, :1, :1])  # but for the unit of time
    np.testing.assert_allclose(*cycles, atol=1e-4)


def test_an_unknown_task_is_an_error() -> None:
    with pytest.raises(ProblemError, match="task"):
        Networks().read([], [], "weather")


def test_a_missing_model_reads_nothing(tmp_path: object) -> None:
    system = TokenSystem(1, 0, False, (("x0",),))
    assert Networks(str(tmp_path)).read([system], [[1.0]], "stability") == [None]
    with pytest.raises(ModelError):
        VerdictProposer("stability", str(tmp_path)).propose(np.ones((1, 1, 1)))
