"""The nonlinear demonstration plants that are no machines: processes, power, oscillators, chemistry, life, maps.

Quantities are in SI units where nothing else is said; populations are fractions.
"""

from __future__ import annotations

from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.systems.plants import nonlinear_demonstration

_KHALIL = "Khalil 2002, Nonlinear Systems, 3rd ed., Prentice Hall"
_HOLMES = "Guckenheimer and Holmes 1983, Nonlinear Oscillations, Dynamical Systems, and Bifurcations, Springer"

# Processes and power


@nonlinear_demonstration(
    "quadruple-tank-nonlinear",
    "Four interconnected tanks with two pumps at 3 V, minimum-phase setting; levels in cm; stable.",
    "Johansson 2000, The quadruple-tank process, IEEE Transactions on Control Systems Technology 8(3):456-465",
    {"h1": "12.262967519550694", "h2": "12.78315840300897", "h3": "1.6339411322567787", "h4": "1.4090447025337365",
     "v1": "3", "v2": "3"},
)  # fmt: skip
def _quadruple_tank() -> NonlinearSystem:
    equations = """
        out1 = a1*sqrt(2*g*h1)
        out2 = a2*sqrt(2*g*h2)
        out3 = a1*sqrt(2*g*h3)
        out4 = a2*sqrt(2*g*h4)
        h1' = (-out1 + out3 + g1*k1*v1)/A1
        h2' = (-out2 + out4 + g2*k2*v2)/A2
        h3' = (-out3 + (1 - g2)*k2*v2)/A1
        h4' = (-out4 + (1 - g1)*k1*v1)/A2
    """
    parameters = {
        "A1": "28", "A2": "32", "a1": "0.071", "a2": "0.057", "k1": "3.33", "k2": "3.35", "g1": "0.7", "g2": "0.6",
        "g": "981",
    }  # fmt: skip
    return NonlinearSystem(["h1", "h2", "h3", "h4"], ["v1", "v2"], equations, parameters, ["0.5*h1", "0.5*h2"])


@nonlinear_demonstration(
    "cstr-nonlinear",
    "An exothermic stirred tank reactor at its middle steady state; coolant temperature; time in minutes; unstable.",
    "Henson and Seborg 1997, Nonlinear Process Control, Prentice Hall, chapter 1",
    {"c": "0.4999182859586569", "T": "350.0055286902127", "coolant": "300"},
)
def _cstr() -> NonlinearSystem:
    equations = """
        rate = k0*exp(-E/T)*c
        c' = q/V*(cf - c) - rate
        T' = q/V*(Tf - T) + H/rho*rate + UA/(V*rho)*(coolant - T)
    """
    parameters = {
        "q": "100", "V": "100", "cf": "1", "Tf": "350", "k0": "7.2e10", "E": "8750", "H": "5e4", "rho": "239",
        "UA": "5e4",
    }  # fmt: skip
    return NonlinearSystem(["c", "T"], ["coolant"], equations, parameters, ["T"])


@nonlinear_demonstration(
    "chemostat",
    "Bacteria on a substrate with Monod kinetics under a dilution rate; stable, the yield relation uncontrollable.",
    "Smith and Waltman 1995, The Theory of the Chemostat, Cambridge University Press, chapter 1",
    {"s": "1/4", "x": "3/8", "dilution": "1/2"},
)
def _chemostat() -> NonlinearSystem:
    equations = """
        growth = mu*s/(K + s)
        s' = dilution*(feed - s) - growth*x/yield
        x' = (growth - dilution)*x
    """
    parameters = {"mu": "1", "K": "1/4", "yield": "1/2", "feed": "1"}
    return NonlinearSystem(["s", "x"], ["dilution"], equations, parameters, ["x"])


