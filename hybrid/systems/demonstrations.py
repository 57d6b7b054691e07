"""The demonstration plants themselves, linear about the equilibrium that each description names.

Entries follow exactly from the physical parameters of the source, in SI units where nothing else is said;
matrices that a source prints are given in the digits that it prints.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from hybrid.systems.linear import LinearSystem
from hybrid.systems.plants import demonstration

_TUTORIALS = "Messner and Tilbury, Control Tutorials for MATLAB and Simulink, University of Michigan"
_SPONG = "Spong 1995, The swing up control problem for the acrobot, IEEE Control Systems Magazine 15(1):49-55"
_JOHANSSON = "Johansson 2000, The quadruple-tank process, IEEE Transactions on Control Systems Technology 8(3):456-465"
_BROCKETT = "Brockett 1970, Finite Dimensional Linear Systems, Wiley"

Row = Sequence[Fraction | int | str]
Rows = Sequence[Row]


def _matrix(text: str) -> list[list[str]]:
    """Rows divided by semicolons, as in MATLAB."""
    return [row.split() for row in text.split(";")]


def _column(*entries: Fraction | int | str) -> list[list[Fraction | int | str]]:
    return [[entry] for entry in entries]


def _mechanical(stiffness: Rows, damping: Rows, forces: Rows) -> tuple[list[Row], list[Row]]:
    """A and B of q'' = −stiffness q − damping q' + forces u with the state (q, q')."""
    n = len(stiffness)
    upper = [[int(j == n + i) for j in range(2 * n)] for i in range(n)]
    lower = [[-Fraction(x) for x in (*row, *damping_row)] for row, damping_row in zip(stiffness, damping, strict=True)]
    return [*upper, *lower], [*([0] * len(forces[0]) for _ in range(n)), *forces]


def _string(n: int, first: int, last: int) -> list[list[int]]:
    """Stiffness of n unit masses joined by unit springs; `first` and `last` count the springs at the ends."""
    diagonal = [first, *[2] * (n - 2), last]
    return [[diagonal[i] if i == j else -int(abs(i - j) == 1) for j in range(n)] for i in range(n)]


@demonstration(
    "double-integrator",
    "A unit mass on a frictionless line, pushed by a force; both eigenvalues at zero in one Jordan block.",
    "Rao and Bernstein 2001, Naive control of the double integrator, IEEE Control Systems Magazine 21(5):86-97",
)
def _double_integrator() -> LinearSystem:
    return LinearSystem([[0, 1], [0, 0]], [[0], [1]], [[1, 0]])


@demonstration(
    "sampled-double-integrator",
    "The double integrator behind a zero-order hold, sampled every 0.1 s; discrete time.",
    "Astrom and Wittenmark 1997, Computer-Controlled Systems, 3rd ed., Prentice Hall, chapter 2",
)
def _sampled_double_integrator() -> LinearSystem:
    h = Fraction(1, 10)
    return LinearSystem([[1, h], [0, 1]], [[h**2 / 2], [h]], [[1, 0]], dt=h)


@demonstration(
    "dc-motor",
    "Speed and armature current of a DC motor under armature voltage; stable.",
    f"{_TUTORIALS}, DC motor speed: J=0.01, b=0.1, K=0.01, R=1, L=0.5",
)
def _dc_motor() -> LinearSystem:
    J, b, K, R, L = map(Fraction, ("0.01", "0.1", "0.01", "1", "0.5"))
    return LinearSystem([[-b / J, K / J], [-K / L, -R / L]], [[0], [1 / L]], [[1, 0]])


@demonstration(
    "inverted-pendulum",
    "A pendulum of 1 kg and 0.5 m with friction, upright, under a torque at its pivot; one unstable pole.",
    "Khalil 2002, Nonlinear Systems, 3rd ed., Prentice Hall, section 1.2.1 (pendulum equation)",
)
def _inverted_pendulum() -> LinearSystem:
    m, length, k, g = map(Fraction, ("1", "0.5", "0.1", "9.81"))
    return LinearSystem([[0, 1], [g / length, -k / m]], [[0], [1 / (m * length**2)]], [[1, 0]])


@demonstration(
    "pendulum-on-cart",
    "A rod upright on a cart with friction, force on the cart; state x, x', angle, rate; one unstable pole.",
    f"{_TUTORIALS}, Inverted pendulum: M=0.5, m=0.2, b=0.1, I=0.006, l=0.3, g=9.8",
)
def _pendulum_on_cart() -> LinearSystem:
    M, m, b, inertia, half, g = map(Fraction, ("0.5", "0.2", "0.1", "0.006", "0.3", "9.8"))
    p = inertia * (M + m) + M * m * half**2
    about_pivot = inertia + m * half**2
    A = [
        [0, 1, 0, 0],
        [0, -about_pivot * b / p, (m * half) ** 2 * g / p, 0],
        [0, 0, 0, 1],
        [0, -m * half * b / p, m * g * half * (M + m) / p, 0],
    ]
    return LinearSystem(A, _column(0, about_pivot / p, 0, m * half / p), [[1, 0, 0, 0], [0, 0, 1, 0]])


@demonstration(
    "cart-pole",
    "The cart-pole of reinforcement learning, upright, force on the cart; state x, x', angle, rate; unstable.",
    "Barto, Sutton and Anderson 1983, IEEE Transactions on Systems, Man, and Cybernetics 13(5):834-846, "
    "without friction",
)
def _cart_pole() -> LinearSystem:
    M, m, half, g = map(Fraction, ("1", "0.1", "0.5", "9.8"))
    lever = half * (Fraction(4, 3) - m / (M + m))
    coupling = m * half / (M + m)
    A = [[0, 1, 0, 0], [0, 0, -coupling * g / lever, 0], [0, 0, 0, 1], [0, 0, g / lever, 0]]
    B = _column(0, (1 + coupling / lever) / (M + m), 0, -1 / ((M + m) * lever))
    return LinearSystem(A, B)


@demonstration(
    "magnetic-levitation",
    "A steel ball below an electromagnet, gap 1 cm at 7 A; state gap, speed, current; input voltage; unstable.",
    f"{_TUTORIALS}, State-space methods: m=0.05, K=0.0001, L=0.01, R=1, g=9.8",
)
def _magnetic_levitation() -> LinearSystem:
    m, K, L, R, g, gap = map(Fraction, ("0.05", "0.0001", "0.01", "1", "9.8", "0.01"))
    current = 7  # K current² / gap = m g, exactly
    A = [[0, 1, 0], [g / gap, 0, -2 * K * current / (m * gap)], [0, 0, -R / L]]
    return LinearSystem(A, _column(0, 0, 1 / L), [[1, 0, 0]])


def _two_link(torques: list[list[Fraction]]) -> LinearSystem:
    """Uniform rods of 1 kg, 1 m and 2 m long, standing upright; D(q) q'' + φ(q) = torques u."""
    g, half1, half2, length1 = Fraction("9.8"), Fraction(1, 2), Fraction(1), Fraction(1)
    d22 = half2**2 + Fraction(4, 12)
    d12 = length1 * half2 + d22
    d11 = half1**2 + Fraction(1, 12) + length1**2 + 2 * length1 * half2 + d22
    gravity = [[(half1 + length1 + half2) * g, half2 * g], [half2 * g, half2 * g]]
    determinant = d11 * d22 - d12**2
    inverse = [[d22 / determinant, -d12 / determinant], [-d12 / determinant, d11 / determinant]]

    def accelerations(loads: Sequence[Sequence[Fraction]]) -> list[list[Fraction]]:
        return [[a * x + b * y for x, y in zip(*loads, strict=True)] for a, b in inverse]

    stiffness = [[-x for x in row] for row in accelerations(gravity)]
    A, B = _mechanical(stiffness, [[0, 0], [0, 0]], accelerations(torques))
    return LinearSystem(A, B, [[1, 0, 0, 0], [0, 1, 0, 0]])


@demonstration(
    "two-link-arm",
    "A two-link arm standing upright with a motor in each joint; state both angles, both rates; unstable.",
    f"{_SPONG}, equations of motion; uniform rods",
)
def _two_link_arm() -> LinearSystem:
    return _two_link([[Fraction(1), Fraction(0)], [Fraction(0), Fraction(1)]])


@demonstration(
    "acrobot",
    "The two-link arm standing upright with a motor in the elbow alone; two unstable poles, one input.",
    f"{_SPONG}; uniform rods",
)
def _acrobot() -> LinearSystem:
    return _two_link([[Fraction(0)], [Fraction(1)]])


@demonstration(
    "boeing-747-lateral",
    "Boeing 747 at Mach 0.8 and 40 000 ft: sideslip, yaw rate, roll rate, bank angle; rudder and aileron.",
    "Franklin, Powell and Emami-Naeini, Feedback Control of Dynamic Systems, Prentice Hall (yaw damper); "
    "data of Heffley and Jewell 1972, NASA CR-2144",
)
def _boeing_747_lateral() -> LinearSystem:
    A = "-.0558 -.9968 .0802 .0415; .598 -.115 -.0318 0; -3.05 .388 -.465 0; 0 .0805 1 0"
    B = ".00729 0; -.475 .00775; .153 .143; 0 0"
    return LinearSystem(_matrix(A), _matrix(B), _matrix("0 1 0 0; 0 0 0 1"))


@demonstration(
    "boeing-747-longitudinal",
    "Boeing 747 at 774 ft/s and 40 000 ft: speeds u, w in ft/s, pitch rate, pitch in 0.01 rad; elevator, thrust.",
    "Boyd, Introduction to Linear Dynamical Systems, lecture notes EE263, Stanford (linear model of a Boeing 747)",
)
def _boeing_747_longitudinal() -> LinearSystem:
    A = "-.003 .039 0 -.322; -.065 -.319 7.74 0; .02 -.101 -.429 0; 0 0 1 0"
    B = ".01 1; -.18 -.04; -1.16 .598; 0 0"
    return LinearSystem(_matrix(A), _matrix(B), _matrix("1 0 0 0; 0 -1 0 7.74"))


@demonstration(
    "f16-short-period",
    "F-16 short period with its elevator actuator: angle of attack, pitch rate, elevator angle; stable.",
    "Vamvoudakis and Lewis 2010, Online actor-critic algorithm to solve the continuous-time infinite horizon "
    "optimal control problem, Automatica 46(5):878-888",
)
def _f16_short_period() -> LinearSystem:
    A = "-1.01887 .90506 -.00215; .82225 -1.07741 -.17555; 0 0 -1"
    return LinearSystem(_matrix(A), _column(0, 0, 1))


@demonstration(
    "quadrotor-hover",
    "A quadrotor in hover: position, body velocity, roll-pitch-yaw, body rates; thrust and three torques.",
    "Beard 2008, Quadrotor Dynamics and Control, Brigham Young University: body of 1 kg and radius 0.1 m, "
    "four rotors of 0.1 kg at 0.5 m",
)
def _quadrotor_hover() -> LinearSystem:
    body, rotor, radius, arm, g = map(Fraction, ("1", "0.1", "0.1", "0.5", "9.81"))
    sphere = 2 * body * radius**2 / 5
    mass, roll_inertia, yaw_inertia = (
        body + 4 * rotor,
        sphere + 2 * arm**2 * rotor,
        sphere + 4 * arm**2 * rotor,
    )
    A = [[Fraction(0)] * 12 for _ in range(12)]
    B = [[Fraction(0)] * 4 for _ in range(12)]
    for i, sign in enumerate((1, 1, -1)):  # altitude counts upwards, body velocity downwards
        A[i][3 + i], A[6 + i][9 + i] = Fraction(sign), Fraction(1)
    A[3][7], A[4][6] = -g, g
    B[5][0] = -1 / mass
    B[9][1] = B[10][2] = 1 / roll_inertia
    B[11][3] = 1 / yaw_inertia
    return LinearSystem(A, B)


@demonstration(
    "cstr",
    "An exothermic stirred-tank reactor at its unstable steady state 0.5 mol/l, 350 K, coolant 300 K; minutes.",
    "Seborg, Edgar and Mellichamp 2004, Process Dynamics and Control, 2nd ed., Wiley, chapter 2: q=100, V=100, "
    "rho Cp=239, E/R=8750, -dH=50000, UA=50000, rate 1/min at 350 K",
)
def _cstr() -> LinearSystem:
    rate, dilution, heat, jacket = (
        Fraction(1),
        Fraction(1),
        Fraction(50_000, 239),
        Fraction(50_000, 239 * 100),
    )
    concentration, rate_by_temperature = Fraction(1, 2), rate * 8750 / Fraction(350) ** 2
    by_temperature = rate_by_temperature * concentration
    A = [[-dilution - rate, -by_temperature], [heat * rate, heat * by_temperature - dilution - jacket]]
    return LinearSystem(A, _column(0, jacket), [[0, 1]])


@demonstration(
    "batch-reactor",
    "An unstable chemical batch reactor with two inputs and two outputs; poles near 1.99 and 0.06 on the right.",
    "Hung and MacFarlane 1982, Multivariable Feedback: a Quasi-Classical Approach, Springer LNCIS 40; "
    "Green and Limebeer 1995, Linear Robust Control, Prentice Hall, p. 62",
)
def _batch_reactor() -> LinearSystem:
    A = "1.38 -.2077 6.715 -5.676; -.5814 -4.29 0 .675; 1.067 4.273 -6.654 5.893; .048 4.273 1.343 -2.104"
    B = "0 0; 5.679 0; 1.136 -3.146; 1.136 0"
    return LinearSystem(_matrix(A), _matrix(B), _matrix("1 0 1 -1; 0 1 0 0"))


def _quadruple_tank(times: Sequence[int], pumps: tuple[str, str], valves: tuple[str, str]) -> LinearSystem:
    """Levels in cm, pumps in V, from the time constants in s and the valve settings of the paper."""
    T1, T2, T3, T4 = (1 / Fraction(time) for time in times)
    (k1, k2), (g1, g2), (A1, A2) = map(Fraction, pumps), map(Fraction, valves), (28, 32)
    A = [[-T1, 0, T3, 0], [0, -T2, 0, T4], [0, 0, -T3, 0], [0, 0, 0, -T4]]  # A3 = A1 and A4 = A2
    B = [[g1 * k1 / A1, 0], [0, g2 * k2 / A2], [0, (1 - g2) * k2 / A1], [(1 - g1) * k1 / A2, 0]]
    return LinearSystem(A, B, _matrix("0.5 0 0 0; 0 0.5 0 0"))


@demonstration(
    "quadruple-tank",
    "Four coupled water tanks and two pumps, minimum-phase valve setting; stable.",
    f"{_JOHANSSON}, operating point P-",
)
def _quadruple_tank_minimum_phase() -> LinearSystem:
    return _quadruple_tank((62, 90, 23, 30), ("3.33", "3.35"), ("0.70", "0.60"))


@demonstration(
    "quadruple-tank-nonminimum-phase",
    "Four coupled water tanks and two pumps, valves set for a zero in the right half-plane; stable.",
    f"{_JOHANSSON}, operating point P+",
)
def _quadruple_tank_nonminimum_phase() -> LinearSystem:
    return _quadruple_tank((63, 91, 39, 56), ("3.14", "3.29"), ("0.43", "0.34"))


@demonstration(
    "satellite",
    "A satellite about its circular orbit, in units of radius and orbital rate; radial and tangential thrust.",
    f"{_BROCKETT}: state radius, its rate, angle, its rate",
)
def _satellite() -> LinearSystem:
    A = "0 1 0 0; 3 0 0 2; 0 0 0 1; 0 -2 0 0"
    return LinearSystem(_matrix(A), _matrix("0 0; 1 0; 0 0; 0 1"), _matrix("1 0 0 0; 0 0 1 0"))


@demonstration(
    "satellite-radial-thrust",
    "The satellite after its tangential thruster failed: uncontrollable at the eigenvalue 0, not stabilisable.",
    _BROCKETT,
)
def _satellite_radial_thrust() -> LinearSystem:
    satellite = _satellite()
    return LinearSystem(satellite.A, _column(0, 1, 0, 0), satellite.C)


@demonstration(
    "two-mass-spring",
    "Two unit masses joined by a spring, undamped; force on the first, the second measured; drifts freely.",
    "Wie and Bernstein 1992, Benchmark problems for robust control design, "
    "Journal of Guidance, Control, and Dynamics 15(5):1057-1059",
)
def _two_mass_spring() -> LinearSystem:
    A, B = _mechanical(_string(2, 1, 1), [[0, 0], [0, 0]], [[1], [0]])
    return LinearSystem(A, B, [[0, 1, 0, 0]])


@demonstration(
    "lightly-damped-structure",
    "A uniform shear building of five storeys, damping ratios 0.2 % to 1.5 %, force and sensor on the top floor.",
    "Chopra 2012, Dynamics of Structures, 4th ed., Prentice Hall, chapters 9 and 11 (shear building, damping "
    "proportional to stiffness): k/m=1000, beta=1/2000 s",
)
def _lightly_damped_structure() -> LinearSystem:
    storeys = 5
    stiffness = [[1000 * x for x in row] for row in _string(storeys, 2, 1)]
    damping = [[Fraction(x, 2000) for x in row] for row in stiffness]
    A, B = _mechanical(stiffness, damping, [[int(i == storeys - 1)] for i in range(storeys)])
    return LinearSystem(A, B, [[int(j == storeys - 1) for j in range(2 * storeys)]])


@demonstration(
    "mass-spring-chain",
    "Thirty damped masses in a row joined by springs, free at both ends, pushed apart at the ends; 60 states.",
    "Hench, He, Kucera and Mehrmann 1998, Dampening controllers via a Riccati equation approach, "
    "IEEE Transactions on Automatic Control 43(9):1280-1284: mass 4, damping 4, stiffness 1",
)
def _mass_spring_chain() -> LinearSystem:
    masses, mass, damping = 30, 4, 4
    stiffness = [[Fraction(x, mass) for x in row] for row in _string(masses, 1, 1)]
    dampers = [[Fraction(damping, mass) * int(i == j) for j in range(masses)] for i in range(masses)]
    forces = [[Fraction(int(i == 0), mass), -Fraction(int(i == masses - 1), mass)] for i in range(masses)]
    return LinearSystem(*_mechanical(stiffness, dampers, forces))


@demonstration(
    "heat-rod",
    "A rod of unit length and diffusivity on 20 inner grid points, cold at the left, temperature u at the right.",
    "LeVeque 2007, Finite Difference Methods for Ordinary and Partial Differential Equations, SIAM, section 2.10",
)
def _heat_rod() -> LinearSystem:
    points = 20
    per_square_step = (points + 1) ** 2
    A = [[-per_square_step * x for x in row] for row in _string(points, 2, 2)]
    last = [int(i == points - 1) for i in range(points)]
    return LinearSystem(A, [[per_square_step * x] for x in last], [[int(i == points // 2) for i in range(points)]])
