"""Nonlinear demonstration plants, machines and vehicles: equations, parameters in the source's numbers, a usual point.

Quantities are in SI units, angles in radians, where nothing else is said.
"""

from __future__ import annotations

from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.systems.plants import nonlinear_demonstration

_TUTORIALS = "Messner and Tilbury, Control Tutorials for MATLAB and Simulink, University of Michigan"
_KHALIL = "Khalil 2002, Nonlinear Systems, 3rd ed., Prentice Hall"
_TWO_RODS = """
    d11 = m1*c1^2 + m2*(l1^2 + c2^2 + 2*l1*c2*cos(q2)) + I1 + I2
    d12 = m2*(c2^2 + l1*c2*cos(q2)) + I2
    d22 = m2*c2^2 + I2
    h = m2*l1*c2*sin(q2)
    r1 = T1 + h*w2^2 + 2*h*w1*w2 - (m1*c1 + m2*l1)*g*cos(q1) - m2*c2*g*cos(q1 + q2)
    r2 = T2 - h*w1^2 - m2*c2*g*cos(q1 + q2)
    q1' = w1
    q2' = w2
    w1' = (d22*r1 - d12*r2)/(d11*d22 - d12^2)
    w2' = (d11*r2 - d12*r1)/(d11*d22 - d12^2)
"""
_RODS = {"m1": "1", "m2": "1", "l1": "1", "c1": "1/2", "c2": "1", "I1": "1/12", "I2": "1/3", "g": "9.8"}
_UPRIGHT_RODS = {"q1": "pi/2", "q2": "0", "w1": "0", "w2": "0"}

# Mechanics


@nonlinear_demonstration(
    "pendulum",
    "A pendulum of 1 kg and 0.5 m with friction and a torque at its pivot; hanging, stable; upright at angle=pi.",
    f"{_KHALIL}, section 1.2.1 (pendulum equation)",
    {"angle": "0", "rate": "0", "torque": "0"},
)
def _pendulum() -> NonlinearSystem:
    equations = "angle' = rate; rate' = -g/l*sin(angle) - k/m*rate + torque/(m*l^2)"
    parameters = {"m": "1", "l": "0.5", "k": "0.1", "g": "9.81"}
    return NonlinearSystem(["angle", "rate"], ["torque"], equations, parameters, ["angle"])


@nonlinear_demonstration(
    "cart-pole-nonlinear",
    "The cart-pole of reinforcement learning, upright, force on the cart; unstable.",
    "Barto, Sutton and Anderson 1983, IEEE Transactions on Systems, Man, and Cybernetics 13(5):834-846, "
    "without friction",
    {"x": "0", "v": "0", "angle": "0", "rate": "0", "force": "0"},
)
def _cart_pole() -> NonlinearSystem:
    equations = """
        push = (force + m*l*rate^2*sin(angle))/(M + m)
        turn = (g*sin(angle) - cos(angle)*push)/(l*(4/3 - m*cos(angle)^2/(M + m)))
        x' = v
        v' = push - m*l*turn*cos(angle)/(M + m)
        angle' = rate
        rate' = turn
    """
    return NonlinearSystem(
        ["x", "v", "angle", "rate"], ["force"], equations, {"M": "1", "m": "0.1", "l": "0.5", "g": "9.8"}
    )


@nonlinear_demonstration(
    "furuta-pendulum",
    "A rotary inverted pendulum, upright, torque on the arm; unstable; the parameters are of a laboratory's size.",
    "Fantoni and Lozano 2002, Non-linear Control for Underactuated Mechanical Systems, Springer, chapter 6",
    {"arm": "0", "pole": "0", "arm_rate": "0", "pole_rate": "0", "torque": "0"},
)
def _furuta() -> NonlinearSystem:
    equations = """
        d11 = I0 + m*(L^2 + l^2*sin(pole)^2)
        d12 = m*l*L*cos(pole)
        d22 = m*l^2 + J
        r1 = torque + m*l*L*sin(pole)*pole_rate^2 - m*l^2*sin(2*pole)*arm_rate*pole_rate
        r2 = m*l^2*sin(pole)*cos(pole)*arm_rate^2 + m*g*l*sin(pole)
        arm' = arm_rate
        pole' = pole_rate
        arm_rate' = (d22*r1 - d12*r2)/(d11*d22 - d12^2)
        pole_rate' = (d11*r2 - d12*r1)/(d11*d22 - d12^2)
    """
    parameters = {"m": "0.1", "l": "0.15", "L": "0.2", "J": "0.001", "I0": "0.002", "g": "9.81"}
    return NonlinearSystem(["arm", "pole", "arm_rate", "pole_rate"], ["torque"], equations, parameters)


