"""How well the models do: `hybrid eval feedback` on systems and plants, `hybrid eval paper` on equations."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from .cli_equilibria import late_progress
from .cli_options import require_writable, write_bytes

if TYPE_CHECKING:
    from hybrid.export.evaluation import Score
    from hybrid.export.evaluation_sets import Skipped

_INTERRUPTED = 130
_GENERATED = ("families", "orders", "inputs", "outputs", "discrete", "count", "seed")


@click.command(short_help="How often the models' gains are proved, and what the fallbacks do.")
@click.option("--plants", metavar="DIR", help="Ask about the plant files of a folder, not about generated systems.")
@click.option("--family", "families", metavar="NAME", multiple=True, help="Of generated systems, or all; repeatable.")
@click.option("--n", "orders", type=click.IntRange(2, 40), multiple=True, help="States; repeatable.")
@click.option("--inputs", type=click.IntRange(1, 20), multiple=True, help="Inputs m; repeatable.")
@click.option("--outputs", type=click.IntRange(1, 20), multiple=True, help="Outputs p, with --output; repeatable.")
@click.option("--output", is_flag=True, help="Feed back the outputs alone: u = -K y.")
@click.option("--discrete", is_flag=True, help="Sample the generated systems.")
@click.option("--count", type=click.IntRange(1), help="Systems of each set; 1000, with --output 100.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of the generated systems.")
@click.option("--max-states", type=click.IntRange(1), default=60, show_default=True, help="Skip larger plants of DIR.")
@click.option("--starts", type=click.IntRange(1), default=60, show_default=True, help="Of a search for output gains.")
@click.option("--model", metavar="FILE", help="Let this ONNX model propose, or those in a folder.")
@click.option("--no-model", is_flag=True, help="Compute, without proposals of a model.")
@click.option("--save", metavar="FILE", help="Write the numbers as JSON.")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON.")
def feedback(
    plants: str | None,
    output: bool,
    max_states: int,
    starts: int,
    model: str | None,
    no_model: bool,
    save: str | None,
    as_json: bool,
    **generated: Any,
) -> None:
    """Ask for a gain for many systems, and count how the question ends.

    raw: the gain that the model proposed is proved as it is. refined: after Newton-Kleinman steps on it (with
    --output, quasi-Newton steps). fallback: without the model. impossible: proved that no gain stabilises the
    system. J/J*: the median cost of the raw gains, relative to the LQR gain (Q = I, R = I). Times are for one
    system that this stage settles, with what the stages before it took.

    \b
    hybrid eval feedback --n 4 --n 6 --inputs 1 --inputs 2
    hybrid eval feedback --output --n 4 --family all
    hybrid eval feedback --plants plants/ --save scores.json

    Generated systems are unlike those that the models were trained and chosen on: their seeds never meet. Those of
    --output are unstable, and have a stabilising gain by construction.
    Ctrl-C ends the run and prints the rows that are complete; the exit code is then 130.
    """  # noqa: D301 - click reads \b as: keep these lines
    context = click.get_current_context()
    if model is not None and no_model:
        raise click.UsageError("--model and --no-model exclude each other", context)
    if generated["outputs"] and not output:
        raise click.UsageError("--outputs needs --output", context)
    if save is not None:
        require_writable("--save", save)
    from hybrid.export.evaluation_runs import Generated, document, evaluate_folder, evaluate_generated

    choice = not no_model if model is None else model
    about: dict[str, Any] = {"question": "output feedback" if output else "state feedback"}
    if plants is not None:
        _refuse_beside_plants(context)
        steps = evaluate_folder(plants, choice, starts, output=output, most_states=max_states)
        about["plants"] = plants
    else:
        steps = evaluate_generated(Generated(output=output, **generated), choice, starts)
        about |= {key: generated[key] for key in ("seed", "discrete")}
    scores, skipped, complete = _collect(steps)
    text = json.dumps(document(scores, skipped, choice, **about, complete=complete), allow_nan=False)
    if save is not None:
        write_bytes(save, (text + "\n").encode(), "--save")
    click.echo(text if as_json else _as_text(scores, skipped, named=plants is not None))
    context.exit(0 if complete else _INTERRUPTED)


@click.command(short_help="The study of Deep Differential System Stability, on files or fresh systems.")
@click.argument("files", metavar="[FILE]...", nargs=-1)
@click.option("--draw", metavar="TASK", help="Also fresh systems of our own generator: stability, control, fourier, …")
@click.option("--count", type=click.IntRange(1), default=1000, show_default=True, help="Systems of --draw.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of --draw, and of rewritings.")
@click.option("--task", metavar="TASK", help="Of lines that do not name theirs, as those of the released data.")
@click.option("--limit", type=click.IntRange(1), help="The first so many systems of each file.")
@click.option("--model-only", is_flag=True, help="Leave out the exact route: seconds in place of minutes.")
@click.option("--model", metavar="DIR", help="A folder of networks; by default the shipped ones.")
@click.option("--html", metavar="REPORT", help="Write a report with plots, one file.")
@click.option("--save", metavar="FILE", help="Write the numbers as JSON.")
@click.option("--markdown", is_flag=True, help="Print the accuracies as a Markdown table.")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON.")
def paper(
    files: tuple[str, ...],
    draw: str | None,
    count: int,
    seed: int,
    task: str | None,
    limit: int | None,
    model_only: bool,
    model: str | None,
    html: str | None,
    save: str | None,
    markdown: bool,
    as_json: bool,
) -> None:
    """Rerun the study of "Deep Differential System Stability" (arXiv 2006.06462) on systems of its generator.

    FILE has a system in each line: JSON as in ../shared/paper, or input and output tokens as the paper's data were
    released (with --task). Printed are, by task and degree: the model alone, against the paper's labels and against
    the truth that the exact route proves; labels proved wrong; the paper's own figures. Then accuracy against the
    tolerance, on equivalent rewritings, by the distance to training systems, on systems unlike the training data, and
    what can be read out of the networks. Systems that stand twice, or among training systems, are left out.

    \b
    hybrid eval paper stability.jsonl control_bal.jsonl --html study.html
    hybrid eval paper --draw stability_bal --count 1000 --seed 7 --model-only

    Tasks: stability, speed, control, control_t, gram, fourier; stability_bal and control_bal are half yes, half no.
    Ctrl-C ends the run and prints the sets that are complete; the exit code is then 130.
    """  # noqa: D301 - click reads \b as: keep these lines
    if not files and draw is None:
        raise click.UsageError("give a FILE or --draw TASK", click.get_current_context())
    if markdown and as_json:
        raise click.UsageError("--markdown and --json exclude each other", click.get_current_context())
    for option, path in (("--html", html), ("--save", save)):
        if path is not None:
            require_writable(option, path)
    from hybrid.export import study, study_cases, study_report, study_tables
    from hybrid.export.study_proposals import ShippedNetworks

    sets = study_cases.read_sets(files, task, limit)
    sets += [] if draw is None else [study_cases.draw_set(draw, count, seed)]
    settings = study.Settings(exact=not model_only, seed=seed)
    with late_progress("Asking about every system") as progress:
        found = study.study(sets, ShippedNetworks(model), settings, progress)
    if not found.complete:
        click.echo("hybrid: ended early; the sets that are complete follow", err=True)
    numbers = json.dumps(found.as_document(), allow_nan=False)
    if save is not None:
        write_bytes(save, (numbers + "\n").encode(), "--save")
    if html is not None:
        write_bytes(html, study_report.as_html(found).encode(), "--html")
    click.echo(numbers if as_json else study_tables.as_markdown(found) if markdown else study_tables.as_text(found))
    click.get_current_context().exit(0 if found.complete else _INTERRUPTED)


eval = click.Group(
    "eval",
    commands={"feedback": feedback, "paper": paper},
    help="How well the models do, counted as the solver counts.",
    short_help="How well the models do.",
)


def _refuse_beside_plants(context: click.Context) -> None:
    """Options that say what to generate have no meaning for plants that are given."""
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        if parameter.name in _GENERATED and given:
            raise click.UsageError(f"--plants and {parameter.opts[0]} exclude each other", context)


def _collect(steps: Iterator[tuple[float, Score | Skipped]]) -> tuple[list[Score], list[Skipped], bool]:
    """Scores and skipped files, and whether the run came to its end."""
    from hybrid.export.evaluation_sets import Skipped

    scores: list[Score] = []
    skipped: list[Skipped] = []
    with late_progress("Asking for gains") as progress:
        try:
            for share, found in steps:
                progress(share)
                if isinstance(found, Skipped):
                    skipped.append(found)
                else:
                    scores.append(found)
        except KeyboardInterrupt:
            return scores, skipped, False
    return scores, skipped, True


def _as_text(scores: Sequence[Score], skipped: Sequence[Skipped], *, named: bool) -> str:
    """The scores as a table, what was left out below it; a plant gets a word where a set gets percentages."""
    blocks = [_table([_headings(scores, named), *(_cells(score, scores, named) for score in scores)])] if scores else []
    if named and scores:
        from hybrid.export.evaluation import ENDS

        sums = ", ".join(f"{sum(getattr(score, end) for score in scores)} {end}" for end in ENDS)
        blocks.append(f"{len(scores)} plants: {sums}.")
    if skipped:
        blocks.append(f"{len(skipped)} left out:\n" + "\n".join(f"  {file.name}: {file.reason}" for file in skipped))
    return "\n\n".join(blocks) or "nothing was asked"


def _headings(scores: Sequence[Score], named: bool) -> list[str]:
    sizes = ["n", "m", *(["p"] if _has_outputs(scores) else [])]
    ratio = [] if _has_outputs(scores) else ["J/J*"]
    if named:
        return ["plant", *sizes, "found", *ratio, "time"]
    from hybrid.export.evaluation import ENDS, STAGES

    return ["family", *sizes, "systems", *(f"{end} %" for end in ENDS), *ratio, *(f"t {stage}" for stage in STAGES)]


def _cells(score: Score, scores: Sequence[Score], named: bool) -> list[str]:
    from hybrid.export.evaluation import ENDS, STAGES

    sizes = [str(score.n), str(score.m), *([str(score.p)] if _has_outputs(scores) else [])]
    ratio = [] if _has_outputs(scores) else ["" if score.cost_ratio is None else f"{score.cost_ratio:.3f}"]
    if named:
        end = next(end for end in ENDS if getattr(score, end))
        return [score.name, *sizes, end, *ratio, _duration(score.seconds[end])]
    shares = ["–" if end in ENDS[:2] and not score.model else f"{score.share(end):.1f}" for end in ENDS]
    return [score.name, *sizes, str(score.count), *shares, *ratio, *(_duration(score.seconds.get(s)) for s in STAGES)]


def _has_outputs(scores: Sequence[Score]) -> bool:
    return scores[0].p is not None


def _duration(seconds: float | None) -> str:
    """Three digits, or nothing where there was no time.

    >>> _duration(4.2e-5), _duration(0.0123), _duration(7.5), _duration(None)
    ('42.0 µs', '12.3 ms', '7.50 s', '')
    """
    if seconds is None:
        return ""
    scale, unit = next(((s, u) for s, u in ((1.0, "s"), (1e-3, "ms")) if seconds >= 0.9995 * s), (1e-6, "µs"))
    value = seconds / scale
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Names on the left, numbers on the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])] for row in rows)
    return "\n".join("  ".join(line).rstrip() for line in lines)