@nonlinear_demonstration(
    "boost-converter",
    "The averaged model of a boost converter from 12 V to 24 V; duty ratio; stable, zero on the right for v.",
    "Erickson and Maksimovic 2001, Fundamentals of Power Electronics, 2nd ed., Kluwer, chapter 7; "
    "L = 0.5 mH, C = 0.2 mF, R = 20 Ohm",
    {"i": "2.4", "v": "24", "duty": "1/2"},
)
def _boost_converter() -> NonlinearSystem:
    equations = "i' = (E - (1 - duty)*v)/L; v' = ((1 - duty)*i - v/R)/C"
    return NonlinearSystem(["i", "v"], ["duty"], equations, {"E": "12", "L": "5e-4", "C": "2e-4", "R": "20"}, ["v"])


@nonlinear_demonstration(
    "swing-equation",
    "A generator against an infinite bus at half of its transferable power; per unit; stable.",
    "Kundur 1994, Power System Stability and Control, McGraw-Hill, section 13.1; M = 0.1, D = 0.02",
    {"angle": "pi/6", "speed": "0", "power": "1/2"},
)
def _swing() -> NonlinearSystem:
    equations = "angle' = speed; speed' = (power - Pmax*sin(angle) - D*speed)/M"
    return NonlinearSystem(["angle", "speed"], ["power"], equations, {"Pmax": "1", "D": "0.02", "M": "0.1"}, ["angle"])


# Oscillators, chemistry and life


@nonlinear_demonstration(
    "van-der-pol",
    "The oscillator of van der Pol: the origin is unstable inside a limit cycle.",
    "van der Pol 1926, On relaxation-oscillations, Philosophical Magazine 2(11):978-992; mu = 1",
    {"x": "0", "y": "0"},
)
def _van_der_pol() -> NonlinearSystem:
    return NonlinearSystem(["x", "y"], [], "x' = y; y' = mu*(1 - x^2)*y - x", {"mu": "1"})


@nonlinear_demonstration(
    "van-der-pol-reversed",
    "The oscillator of van der Pol backwards in time: the origin is stable, its region lies inside the cycle.",
    f"{_KHALIL}, section 8.2 (region of attraction)",
    {"x": "0", "y": "0"},
)
def _van_der_pol_reversed() -> NonlinearSystem:
    return NonlinearSystem(["x", "y"], [], "x' = -y; y' = x + mu*(x^2 - 1)*y", {"mu": "1"})


@nonlinear_demonstration(
    "duffing",
    "A buckled beam with damping and a force: stable on either side, a saddle between.",
    f"{_HOLMES}, section 2.2; delta = 1/4",
    {"x": "1", "v": "0", "force": "0"},
)
def _duffing() -> NonlinearSystem:
    return NonlinearSystem(["x", "v"], ["force"], "x' = v; v' = x - x^3 - delta*v + force", {"delta": "1/4"}, ["x"])


@nonlinear_demonstration(
    "hopf-normal-form",
    "The normal form of a Hopf bifurcation at mu = 0: exactly critical, the cubic terms decide.",
    f"{_HOLMES}, section 3.4",
    {"x": "0", "y": "0"},
)
def _hopf() -> NonlinearSystem:
    equations = "r = x^2 + y^2; x' = mu*x - y - x*r; y' = x + mu*y - y*r"
    return NonlinearSystem(["x", "y"], [], equations, {"mu": "0"})


@nonlinear_demonstration(
    "lorenz",
    "Convection in Lorenz's three modes at r = 28, at one of the two stirring states; unstable; stable for r < 470/19.",
    "Lorenz 1963, Deterministic nonperiodic flow, Journal of the Atmospheric Sciences 20:130-141",
    {"x": "sqrt(72)", "y": "sqrt(72)", "z": "27"},
)
def _lorenz() -> NonlinearSystem:
    equations = "x' = sigma*(y - x); y' = x*(r - z) - y; z' = x*y - b*z"
    return NonlinearSystem(["x", "y", "z"], [], equations, {"sigma": "10", "r": "28", "b": "8/3"})


@nonlinear_demonstration(
    "rossler",
    "Rössler's chaotic system, at the inner of its two equilibria; unstable.",
    "Rössler 1976, An equation for continuous chaos, Physics Letters A 57(5):397-398; a = b = 0.2, c = 5.7",
    {"x": "(5.7 - sqrt(32.33))/2", "y": "(sqrt(32.33) - 5.7)/0.4", "z": "(5.7 - sqrt(32.33))/0.4"},
)
def _rossler() -> NonlinearSystem:
    equations = "x' = -y - z; y' = x + a*y; z' = b + z*(x - c)"
    return NonlinearSystem(["x", "y", "z"], [], equations, {"a": "0.2", "b": "0.2", "c": "5.7"})


