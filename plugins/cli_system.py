"""The SYSTEM argument and the options beside it: a linear or nonlinear system, and the point that is asked about."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from hybrid.errors import ProblemError
from hybrid.systems.linear import LinearSystem
from hybrid.systems.nonlinear import FREE, NonlinearSystem
from hybrid.systems.plants import NonlinearPlant, every_plant
from hybrid.systems.reading import FORMATS, read_with_point
from hybrid.systems.reading_equations import from_shell, is_equations, parse_assignments, with_parameters

Command = TypeVar("Command", bound=Callable[..., Any])
Loaded = tuple[LinearSystem | NonlinearSystem, Mapping[str, Any] | None]


class SystemName(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.2
    """A file, `-`, the name of a demonstration plant, or equations; a file of that name wins."""

    name = "system"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Plants and readable files of this folder; anything else the shell completes as a file."""
        files = sorted(entry.name for entry in Path().iterdir() if entry.suffix in FORMATS)
        matches = [name for name in [*plant_names(), *files] if name.startswith(incomplete)]
        return [CompletionItem(name) for name in matches] or [CompletionItem(incomplete, type="file")]


class PlantName(click.ParamType):  # type: ignore[type-arg]
    """The name of a demonstration plant."""

    name = "plant"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The plants whose names begin like that."""
        return [CompletionItem(name) for name in plant_names() if name.startswith(incomplete)]


def plant_names() -> list[str]:
    """The demonstration plants, linear ones first, each in alphabetical order."""
    return [plant.name for plant in every_plant()]


def load_system(
    text: str,
    inputs: str | None = None,
    parameters: Mapping[str, str] | None = None,
    dt: str | None = None,
    time: str | None = None,
) -> Loaded:
    """The system in a file, on standard input, in the library of plants, or in equations; with its operating point.

    Args:
        text: the SYSTEM argument.
        inputs: names divided by commas; of equations alone, which do not say what is an input.
        parameters: values, in place of those of a file or plant.
        dt: the sample time of equations.
        time: the name of time in equations.

    Raises:
        ProblemError: there is none of that name, or what is there cannot be read.
    """
    if not (text == "-" or os.path.exists(text)) and is_equations(text):
        names = [name.strip() for name in inputs.split(",")] if inputs else []
        return from_shell(text, names, parameters or {}, dt, time), None
    for option, value in (("--inputs", inputs), ("--dt", dt), ("--time", time)):
        if value is not None:
            raise ProblemError(option, value, "nothing, as SYSTEM is a name and says this itself")
    system, at = _named(text)
    if isinstance(system, NonlinearSystem):
        values = parameters or {}  # time may be among them, which is no coordinate then
        place = None if at is None else {name: value for name, value in at.items() if name not in values}
        return with_parameters(system, values), place
    if parameters:
        expected = "a nonlinear system, as a linear one has no parameters"
        raise ProblemError("--param or --symbolic", next(iter(parameters)), expected)
    return system, at


def _named(name: str) -> Loaded:
    if name == "-" or os.path.isfile(name):
        return read_with_point(name)
    plants = {plant.name: plant for plant in every_plant()}
    names = list(plants)
    if name in plants:
        plant = plants[name]
        return plant.system, plant.at if isinstance(plant, NonlinearPlant) else None
    if os.path.exists(name):  # a folder or a device: reading says what is wrong with it
        return read_with_point(name)
    from difflib import get_close_matches

    close = get_close_matches(name[:60], names, n=3, cutoff=0.5)
    near = f" (close names: {', '.join(close)})" if close else ""
    expected = f"an existing file, -, a plant that `hybrid plants` lists, or equations{near}"
    raise ProblemError("SYSTEM", name, expected)


def system_options(command: Command) -> Command:
    """SYSTEM, --inputs, --param and --dt, handed to the command as `system`, and --at as the point `at`."""

    @click.argument("name", type=SystemName(), metavar="SYSTEM")
    @click.option("--at", metavar="POINT", help="Of a nonlinear system: x=0,y=pi/2 and inputs; a guess will do.")
    @click.option("--param", "parameters", metavar="NAME=VALUE", multiple=True, help="Set a parameter; repeatable.")
    @click.option("--inputs", metavar="NAMES", help="Of equations: which symbols are inputs, as u,v.")
    @click.option("--dt", metavar="SECONDS", help="Of equations: the sample time, where x' is the next x.")
    @click.option("--time", metavar="NAME", help="Of equations: which symbol is time, for controllability over time.")
    @functools.wraps(command)
    def with_system(
        *args: Any,
        name: str,
        at: str | None,
        parameters: tuple[str, ...],
        inputs: str | None,
        dt: str | None,
        time: str | None,
        **rest: Any,
    ) -> Any:
        values = parse_assignments(",".join(parameters), "--param") if parameters else {}
        free = rest.get("symbolic") or {}
        for parameter in values.keys() & free:
            expected = "either a value by --param or no value by --symbolic"
            raise ProblemError("--param", f"{parameter}={values[parameter]} beside --symbolic {parameter}", expected)
        system, standard = load_system(name, inputs, {**values, **dict.fromkeys(free, FREE)}, dt, time)
        if at is not None:
            point: Any = parse_assignments(at, "--at")
        else:
            point = _moved(system, standard) if values else standard
        return command(*args, system=system, at=point, **rest)

    return with_system  # type: ignore[return-value]


def _moved(system: LinearSystem | NonlinearSystem, at: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The equilibrium near a standard point, for which other parameters leave it a guess."""
    if at is None or not isinstance(system, NonlinearSystem) or system.free:
        return at
    from hybrid.verify.equilibrium import locate

    found = locate(system, at).equilibrium
    return at if found is None else found.point


def at_point_option(command: Command) -> Command:
    """--at-point: no equilibrium is looked for."""
    text = "Ask about the Jacobian at the point of --at itself, equilibrium or not."
    return click.option("--at-point", is_flag=True, help=text)(command)


def model_options(command: Command) -> Command:
    """--model and --model-first, handed to the command as `model`."""

    @click.option("--model-first", is_flag=True, help="Of equations: a network proposes the Jacobian to prove with.")
    @click.option("--model", metavar="FOLDER", help="Let the network of this folder propose it.")
    @functools.wraps(command)
    def with_model(*args: Any, model_first: bool, model: str | None, **rest: Any) -> Any:
        return command(*args, model=model_first if model is None else model, **rest)

    return with_model  # type: ignore[return-value]


def paper_option(command: Command) -> Command:
    """--paper: the reading of Charton, Hayat and Lample 2020."""
    text = "As the paper reads it: at the point (0.01, 0.9, 0.5 by task if none is given), complex values allowed."
    return click.option("--paper", is_flag=True, help=text)(command)


def require_equations(system: LinearSystem | NonlinearSystem) -> NonlinearSystem:
    """The system, where it has equations.

    Raises:
        ProblemError: it is linear.
    """
    if not isinstance(system, NonlinearSystem):
        raise ProblemError("SYSTEM", "a linear system", "a nonlinear one, given by equations")
    return system


def require_nonlinear(system: LinearSystem | NonlinearSystem) -> NonlinearSystem:
    """The system, where it has equations and a number for every parameter.

    Raises:
        ProblemError: it is linear, or a parameter is free.
    """
    found = require_equations(system)
    if found.free:
        raise ProblemError(f"parameters.{found.free[0]}", "no value", f"a number, as by --param {found.free[0]}=1")
    return found
