"""The nonlinear demonstration plants have, with proof, the properties that are known of them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import hybrid
from hybrid.answer import Reason
from hybrid.systems.linear import LinearSystem
from hybrid.systems.plants import NonlinearPlant, nonlinear_plants, plants
from hybrid.systems.reading_equations import with_parameters
from hybrid.verify.equilibrium import locate

# name: (n, m), what is proved of the equilibrium, whether the linearisation is controllable
FACTS = {
    "acrobot-nonlinear": ((4, 1), "unstable", True),
    "ball-and-beam": ((4, 1), "critical", True),
    "boost-converter": ((2, 1), "stable", True),
    "brusselator": ((2, 0), "unstable", None),
    "cart-pole-nonlinear": ((4, 1), "unstable", True),
    "chemostat": ((2, 1), "stable", False),
    "cstr-nonlinear": ((2, 1), "unstable", True),
    "duffing": ((2, 1), "stable", True),
    "euler-rigid-body": ((3, 3), "unstable", True),
    "f8-crusader": ((3, 1), "critical", True),
    "fitzhugh-nagumo": ((2, 1), "stable", True),
    "flexible-joint": ((4, 1), "critical", True),
    "furuta-pendulum": ((4, 1), "unstable", True),
    "henon-map": ((2, 0), "unstable", None),
    "hopf-normal-form": ((2, 0), "critical", None),
    "logistic-map": ((1, 0), "unstable", None),
    "lorenz": ((3, 0), "unstable", None),
    "lotka-volterra": ((2, 0), "critical", None),
    "magnetic-levitation-nonlinear": ((3, 1), "unstable", True),
    "pendulum": ((2, 1), "stable", True),
    "planar-vtol": ((6, 2), "critical", True),
    "quadruple-tank-nonlinear": ((4, 2), "stable", True),
    "rossler": ((3, 0), "unstable", None),
    "sir": ((2, 0), "stable", None),
    "swing-equation": ((2, 1), "stable", True),
    "tora": ((4, 1), "critical", True),
    "two-link-arm-nonlinear": ((4, 2), "unstable", True),
    "unicycle": ((3, 2), "critical", False),
    "van-der-pol": ((2, 0), "unstable", None),
    "van-der-pol-reversed": ((2, 0), "stable", None),
    "watt-governor": ((3, 0), "stable", None),
}


def plant(name: str) -> NonlinearPlant:
    found = hybrid.plant(name)
    assert isinstance(found, NonlinearPlant)
    return found


def test_the_library_lists_what_it_should() -> None:
    names = [each.name for each in nonlinear_plants()]
    assert names == sorted(FACTS)
    assert len(names) >= 22
    assert not set(names) & {each.name for each in plants()}
    for each in nonlinear_plants():
        assert each.description.endswith(".")
        assert any(character.isdigit() for character in each.citation)
        assert each.system is each.system
        assert each.system.name == each.name
        assert set(each.at) == {*each.system.states, *each.system.inputs}


@pytest.mark.parametrize("name", FACTS)
def test_what_is_known_is_proved(name: str) -> None:
    each, (shape, verdict, controllable) = plant(name), FACTS[name]
    system = each.system
    assert (system.n, system.m) == shape
    located = locate(system, each.at)
    assert located.is_given_point
    answer = hybrid.stability(system, at=each.at)
    assert (answer.reason is Reason.CRITICAL) is (verdict == "critical")
    if verdict != "critical":
        assert answer.verdict.value == verdict
    if controllable is not None:
        found = hybrid.controllability(system, at=each.at)
        assert (found.verdict.value == "controllable") is controllable


@pytest.mark.parametrize("name", ["cart-pole", "magnetic-levitation", "acrobot", "two-link-arm"])
def test_the_linear_plant_is_the_linearisation(name: str) -> None:
    """The matrices of the linear library were derived apart from these equations."""
    each, linear = plant(f"{name}-nonlinear"), hybrid.plant(name).system
    assert isinstance(linear, LinearSystem)
    assert linear.B is not None
    found = each.system.linearise(each.at)
    assert np.allclose(found.A, linear.A.floats, rtol=1e-12, atol=1e-12)
    assert np.allclose(found.B, linear.B.floats, rtol=1e-12, atol=1e-12)


def test_levels_of_the_tanks() -> None:
    """Johansson 2000 prints 12.4, 12.7, 1.8, 1.4 cm; the last digits are those of the pumps' constants."""
    levels = [float(plant("quadruple-tank-nonlinear").at[f"h{i}"]) for i in range(1, 5)]
    assert np.allclose(levels, [12.4, 12.7, 1.8, 1.4], atol=0.2)


def test_bifurcations_happen_where_they_are_known_to() -> None:
    """Lorenz at r = 470/19, the governor at eps = 2^(−1/2), the brusselator at b = 2, the logistic map at r = 3."""
    for r, verdict in (("24.7", "stable"), ("24.8", "unstable")):
        convection = hybrid.NonlinearSystem.from_text(
            "x' = 10*(y - x); y' = x*(r - z) - y; z' = x*y - 8/3*z", parameters={"r": r}
        )
        point = {"x": f"sqrt(8/3*({r}-1))", "y": f"sqrt(8/3*({r}-1))", "z": Fraction(r) - 1}
        assert hybrid.stability(convection, at=point).verdict.value == verdict
    for name, parameter, values in (
        ("watt-governor", "eps", ("0.70", "0.71")),
        ("logistic-map", "r", ("3.01", "2.99")),
        ("brusselator", "b", ("2.01", "1.99")),
    ):
        each = plant(name)
        for value, verdict in zip(values, ("unstable", "stable"), strict=True):
            system = with_parameters(each.system, {parameter: value})
            near = locate(system, each.at).equilibrium
            assert near is not None
            assert hybrid.stability(system, at=near.point).verdict.value == verdict


def test_the_pendulum_upright_can_be_stabilised() -> None:
    answer = hybrid.feedback(plant("pendulum").system, at={"angle": "pi", "rate": 0, "torque": 0}, model=False)
    assert answer.verdict.value == "stabilised"


def test_an_uncontrollable_robot_is_not_stabilised_by_its_linearisation() -> None:
    each = plant("unicycle")
    assert hybrid.feedback(each.system, at=each.at, model=False).gain is None