@nonlinear_demonstration(
    "brusselator",
    "An autocatalytic reaction with b > 1 + a²: its steady state is unstable, the reaction oscillates.",
    "Prigogine and Lefever 1968, Symmetry breaking instabilities in dissipative systems II, "
    "Journal of Chemical Physics 48:1695-1700; a = 1, b = 3",
    {"x": "1", "y": "3"},
)
def _brusselator() -> NonlinearSystem:
    return NonlinearSystem(["x", "y"], [], "x' = a - (b + 1)*x + x^2*y; y' = b*x - x^2*y", {"a": "1", "b": "3"})


@nonlinear_demonstration(
    "fitzhugh-nagumo",
    "A nerve at rest under an injected current; stable; it fires at current=0.5.",
    "FitzHugh 1961, Impulses and physiological states in theoretical models of nerve membrane, "
    "Biophysical Journal 1(6):445-466",
    {"v": "-1.199408035244035", "w": "-0.6242600440550438", "current": "0"},
)
def _fitzhugh_nagumo() -> NonlinearSystem:
    equations = "v' = v - v^3/3 - w + current; w' = e*(v + a - b*w)"
    return NonlinearSystem(["v", "w"], ["current"], equations, {"a": "0.7", "b": "0.8", "e": "0.08"}, ["v"])


@nonlinear_demonstration(
    "lotka-volterra",
    "Prey and predators: closed orbits around a centre; exactly critical.",
    "Lotka 1925, Elements of Physical Biology, Williams and Wilkins; a = 2/3, b = 4/3, c = d = 1",
    {"prey": "1", "predators": "1/2"},
)
def _lotka_volterra() -> NonlinearSystem:
    equations = "prey' = a*prey - b*prey*predators; predators' = d*prey*predators - c*predators"
    parameters = {"a": "2/3", "b": "4/3", "c": "1", "d": "1"}
    return NonlinearSystem(["prey", "predators"], [], equations, parameters)


@nonlinear_demonstration(
    "sir",
    "An epidemic with births and deaths at its endemic state, reproduction number 4; stable.",
    "Hethcote 2000, The mathematics of infectious diseases, SIAM Review 42(4):599-653; "
    "beta = 0.48, gamma = 0.1, mu = 0.02",
    {"s": "1/4", "i": "1/8"},
)
def _sir() -> NonlinearSystem:
    equations = "s' = mu - beta*s*i - mu*s; i' = beta*s*i - (gamma + mu)*i"
    return NonlinearSystem(["s", "i"], [], equations, {"beta": "0.48", "gamma": "0.1", "mu": "0.02"})


# Maps


@nonlinear_demonstration(
    "logistic-map",
    "A population from year to year at r = 3.2, where the fixed point has given way to a cycle; unstable; discrete.",
    "May 1976, Simple mathematical models with very complicated dynamics, Nature 261:459-467",
    {"x": "11/16"},
)
def _logistic_map() -> NonlinearSystem:
    return NonlinearSystem(["x"], [], "r*x*(1 - x)", {"r": "3.2"}, dt=1)


@nonlinear_demonstration(
    "henon-map",
    "Hénon's map at the fixed point on its strange attractor; a saddle; discrete.",
    "Hénon 1976, A two-dimensional mapping with a strange attractor, "
    "Communications in Mathematical Physics 50:69-77; a = 1.4, b = 0.3",
    {"x": "(sqrt(6.09) - 0.7)/2.8", "y": "0.3*(sqrt(6.09) - 0.7)/2.8"},
)
def _henon_map() -> NonlinearSystem:
    return NonlinearSystem(["x", "y"], [], ["1 - a*x^2 + y", "b*x"], {"a": "1.4", "b": "0.3"}, dt=1)