@nonlinear_demonstration(
    "acrobot-nonlinear",
    "Two rods in a vertical plane with a torque at the elbow, standing upright; unstable.",
    "Spong 1995, The swing up control problem for the acrobot, IEEE Control Systems Magazine 15(1):49-55",
    _UPRIGHT_RODS | {"T2": "0"},
)
def _acrobot() -> NonlinearSystem:
    return NonlinearSystem(["q1", "q2", "w1", "w2"], ["T2"], _TWO_RODS, _RODS | {"T1": "0"}, ["q1", "q2"])


@nonlinear_demonstration(
    "two-link-arm-nonlinear",
    "The rods of the acrobot with torques at shoulder and elbow, standing upright; unstable.",
    "Spong, Hutchinson and Vidyasagar 2006, Robot Modeling and Control, Wiley, chapter 7 (two-link planar arm)",
    _UPRIGHT_RODS | {"T1": "0", "T2": "0"},
)
def _two_link_arm() -> NonlinearSystem:
    return NonlinearSystem(["q1", "q2", "w1", "w2"], ["T1", "T2"], _TWO_RODS, _RODS, ["q1", "q2"])


@nonlinear_demonstration(
    "tora",
    "A cart on a spring with an eccentric rotor, torque on the rotor, all dimensionless; critical, controllable.",
    "Jankovic, Fontaine and Kokotovic 1996, TORA example: cascade- and passivity-based control designs, "
    "IEEE Transactions on Control Systems Technology 4(3):292-297, with eps = 0.1",
    {"x": "0", "v": "0", "angle": "0", "rate": "0", "u": "0"},
)
def _tora() -> NonlinearSystem:
    equations = """
        d = (1 - eps*cos(angle))*(1 + eps*cos(angle))
        x' = v
        v' = (-x + eps*rate^2*sin(angle) - eps*cos(angle)*u)/d
        angle' = rate
        rate' = (eps*cos(angle)*(x - eps*rate^2*sin(angle)) + u)/d
    """
    return NonlinearSystem(["x", "v", "angle", "rate"], ["u"], equations, {"eps": "0.1"})


@nonlinear_demonstration(
    "ball-and-beam",
    "A ball on a beam whose angular acceleration is the input; critical, controllable, no relative degree.",
    "Hauser, Sastry and Kokotovic 1992, Nonlinear control via approximate input-output linearization: the ball "
    "and beam example, IEEE Transactions on Automatic Control 37(3):392-398; solid ball, B = 5/7",
    {"r": "0", "v": "0", "angle": "0", "rate": "0", "u": "0"},
)
def _ball_and_beam() -> NonlinearSystem:
    equations = "r' = v; v' = B*(r*rate^2 - g*sin(angle)); angle' = rate; rate' = u"
    return NonlinearSystem(["r", "v", "angle", "rate"], ["u"], equations, {"B": "5/7", "g": "9.81"}, ["r"])


@nonlinear_demonstration(
    "flexible-joint",
    "A link on an elastic joint without damping, hanging; motor torque; critical, controllable.",
    "Spong 1987, Modeling and control of elastic joint robots, Journal of Dynamic Systems, Measurement, and "
    "Control 109(4):310-319; I = J = 1, MgL = 9.8, k = 100",
    {"q1": "0", "w1": "0", "q2": "0", "w2": "0", "torque": "0"},
)
def _flexible_joint() -> NonlinearSystem:
    equations = "q1' = w1; w1' = (-MgL*sin(q1) - k*(q1 - q2))/I; q2' = w2; w2' = (k*(q1 - q2) + torque)/J"
    parameters = {"I": "1", "J": "1", "MgL": "9.8", "k": "100"}
    return NonlinearSystem(["q1", "w1", "q2", "w2"], ["torque"], equations, parameters, ["q1"])


@nonlinear_demonstration(
    "magnetic-levitation-nonlinear",
    "A steel ball below an electromagnet, gap 1 cm at 7 A; input voltage; unstable.",
    f"{_TUTORIALS}, State-space methods: m=0.05, K=0.0001, L=0.01, R=1, g=9.8",
    {"gap": "0.01", "speed": "0", "current": "7", "voltage": "7"},
)
def _magnetic_levitation() -> NonlinearSystem:
    equations = "gap' = speed; speed' = g - K*current^2/(m*gap); current' = (voltage - R*current)/L"
    parameters = {"m": "0.05", "K": "0.0001", "L": "0.01", "R": "1", "g": "9.8"}
    return NonlinearSystem(["gap", "speed", "current"], ["voltage"], equations, parameters, ["gap"])


