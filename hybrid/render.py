"""Answers for people, programs and notebooks: text, a JSON document, LaTeX.

A printed enclosure still encloses: lower ends are rounded down, upper ends and radii up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from fractions import Fraction
from typing import Any

import numpy as np

from hybrid import render_gain as gains
from hybrid import render_local as local
from hybrid import render_pde
from hybrid.answer import Answer, Enclosure, Status, Verdict
from hybrid.decimals import at_most, exactly, outwards, short_centre
from hybrid.pole_region import Region
from hybrid.question import (
    RANK_PROPERTIES,
    FeedbackQuestion,
    LocalQuestion,
    PDEQuestion,
    RankQuestion,
    StaticGainQuestion,
    TimeVaryingQuestion,
)
from hybrid.systems.linear import LinearSystem
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.systems.numbers import spell
from hybrid.systems.time_varying import TimeVaryingSystem

_WIDTH = 100  # columns of a terminal line that a matrix may fill


def as_text(answer: Answer, *, recheck: str = "hybrid.check(answer.certificate)") -> str:
    """The answer in plain sentences: status, what was proved, the numbers, how to re-check.

    Args:
        answer: any answer.
        recheck: what a reader does to re-check the certificate; the command line names its own command.

    >>> import hybrid
    >>> print(as_text(hybrid.stability(hybrid.LinearSystem([[0, 1], [-2, -3]]))).splitlines()[0])
    PROVED: the system is stable: every pole of A has real part below 0.
    """
    blocks = [f"{answer.status.value.upper()}: {_headline(answer)}"]
    if answer.gain is not None:
        blocks.append("K =\n" + _matrix(answer.gain))
    if answer.poles:
        blocks.append(f"{_whose_poles(answer)}:\n{_pole_table(answer.poles)}")
    blocks.append(_facts(answer, recheck))
    return "\n\n".join(blocks)


def as_document(answer: Answer) -> dict[str, Any]:
    """The answer as JSON knows it, under the keys of `--json`; null where a value is absent or unbounded.

    `abscissa`, the poles and (of a nonlinear system alone) `point` are doubles rounded outwards, `gain` the doubles
    that were proved (their shortest decimals round-trip), `certificate` the whole document that `hybrid check` reads.
    Of one gain for several systems, `systems` describes them all and `system` the first.

    >>> import hybrid
    >>> document = as_document(hybrid.stability(hybrid.LinearSystem([[-1]])))
    >>> document["status"], document["verdict"], document["gain"]
    ('proved', 'stable', None)
    """
    question, ends = answer.question, answer.abscissa
    several = question.systems if isinstance(question, StaticGainQuestion) and len(question.systems) > 1 else ()
    return {
        "status": answer.status.value,
        "verdict": answer.verdict.value,
        "route": answer.route.value,
        "abscissa": None if ends is None else [end if math.isfinite(end) else None for end in ends],
        "gain": None if answer.gain is None else answer.gain.tolist(),
        "poles": None if answer.poles is None else [_pole_document(pole) for pole in answer.poles],
        **({"point": local.document(answer)} if _is_local(answer) else {}),
        "dimension": answer.dimension,
        **({"instant": _instant(answer)} if isinstance(question, TimeVaryingQuestion) else {}),
        **({} if answer.evolution is None else {"evolution": render_pde.document(answer)}),
        **({} if answer.paper is None else {"paper": local.paper_document(answer.paper)}),
        "reason": None if answer.reason is None else answer.reason.value,
        "notes": list(answer.notes),
        "timings": dict(answer.timings),
        "trials": [asdict(trial) for trial in answer.trials],
        "system": render_pde.system_document(question.system)
        if isinstance(question, PDEQuestion)
        else _system_document(question.system),
        **({"systems": [_system_document(system) for system in several]} if several else {}),
        "certificate": None if answer.certificate is None else answer.certificate.to_dict(),
    }


def _instant(answer: Answer) -> str | None:
    return None if answer.instant is None else spell(answer.instant)


def _system_document(system: LinearSystem | NonlinearSystem | TimeVaryingSystem) -> dict[str, Any]:
    return {
        "name": system.name,
        "n": system.n,
        "m": system.m,
        "p": system.p,
        "dt": None if system.dt is None else float(system.dt),
    }


def as_latex(answer: Answer) -> str:
    r"""The answer as one LaTeX formula for notebooks: status, verdict, enclosure, gain.

    >>> import hybrid
    >>> as_latex(hybrid.stability(hybrid.LinearSystem([[-1]]))).startswith(r"$\displaystyle\begin{array}{l}")
    True
    """
    rows = [rf"\textbf{{{answer.status.value}: }}\text{{{answer.verdict.value}}}"]
    if _is_local(answer) and answer.certificate is not None:
        rows[0] += rf"\text{{ at }}{local.latex(answer)}"
    if answer.bounds is not None:
        eigenvalue = rf"\lambda({'A' if answer.gain is None else gains.matrix(answer).replace(' ', '')})"
        part = f"|{eigenvalue}|" if answer.question.system.is_discrete else rf"\operatorname{{Re}}{eigenvalue}"
        rows.append(rf"\max {part} {_latex_enclosure(*answer.bounds)}")
    if isinstance(answer.question, PDEQuestion):
        rows += render_pde.latex(answer)
    elif answer.dimension is not None:
        rows.append(rf"\text{{dimension }}{answer.dimension}\text{{ of }}{answer.question.system.n}")
    if answer.gain is not None:
        law = local.feedback_law(answer).replace("*", "^*") if _is_local(answer) else gains.law(answer)
        shown = _latex_gain(answer.gain)
        rows.append(shown if law == "u = -K x" else rf"{shown},\quad {law}")
    if answer.reason is not None:
        rows.append(rf"\text{{{answer.reason.value}}}")
    return r"$\displaystyle\begin{array}{l}" + r"\\".join(rows) + r"\end{array}$"


# What was proved, in one sentence


def _headline(answer: Answer) -> str:
    if isinstance(answer.question, PDEQuestion):
        return f"{render_pde.headline(answer)}."
    if answer.status is Status.UNDECIDED:
        return "nothing was proved." if answer.reason is None else answer.reason.value
    if isinstance(answer.question, TimeVaryingQuestion):
        return f"{local.over_time(answer)}."
    about, region = _about(answer), _asked_region(answer)
    if about == "feedback":
        return _feedback(answer, region)
    found = local.found(answer) if _is_local(answer) else f"the system is {answer.verdict.value}"
    return _stability(answer, region, found) if about == "stability" else _rank(answer, about, region, found)


def _is_local(answer: Answer) -> bool:
    return isinstance(answer.question, LocalQuestion)


def _about(answer: Answer) -> str:
    """What was asked: stability, feedback, or one of the rank properties."""
    question = answer.question
    if isinstance(question, LocalQuestion):
        return local.about(answer)
    if isinstance(question, RankQuestion):
        return question.about
    return "feedback" if isinstance(question, FeedbackQuestion | StaticGainQuestion) else "stability"


def _asked_region(answer: Answer) -> Region:
    question = answer.question
    assert not isinstance(question, TimeVaryingQuestion | PDEQuestion)  # which have headlines of their own
    return local.region(answer) if isinstance(question, LocalQuestion) else question.region


def _matrix_name(answer: Answer) -> str:
    return "the linearisation" if _is_local(answer) else "A"


def _stability(answer: Answer, region: Region, found: str) -> str:
    discrete, matrix = answer.question.system.is_discrete, _matrix_name(answer)
    if answer.status is Status.PROVED:
        holds = f"every pole of {matrix} has {_region(region, discrete)}"
        return f"{found}: {holds}." if region.is_plain else f"{holds}; {found}."
    if not region.is_plain:
        fails = _what_fails(answer, region, discrete)
        return f"not every pole of {matrix} has {_region(region, discrete)}{fails}; {found}."
    return f"{found}: {_why_not_stable(answer, discrete)}."


def _what_fails(answer: Answer, region: Region, discrete: bool) -> str:
    """Which half of a requirement with two halves is the one that fails, where the bounds tell."""
    hi = None if answer.bounds is None else answer.bounds[1]
    if region.damping and hi is not None and hi < region.boundary(discrete):
        return ", the damping ratio fails" + (" (the decay rate holds)" if region.decay else "")
    return ""


def _why_not_stable(answer: Answer, discrete: bool) -> str:
    quantity, edge, circle = ("magnitude", 1, "the unit circle") if discrete else ("real part", 0, "the imaginary axis")
    matrix = _matrix_name(answer)
    if answer.verdict is Verdict.MARGINAL:
        return f"a pole of {matrix} lies exactly on {circle}, each such pole is semisimple: the motion stays bounded"
    lo, hi = answer.bounds or (None, None)
    if lo is not None and lo > edge:
        return f"{matrix} has a pole of {quantity} {_enclosure(lo, hi)}"
    if lo == hi == edge:
        return f"a pole of {matrix} on {circle} is not semisimple, so the motion grows without bound"
    return f"{matrix} has a pole beyond {circle}, or one on it that is not semisimple"


def _rank(answer: Answer, about: str, region: Region, found: str) -> str:
    kind = "controllable" if _asks_about_inputs(about) else "observable"
    assert not isinstance(answer.question, PDEQuestion)
    n = answer.question.system.n
    if answer.dimension is None:
        return f"{found}."
    if answer.dimension == n:
        return f"{found}: the {kind} subspace is the whole state space, of dimension {n}."
    found += f": the {kind} subspace has dimension {answer.dimension} of {n}"
    if about in ("controllability", "observability"):
        return f"{found}."
    every = "every" if answer.status is Status.PROVED else "not every"
    return f"{found}, and {every} other pole has {_region(region, answer.question.system.is_discrete)}."


def _feedback(answer: Answer, asked: Region) -> str:
    near = f" of the linearisation at {local.place(answer)}" if _is_local(answer) else ""
    if answer.verdict is Verdict.NOT_PLACEABLE:
        return f"no gain K places these poles{near}: an uncontrollable pole, which no K moves, is not among them."
    region = _region(asked, answer.question.system.is_discrete)
    if not _is_local(answer):
        return gains.headline(answer, region)
    if answer.status is Status.DISPROVED:
        return f"no gain K{gains.structured(answer)} gives every pole{near} {region}: {gains.why_none(answer)}."
    law, loop = local.feedback_law(answer), gains.matrix(answer)
    return f"{local.found(answer)}: with {law} every pole of {loop} has {region}."


def _asks_about_inputs(about: str) -> bool:
    return about in ("controllability", "stabilizability")


def _region(region: Region, discrete: bool) -> str:
    """What the region asks of each pole."""
    if discrete:
        return f"magnitude below {spell(region.boundary(True))}"
    sector = f" and damping ratio above {spell(region.damping)}" if region.damping else ""
    return f"real part below {spell(region.boundary(False))}{sector}"


# The numbers


def _facts(answer: Answer, recheck: str) -> str:
    """Labelled lines under the headline."""
    facts = render_pde.facts(answer) if isinstance(answer.question, PDEQuestion) else []
    facts += [*(local.facts(answer) if _is_local(answer) else ()), *_bounds(answer), *_distance(answer)]
    facts += [*local.paper(answer), *_origin(answer), *(("note", note) for note in answer.notes)]
    if answer.certificate is not None and recheck:
        facts.append(("re-check", recheck))
    width = max(len(label) for label, _ in facts)
    return "\n".join(f"  {label:<{width}}  {value}" for label, value in facts)


def _bounds(answer: Answer) -> list[tuple[str, str]]:
    if answer.bounds is None:
        return []
    discrete = answer.question.system.is_discrete
    name = ("closed-loop " if answer.gain is not None else "") + (
        "spectral radius" if discrete else "spectral abscissa"
    )
    unit = "" if discrete else " 1/s"
    each = gains.each_abscissa(answer)
    if each:
        return [(f"{name} {k}", _enclosure(*ends) + unit) for k, ends in enumerate(each, 1)]
    return [(name, _enclosure(*answer.bounds) + unit)]


def _distance(answer: Answer) -> list[tuple[str, str]]:
    claim = {} if answer.certificate is None else answer.certificate.claim
    if claim.get("distance") is None:
        return []
    return [("distance", f"each pole at most {at_most(Fraction(claim['distance']))} from the one asked for")]


def _origin(answer: Answer) -> list[tuple[str, str]]:
    """How it was proved, who proposed it, what else was tried, and how long all that took."""
    facts, tried = [], list(answer.trials)
    if answer.certificate is not None:
        facts.append(("proof", answer.certificate.method))
    winner = f", gain from {tried.pop().source}" if answer.gain is not None and tried else ""
    facts.append(("route", answer.route.value + winner))
    facts += [("tried", f"{trial.source}: {trial.outcome}") for trial in tried]
    if "total" in answer.timings:
        facts.append(("time", _duration(answer.timings["total"])))
    return facts


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


def _matrix(matrix: np.ndarray[Any, np.dtype[np.float64]]) -> str:
    """Every stored digit, columns aligned, wide matrices in blocks of columns."""
    cells = [[repr(x) for x in row] for row in matrix.tolist()]
    width = max(len(cell) for row in cells for cell in row)
    per_block = max(1, (_WIDTH - 2) // (width + 2))
    columns = len(cells[0])
    blocks = []
    for start in range(0, columns, per_block):
        stop = min(start + per_block, columns)
        title = f"  columns {start + 1} to {stop}\n" if columns > per_block else ""
        lines = ("  " + "  ".join(f"{cell:>{width}}" for cell in row[start:stop]) for row in cells)
        blocks.append(title + "\n".join(lines))
    return "\n".join(blocks)


def _enclosure(lo: Fraction | None, hi: Fraction | None) -> str:
    """'in [a, b]' with a ≤ lo and hi ≤ b in short decimals, or 'exactly a'."""
    if (value := exactly(lo, hi)) is not None:
        return f"exactly {value}"
    a, b = outwards(lo, hi)
    return f"at most {b}" if a is None else f"at least {a}" if b is None else f"in [{a}, {b}]"


def _whose_poles(answer: Answer) -> str:
    about = _about(answer)
    if about == "stability":
        return f"poles of {_matrix_name(answer)}"
    if answer.gain is not None:
        return f"poles of {gains.matrix(answer)}"
    is_dual = about in RANK_PROPERTIES and not _asks_about_inputs(about)
    return "unobservable poles" if is_dual else "uncontrollable poles"


def _pole_table(poles: Sequence[Enclosure]) -> str:
    """Centres to the digits that their radius leaves them; each pole lies within its radius of its centre."""
    rows = [("real part", "imaginary part", "radius at most", "multiplicity")]
    rows += [(*_rounded_disc(pole), str(pole.multiplicity)) for pole in poles]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ["  " + "  ".join(f"{cell:>{w}}" for cell, w in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(lines)


def _rounded_disc(pole: Enclosure) -> tuple[str, str, str]:
    """A disc with short coordinates that contains the proved one."""
    re, im, moved = short_centre(pole.re, pole.im, pole.radius)
    return re, im, at_most(pole.radius + moved)


def _pole_document(pole: Enclosure) -> dict[str, float | int | None]:
    """The disc in doubles, its radius enlarged by their rounding; null beyond the range of doubles."""
    try:
        re, im = float(pole.re), float(pole.im)
        radius = pole.radius + abs(pole.re - Fraction(re)) + abs(pole.im - Fraction(im))
        as_float = float(radius)
    except OverflowError:
        return {"re": None, "im": None, "radius": None, "multiplicity": pole.multiplicity}
    if Fraction(as_float) < radius:
        as_float = math.nextafter(as_float, math.inf)
    return {"re": re, "im": im, "radius": as_float, "multiplicity": pole.multiplicity}


# LaTeX


def _latex_enclosure(lo: Fraction | None, hi: Fraction | None) -> str:
    if (value := exactly(lo, hi)) is not None:
        return f"= {_latex_number(value)}"
    a, b = outwards(lo, hi)
    left = r"(-\infty" if a is None else f"[{_latex_number(a)}"
    right = r"\infty)" if b is None else f"{_latex_number(b)}]"
    return rf"\in {left}, {right}"


def _latex_gain(gain: np.ndarray[Any, np.dtype[np.float64]]) -> str:
    """K to six digits; '=' only where these are all of them."""
    rows = [[f"{x:.6g}" for x in row] for row in gain.tolist()]
    relation = "=" if np.array_equal(np.array(rows, dtype=float), gain) else r"\approx"
    body = r"\\".join(" & ".join(map(_latex_number, row)) for row in rows)
    return rf"K {relation} \begin{{bmatrix}}{body}\end{{bmatrix}}"


def _latex_number(text: str) -> str:
    mantissa, _, exponent = text.partition("e")
    return rf"{mantissa}\times 10^{{{int(exponent)}}}" if exponent else mantissa
