"""The command line on nonlinear systems: equations from the shell, points, equilibria, regions, conditions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import hybrid
from hybrid.plugins import cli_equilibria
from hybrid.plugins.cli import cli
from hybrid.plugins.cli_nonlinear import read_gain

PENDULUM = "x' = y; y' = -sin(x) - y/10"
DRIVEN = "x' = y; y' = sin(x) - y/10 + u"
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def invoke(*words: str, stdin: str | bytes | None = None) -> Result:
        return CliRunner().invoke(cli, words, input=stdin, catch_exceptions=False)

    return invoke


# Questions near an equilibrium


@pytest.mark.parametrize(
    ("words", "code", "first_line"),
    [
        (["stability", PENDULUM, "--at", "x=0,y=0"], 0, "PROVED: locally exponentially stable at x = 0, y = 0: every"),
        (["stability", PENDULUM, "--at", "x=pi,y=0"], 1, "DISPROVED: unstable at x = 3.1415927…"),
        (["stability", PENDULUM, "--decay", "0.04"], 0, "PROVED: every pole of the linearisation has real part"),
        (["stability", PENDULUM, "--decay", "1"], 1, "DISPROVED: not every pole of the linearisation has real"),
        (["stability", "x' = y; y' = -sin(x)"], 3, "UNDECIDED: The linearisation has an eigenvalue on the stability"),
        (["stability", "x' = x^2 - 2", "--at", "x=1"], 3, "UNDECIDED: "),
        (["stability", "x' = x^2 - 2", "--at", "x=1", "--at-point"], 1, "DISPROVED: the linearisation at the point x"),
        (["stability", "x' = 3.2*x*(1 - x)", "--dt", "1", "--at", "x=11/16"], 1, "DISPROVED: unstable at x = 0.6875"),
        (["stability", "logistic-map", "--param", "r=2.9"], 0, "PROVED: locally exponentially stable at x = 19/29"),
        (["controllability", DRIVEN, "--inputs", "u"], 0, "PROVED: the linearisation at x = 0, y = 0 is controllable"),
        (["controllability", "unicycle"], 1, "DISPROVED: the linearisation at x = 0, y = 0, heading = 0 is unc"),
        (["stabilizability", "chemostat"], 0, "PROVED: the linearisation at s = 0.25, x = 0.375 is stabilizable"),
        (["observability", "duffing"], 0, "PROVED: the linearisation at x = 1, v = 0 is observable"),
        (["detectability", "duffing"], 0, "PROVED: the linearisation at x = 1, v = 0 is detectable"),
        (["feedback", DRIVEN, "--inputs", "u"], 0, "PROVED: locally stabilised at x = 0, y = 0: with u = u* - K"),
        (["feedback", "x' = x; y' = u - y^3", "--inputs", "u"], 1, "DISPROVED: no gain K gives every pole of the"),
    ],
)  # fmt: skip
def test_exit_codes_and_first_lines(run: Run, words: list[str], code: int, first_line: str) -> None:
    result = run(*words)
    assert result.stdout.startswith(first_line)
    assert result.exit_code == code
    assert result.stderr == ""


def test_the_point_of_a_file_is_asked_about_unless_another_is_given(run: Run) -> None:
    equations = "equations = \"x' = y; y' = -sin(x) - k*y\""
    Path("p.toml").write_text(f"{equations}\nat = {{x = 'pi', y = 0}}\nparameters = {{k = 1}}")
    assert run("stability", "p.toml").exit_code == 1
    assert run("stability", "p.toml", "--at", "x=0,y=0").exit_code == 0
    assert run("stability", "p.toml", "--at", "x=0,y=0", "--param", "k=-1").exit_code == 1
    printed = run("plants", "chemostat", "--json").stdout
    assert run("stability", "-", stdin=printed).stdout.startswith("PROVED: locally exponentially stable at s = 0.25")


def test_every_plant_printed_as_json_is_itself(run: Run) -> None:
    from hybrid.systems.plants import nonlinear_plants
    from hybrid.systems.reading import read_with_point

    for plant in nonlinear_plants():
        Path("mine.json").write_text(run("plants", plant.name, "--json").stdout)
        assert read_with_point("mine.json") == (plant.system, plant.at)


def test_an_enclosed_equilibrium_is_printed_with_its_law(run: Run) -> None:
    words = ["feedback", "x' = x^2 - 2 + u", "--inputs", "u", "--at", "x=sqrt(2)"]
    text = run(*words).stdout
    assert "x in [1.414213562" in text
    assert "u = u* - K (x - x*) with u* = (0)" in text
    document = json.loads(run(*words, "--json").stdout)
    lower, upper = document["point"]["x"]
    assert lower**2 <= 2 <= upper**2
    assert upper - lower < 1e-14
    assert document["point"]["u"] == [0, 0]
    assert document["system"]["n"] == 1


def test_latex_names_the_point_and_the_law() -> None:
    system = hybrid.NonlinearSystem(["a_b"], ["u"], "a_b^2 - 1 + u")
    text = hybrid.feedback(system, at={"a_b": 1}, model=False)._repr_latex_()
    assert r"\mathit{a\_b} = 1" in text
    assert "u = u^* - K (x - x^*)" in text


def test_a_saved_answer_is_checked_against_its_system(run: Run) -> None:
    assert run("stability", "pendulum", "--save", "c.json").exit_code == 0
    assert run("check", "c.json", "--system", "pendulum").exit_code == 0
    assert run("check", "c.json", "--system", "duffing").exit_code == 4
    assert run("check", "c.json", "--system", "dc-motor").exit_code == 4


def test_a_phase_plane_is_drawn(run: Run) -> None:
    assert run("stability", "pendulum", "--plot", "p.png").exit_code == 0
    assert Path("p.png").read_bytes().startswith(b"\x89PNG")
    assert run("feedback", "pendulum", "--at", "angle=pi,rate=0", "--plot", "p.svg").exit_code == 0
    assert Path("p.svg").read_bytes().startswith(b"<?xml")


# Bad input


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["x' = __import__('os').system('touch owned')"], "line 1, column 6: got unknown function __import__"),
        (["x' = x.__class__"], "line 1, column 7"),
        (["x' = (lambda: 1)()"], "line 1, column 7: got unknown symbol lambda"),
        (["x' = [y for y in x]"], "line 1, column 6"),
        (["x' = 9**9**9**9"], "line 1, column"),
        (["x' = " + "(" * 10_000 + "x" + ")" * 10_000], "deeper nesting"),
        (["x' = k*x"], "line 1, column 6: got unknown symbol k"),
        (["x' = foo(x)"], "line 1, column 6: got unknown function foo"),
        (["x' = x; x' = 2*x"], "line 1, column 9: got a second equation for x"),
        (["x' = x; y = 1; y = 2"], "line 1, column 16: got a second meaning of y"),
        (["x' = x", "--inputs", "x"], "got x twice"),
        (["x' = 1/x", "--at", "x=0"], "line 1, column 7: got a division"),
        (["x' = log(x)", "--at", "x=-1"], "line 1, column 6"),
        (["x' = abs(x)", "--at", "x=0"], "line 1, column 6"),
        (["x' = sqrt(x)", "--at", "x=0"], "line 1, column 6"),
        (["x' = x", "--at", "z=0"], "at: got z, expected one of x"),
        (["x' = x; y' = y", "--at", "x=0"], "y: got no value"),
        (["x' = x", "--at", "x"], "--at: got 'x', expected assignments"),
        (["x' = x", "--at", "x=0,x=1"], "--at: got x twice"),
        (["x' = x", "--at", "x=nonsense"], "x, line 1, column 1: got unknown symbol nonsense"),
        (["x' = x", "--at-point"], "at: got nothing"),
        (["x' = x", "--dt", "-1"], "dt: got -1"),
        (["x' = x", "--param", "k"], "--param: got 'k'"),
        (["pendulum", "--inputs", "u"], "--inputs: got u"),
        (["pendulum", "--param", "z=1"], "parameters: got z, expected one of m, l, k, g"),
        (["dc-motor", "--param", "z=1"], "got z, expected a nonlinear system"),
        (["dc-motor", "--at", "x=1"], "at: got"),
        (["x' = "], "line 1"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_one_sentence(run: Run, words: list[str], message: str) -> None:
    result = run("stability", *words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert len(result.stderr) < 400
    assert list(Path().iterdir()) == []


def test_a_parameter_without_a_value(run: Run) -> None:
    Path("p.json").write_text('{"equations": {"x": "-k*x"}, "parameters": {"k": null}}')
    assert "parameters.k: got no value" in run("stability", "p.json").stderr
    assert "parameters.k: got no value" in run("equilibria", "p.json").stderr
    assert run("stability", "p.json", "--param", "k=1").exit_code == 0


def test_an_enormous_line_is_refused(run: Run) -> None:
    text = json.dumps({"equations": {"x": "x+" * 5_000_000 + "x"}})
    result = run("stability", "-", stdin=text)
    assert result.exit_code == 2
    assert "10000001 characters, expected at most" in result.stderr


def test_json_errors_hold_line_and_column(run: Run) -> None:
    error = json.loads(run("stability", "x' = k*x", "--json").stdout)["error"]
    assert (error["type"], error["line"], error["column"]) == ("ParseError", 1, 6)


# Equilibria


def test_all_equilibria_of_a_box(run: Run) -> None:
    result = run("equilibria", "lorenz", "--box", "x=-20:20,y=-20:20,z=-5:40", "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["status"], document["undecided"]) == (0, "proved", [])
    found = sorted(each["point"]["x"][0] for each in document["equilibria"])
    assert found == pytest.approx([-(72**0.5), 0, 72**0.5])
    exact = [each["exact"] for each in document["equilibria"] if each["exact"]]
    assert exact == [{"x": "0", "y": "0", "z": "0"}]
    text = run("equilibria", "lorenz", "--box", "x=-20:20,y=-20:20,z=-5:40").stdout
    assert text.startswith("PROVED: the box holds exactly 3 equilibria.")
    assert "[8.48528137423, 8.48528137424]" in text


@pytest.mark.parametrize(
    ("words", "code", "start"),
    [
        (["x' = x^2 + 1", "--box", "x=-3:3"], 0, "PROVED: the box holds no equilibrium."),
        (["x' = x - u", "--inputs", "u", "--box", "x=-3:3,u=1/2"], 0, "PROVED: the box holds exactly 1 equilibrium."),
        (["x' = x - y; y' = y - x", "--box", "x=-1:1,y=-1:1", "--timeout", "0.2"], 3, "UNDECIDED: "),
        (["x' = x^2 - 2", "--at", "x=1"], 0, "PROVED: an equilibrium near the point, which is none itself."),
        (["x' = x^2 - 4", "--at", "x=2"], 0, "PROVED: the point is an equilibrium."),
        (["x' = x^2 - 2"], 0, "PROVED: an equilibrium near the origin."),
        (["x' = x^2 + 1"], 3, "UNDECIDED: no equilibrium was proved."),
    ],
)  # fmt: skip
def test_equilibria_and_exit_codes(run: Run, words: list[str], code: int, start: str) -> None:
    result = run("equilibria", *words)
    assert result.stdout.startswith(start)
    assert result.exit_code == code
    assert json.loads(run("equilibria", *words, "--json").stdout)["status"] in start.lower()


def test_the_residual_of_a_point_that_is_none_is_told(run: Run) -> None:
    document = json.loads(run("equilibria", "x' = x^2 - 2", "--at", "x=1", "--json").stdout)
    assert document["residual"] == [[1, 1]]
    assert "|f| reaches 1 there" in run("equilibria", "x' = x^2 - 2", "--at", "x=1").stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dc-motor", "--box", "x=0:1"], "SYSTEM: got a linear system"),
        (["x' = x", "--box", "x=1:0"], "--box, x: got 1:0"),
        (["x' = x; y' = y", "--box", "x=0:1"], "y: got no value"),
        (["x' = x", "--box", "x=0:1", "--timeout", "0"], "--timeout: got 0"),
        (["x' = x", "--box", "x=0:1", "--plot", "p.gif"], "plot"),
        (["x' = x", "--plot", "p.png"], "expected a --box as well"),
    ],
)  # fmt: skip
def test_refused_boxes(run: Run, words: list[str], message: str) -> None:
    result = run("equilibria", *words)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert message in result.stderr


def test_the_box_is_drawn(run: Run) -> None:
    assert run("equilibria", "duffing", "--box", "x=-2:2,v=-1:1", "--plot", "e.pdf").exit_code == 0
    assert Path("e.pdf").read_bytes().startswith(b"%PDF")


def test_progress_appears_late_and_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        written = ""

        def isatty(self) -> bool:
            return True

        def write(self, text: str) -> None:
            self.written += text

        def flush(self) -> None: ...

    terminal = Terminal()
    monkeypatch.setattr(cli_equilibria.sys, "stderr", terminal)
    with cli_equilibria.late_progress("Searching") as progress:
        progress(0.3)
    assert terminal.written == ""
    monkeypatch.setattr(cli_equilibria, "_QUIET_SECONDS", -1)
    with cli_equilibria.late_progress("Searching") as progress:
        progress(0.3)
        progress(1)
    assert "Searching" in terminal.written


# Regions and responses


def test_a_region_is_proved_saved_and_drawn(run: Run) -> None:
    words = ["region", "van-der-pol-reversed", "--timeout", "8"]
    result = run(*words, "--save", "r.json", "--plot", "r.png")
    assert result.stdout.startswith("PROVED: every motion that starts where V(x) <= c stays there")
    assert result.exit_code == 0
    assert json.loads(Path("r.json").read_text())["claim"]["about"] == "region of attraction"
    assert Path("r.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads(run(*words, "--json").stdout)["volume"][0] > 1


def test_an_unstable_equilibrium_has_no_region(run: Run) -> None:
    result = run("region", "van-der-pol", "--timeout", "6", "--save", "r.json")
    assert (result.exit_code, result.stdout) == (3, "UNDECIDED: no region of attraction was proved.\n")
    assert not Path("r.json").exists()


def test_a_gain_has_a_region_and_a_response(run: Run) -> None:
    upright = ["pendulum", "--at", "angle=pi,rate=0"]
    assert run("feedback", *upright, "--decay", "1", "--save", "k.json").exit_code == 0
    result = run("region", "pendulum", "--gain", "k.json", "--timeout", "8")
    assert "every motion under u = u* - K (x - x*)" in result.stdout
    response = run("simulate", "pendulum", "--gain", "k.json", "--start", "angle=3", "--plot", "s.png")
    assert "a simulation proves nothing" in response.stdout
    assert Path("s.png").read_bytes().startswith(b"\x89PNG")
    document = json.loads(run("simulate", "pendulum", "--gain", "k.json", "--seconds", "30", "--json").stdout)
    assert document["t"][-1] == pytest.approx(30)
    assert document["x"][-1] == pytest.approx([3.141592653589793, 0], abs=1e-6)


def test_a_linear_system_is_simulated_too(run: Run) -> None:
    assert run("feedback", "double-integrator", "--save", "k.json").exit_code == 0
    document = json.loads(run("simulate", "double-integrator", "--gain", "k.json", "--json").stdout)
    assert abs(document["x"][-1][0]) < abs(document["x"][0][0])


@pytest.mark.parametrize(
    "text", ["nonsense", "[1, 2]", "[[1]]", "[[1, 2], [3, 4]]", '{"claim": {}}', "[[1, null]]", "[]", "3"]
)
def test_gains_that_are_none(run: Run, text: str) -> None:
    result = run("simulate", "pendulum", "--gain", text)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "--gain" in result.stderr


def test_a_gain_keeps_its_digits() -> None:
    (row,), point = read_gain("[[0.1, 1e-3]]", hybrid.LinearSystem([[0, 1], [0, 0]], [[0], [1]]))
    assert ([str(entry) for entry in row], point) == (["1/10", "1/1000"], None)


# Conditions


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (["stability", "x' = v; v' = -(k*x + c*v)/m", "--symbolic", "k,c,m>0"], ["c > 0", "k > 0"]),
        (["stability", "x'=y; y'=z; z'=-z - k*y - x", "--symbolic", "k"], ["k > 1"]),
        (["stability", "brusselator", "--symbolic", "a>0,b", "--at", "x=a,y=b/a"], ["a**2 - b + 1 > 0"]),
        (["stability", "lorenz", "--symbolic", "r", "--at", "x=0,y=0,z=0"], ["r < 1"]),
        (["stability", "lorenz", "--symbolic", "r", "--at", "x=sqrt(b*(r-1)),y=sqrt(b*(r-1)),z=r-1"],
         ["r < 470/19", "r > 1"]),
        (["stability", "logistic-map", "--symbolic", "r", "--at", "x=1-1/r"], ["r < 3", "r > 1"]),
        (["controllability", "pendulum", "--symbolic", "m,l"], ["l != 0", "m != 0"]),
        (["controllability", "x' = a*x + u; y' = b*y + u", "--inputs", "u", "--symbolic", "a,b"], ["a - b != 0"]),
    ],
)  # fmt: skip
def test_conditions(run: Run, words: list[str], lines: list[str]) -> None:
    result = run(*words)
    assert result.stdout.startswith("CONDITIONS: ")
    assert [line.strip() for line in result.stdout.splitlines()[2:]] == lines
    assert result.exit_code == 0
    assert json.loads(run(*words, "--json").stdout)["conditions"] == lines


def test_conditions_hold_where_the_equations_are_defined(run: Run) -> None:
    result = run("stability", "x' = log(k) - log(x)", "--symbolic", "k", "--at", "x=k", "--json")
    assert json.loads(result.stdout)["conditions"] == ["k > 0"]


def test_conditions_at_a_point_do_not_speak_of_an_equilibrium(run: Run) -> None:
    assert "locally" not in run("stability", "x' = k*x + 1", "--symbolic", "k", "--at", "x=0", "--at-point").stdout


def test_conditions_that_always_or_never_hold(run: Run) -> None:
    always = run("stability", "x' = k - x", "--symbolic", "k", "--at", "x=k")
    assert (always.exit_code, always.stdout[:7]) == (0, "PROVED:")
    never = run("stability", "x' = x + k*x^2", "--symbolic", "k")
    assert (never.exit_code, never.stdout[:10]) == (1, "DISPROVED:")


def test_conditions_are_true_just_where_the_numbers_are_stable(run: Run) -> None:
    """Of the governor: 2 eps² > 1, and eps > 0."""
    for eps, code in (("0.70", 1), ("0.71", 0)):
        assert run("stability", "watt-governor", "--param", f"eps={eps}").exit_code == code
    conditions = json.loads(run("stability", "watt-governor", "--symbolic", "eps", "--json").stdout)["conditions"]
    assert conditions == ["2*eps - sqrt(2) > 0", "eps > 0"]


@pytest.mark.parametrize(
    ("words", "suffix"),
    [(["--symbolic", "k"], "png"), (["--symbolic", "k,c"], "svg"), (["--symbolic", "k,c", "--range", "k=0:1"], "pdf")],
)
def test_stability_regions_are_drawn(run: Run, words: list[str], suffix: str) -> None:
    Path("p.yaml").write_text("{equations: {x: v, v: -k*x - c*v + x^3}, parameters: {k: 1, c: 1}}")
    assert run("stability", "p.yaml", *words, "--plot", f"r.{suffix}").exit_code == 0
    assert Path(f"r.{suffix}").stat().st_size > 1000


def test_the_region_drawn_is_the_region() -> None:
    import numpy as np
    from sympy import symbols

    from hybrid.plugins.symbolic_plot import _holds, evaluate

    k, c = symbols("k c", real=True)
    values = {"k": np.array([[-1.0, 2.0]]), "c": np.array([[3.0, 3.0]])}
    assert _holds((k > 0) & (c * k**2 - 1 > 0), values).tolist() == [[False, True]]
    assert evaluate(c / k - 1, values).tolist() == [[-4, 0.5]]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["x' = -k*x", "--symbolic", "k,k"], "--symbolic: got 'k'"),
        (["x' = -k*x", "--symbolic", "k>1"], "--symbolic: got 'k>1'"),
        (["pendulum", "--symbolic", "z"], "parameters: got z"),
        (["dc-motor", "--symbolic", "z"], "got z, expected a nonlinear system"),
        (["x' = k - x", "--symbolic", "k"], "at: got a point with x' = k, expected an equilibrium for all values of k"),
        (["x' = -k*x", "--symbolic", "k", "--save", "c.json"], "--save"),
        (["x' = -k*l*m*x", "--symbolic", "k,l,m", "--plot", "p.png"], "--plot: got 3 free parameters"),
        (["x' = -k*x", "--symbolic", "k", "--plot", "p.png", "--range", "l=0:1"], "--range: got l"),
    ],
)  # fmt: skip
def test_refused_conditions(run: Run, words: list[str], message: str) -> None:
    result = run("stability", *words)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert message in result.stderr
    assert not Path("p.png").exists()


def test_help_names_every_command(run: Run) -> None:
    shown: Any = run("--help").stdout
    assert all(f"  {name} " in shown for name in ("equilibria", "region", "simulate"))
    for name in ("equilibria", "region", "simulate", "stability"):
        assert run(name, "--help").exit_code == 0
