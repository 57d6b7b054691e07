"""A model for the user's own plants: `hybrid train`."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hybrid.errors import MissingDependencyError, ProblemError

from .cli_options import require_writable

if TYPE_CHECKING:
    from hybrid.export.fine_tune import FineTuning, Standing


_EQUATIONS = ("pde", "equations", "stability", "controllability")
"""In the place of plants: models that read or judge random equations of their own; see export/equation_tasks.py."""


@click.command(short_help="Train a model for your own family of plants.")
@click.argument("plants", metavar="PLANTS", type=click.Path())
@click.option("--out", metavar="FILE", required=True, help="The model to write, .onnx; its card beside it, .json.")
@click.option("--output", is_flag=True, help="A model that feeds back the outputs alone: u = -K y.")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), default=10, show_default=True, help="Of training.")
@click.option("--count", type=click.IntRange(1), help="End after so many random plants, if that comes first.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of division, data, weights.")
@click.option("--start-from", metavar="FILE", help="The model to start from; by default the shipped one.")
@click.option(
    "--size", type=click.Choice(("small", "full")), help="Of a network that reads equations; by default full on a GPU."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: the card, and whether it was written.")
def train(
    plants: str,
    out: str,
    output: bool,
    minutes: float,
    count: int | None,
    seed: int,
    start_from: str | None,
    size: str | None,
    as_json: bool,
) -> None:
    """Train a model for a family of plants: a folder of plant files, an .npz or .mat file with stacks, or a JSON list.

    All plants have the same number of states. A fifth of them is held out: no training data come from these, and they
    do not choose the weights; on them the models before and after are compared by the solver's own verifier. The
    others are varied at random: points on lines between two plants, and relative noise on every entry.

    \b
    hybrid train    rotors/ --out rotors.onnx --minutes 5
    hybrid feedback rotor-7.toml --model rotors.onnx
    hybrid train    pde --out runs/pde --minutes 60

    Four words in the place of PLANTS train the networks that read equations, on random ones of their own: pde (partial
    differential equations), equations (Jacobians), stability and controllability (verdicts on Jacobians). FILE is then
    a folder, for the model, its card, a log, and a checkpoint from which the next run goes on.

    Needs the extra [train]. Ctrl-C ends the training and writes the best model so far. A model that lies at FILE
    already is replaced only by one that does better on the held-out plants.
    """  # noqa: D301 - click reads \b as: keep these lines
    for package in ("torch", "onnx"):
        if find_spec(package) is None:
            raise MissingDependencyError(package, "train")
    if plants in _EQUATIONS and not Path(plants).exists():
        if output or count is not None or as_json:
            raise click.UsageError(f"--output, --count and --json are for plants, not for {plants}")
        _train_equations(plants, out, minutes, seed, start_from, size)
        return
    if size is not None:
        raise click.UsageError("--size is for networks that read equations")
    target = _target(out, plants)
    from hybrid.export.fine_tune import FineTuning
    from hybrid.export.plant_family import Family

    family = Family.read(plants, seed, output=output)
    for file in family.skipped:
        click.echo(f"hybrid: {file.name} left out: {file.reason}", err=True)
    tuning = FineTuning(
        family, output=output, minutes=minutes, samples=count, seed=seed, start_from=start_from, target=target
    )
    _train(tuning, minutes)
    written = tuning.write()
    if tuning.target != target:
        click.echo(f"hybrid: {target} could not be written; the model lies in {tuning.target}", err=True)
    card = tuning.card()
    click.echo(json.dumps(card | {"written": written}) if as_json else _as_text(tuning, tuning.target, written))


def _train_equations(name: str, out: str, minutes: float, seed: int, start_from: str | None, size: str | None) -> None:
    """Train in a folder, going on where it was left; a line of JSON on stdout for each look at the model."""
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise ProblemError("--out", out, "a folder")
    from hybrid.export import equation_tasks, training

    chosen = equation_tasks.chosen(name, size)
    settings = training.Settings(seed, chosen.batch, chosen.rate, minutes, start_from)
    try:
        training.train(chosen.task, settings, folder, folder, resume=True, every=min(2.0, minutes))
    except KeyboardInterrupt:
        if not (folder / chosen.file).exists():
            raise
        click.echo("hybrid: ended early; the best model so far is kept", err=True)
    click.echo(f"The model and its card: {folder / chosen.file}. Measure it by hybrid eval paper.", err=True)


def _target(out: str, plants: str) -> Path:
    """Where the model goes, refused before anything is trained if it cannot go there.

    Raises:
        ProblemError: another suffix, a place that cannot be written to, or one whose card would replace other data.
    """
    require_writable("--out", out)
    target = Path(out)
    if target.suffix != ".onnx":
        raise ProblemError("--out", out, "a file name that ends in .onnx")
    card = target.with_suffix(".json")
    if card.exists() and (not target.exists() or card.resolve() == Path(plants).resolve()):
        raise ProblemError("--out", out, f"another name, as the card would replace {card.name}")
    return target


def _train(tuning: FineTuning, minutes: float) -> None:
    """To the end, or until the user ends it; a line on stderr for each time that the weights are looked at."""
    family = tuning.family
    began = "fresh weights" if tuning.start is None else tuning.start
    click.echo(
        f"{len(family.training)} plants to train on, {len(family.held_out)} held out; n = {family.n}; from {began}\n"
        f"before: {tuning.before.held_out} of the held-out plants proved",
        err=True,
    )
    try:
        for standing in tuning.run():
            click.echo(_line(standing, 60 * minutes), err=True)
    except KeyboardInterrupt:
        click.echo("hybrid: ended early; the best model so far is kept", err=True)


def _line(standing: Standing, seconds: float) -> str:
    left = max(0.0, seconds - standing.seconds)
    mark = " (best so far)" if standing.kept else ""
    return f"{_clock(standing.seconds)} trained, {_clock(left)} left: {standing.held_out}{mark}"


def _clock(seconds: float) -> str:
    """Minutes and seconds.

    >>> _clock(75.2)
    '1:15'
    """
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _as_text(tuning: FineTuning, target: Path, written: bool) -> str:
    before, after = tuning.before.held_out, tuning.best.held_out
    lines = [f"Held-out plants proved before: {before}.", f"Held-out plants proved after:  {after}."]
    if tuning.best is tuning.before:
        lines.append("No weights were better on random plants around yours; these are those it started from.")
    if written:
        lines.append(f"Written: {target} and {target.with_suffix('.json').name}. Use it by --model {target}.")
    else:
        lines.append(f"Not written: the model in {target} does as well on the held-out plants.")
    return "\n".join(lines)