@nonlinear_demonstration(
    "watt-governor",
    "The centrifugal governor of a steam engine, dimensionless; stable because eps > 2 al be^(3/2).",
    "Sotomayor, Mello and Braga 2007, Bifurcation analysis of the Watt governor system, "
    "Computational and Applied Mathematics 26(1):19-44; eps = 1, al = 1, be = 1/2",
    {"x": "pi/3", "y": "0", "z": "sqrt(2)"},
)
def _watt_governor() -> NonlinearSystem:
    equations = "x' = y; y' = z^2*sin(x)*cos(x) - sin(x) - eps*y; z' = al*(cos(x) - be)"
    return NonlinearSystem(["x", "y", "z"], [], equations, {"eps": "1", "al": "1", "be": "1/2"})


# Vehicles


@nonlinear_demonstration(
    "planar-vtol",
    "A planar vertical take-off aircraft in hover, dimensionless, roll coupling 0.1; critical, controllable.",
    "Hauser, Sastry and Meyer 1992, Nonlinear control design for slightly non-minimum phase systems: application "
    "to V/STOL aircraft, Automatica 28(4):665-679",
    {"x": "0", "vx": "0", "y": "0", "vy": "0", "roll": "0", "rate": "0", "thrust": "1", "moment": "0"},
)
def _planar_vtol() -> NonlinearSystem:
    equations = """
        x' = vx
        vx' = -thrust*sin(roll) + eps*moment*cos(roll)
        y' = vy
        vy' = thrust*cos(roll) + eps*moment*sin(roll) - 1
        roll' = rate
        rate' = moment
    """
    states = ["x", "vx", "y", "vy", "roll", "rate"]
    return NonlinearSystem(states, ["thrust", "moment"], equations, {"eps": "0.1"}, ["x", "y"])


@nonlinear_demonstration(
    "unicycle",
    "A wheeled robot at rest: controllable, yet its linearisation is not, and no smooth feedback stabilises it.",
    "Brockett 1983, Asymptotic stability and feedback stabilization, in Differential Geometric Control Theory, "
    "Birkhauser, 181-191",
    {"x": "0", "y": "0", "heading": "0", "speed": "0", "turn": "0"},
)
def _unicycle() -> NonlinearSystem:
    equations = "x' = speed*cos(heading); y' = speed*sin(heading); heading' = turn"
    return NonlinearSystem(["x", "y", "heading"], ["speed", "turn"], equations)


@nonlinear_demonstration(
    "f8-crusader",
    "Longitudinal flight of an F-8 at Mach 0.85 and 30 000 ft: angle of attack, pitch, pitch rate; elevator; critical.",
    "Garrard and Jordan 1977, Design of nonlinear automatic flight control systems, Automatica 13(5):497-505",
    {"alpha": "0", "pitch": "0", "rate": "0", "elevator": "0"},
)
def _f8() -> NonlinearSystem:
    equations = """
        a = alpha
        e = elevator
        alpha' = (-0.877*a + rate - 0.088*a*rate + 0.47*a^2 - 0.019*pitch^2 - a^2*rate + 3.846*a^3
                  - 0.215*e + 0.28*a^2*e + 0.47*a*e^2 + 0.63*e^3)
        pitch' = rate
        rate' = (-4.208*a - 0.396*rate - 0.47*a^2 - 3.564*a^3
                 - 20.967*e + 6.265*a^2*e + 46*a*e^2 + 61.4*e^3)
    """
    return NonlinearSystem(["alpha", "pitch", "rate"], ["elevator"], equations)


@nonlinear_demonstration(
    "euler-rigid-body",
    "A free rigid body spinning about its middle axis of inertia, with three torques; unstable.",
    "Goldstein 1980, Classical Mechanics, 2nd ed., Addison-Wesley, chapter 5; moments of inertia 1, 2, 3",
    {"w1": "0", "w2": "1", "w3": "0", "T1": "0", "T2": "0", "T3": "0"},
)
def _rigid_body() -> NonlinearSystem:
    equations = "w1' = ((I2 - I3)*w2*w3 + T1)/I1; w2' = ((I3 - I1)*w1*w3 + T2)/I2; w3' = ((I1 - I2)*w1*w2 + T3)/I3"
    return NonlinearSystem(["w1", "w2", "w3"], ["T1", "T2", "T3"], equations, {"I1": "1", "I2": "2", "I3": "3"})
