"""Gains of the outputs for stacks of plants, each proved, beside a multi-start search that takes one plant at a time.

All times are for one gain: of a stack for us, of a loop over its first plants for the searches.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import hybrid
import hybrid.batch
from hybrid.batch import BatchAnswer
from hybrid.bench.comparison import Target, interleave
from hybrid.bench.samples import Triples, stabilisable_triples
from hybrid.bench.table import Row
from hybrid.exact import gain_search
from hybrid.propose.output_gain import shipped
from hybrid.question import StaticGainQuestion
from hybrid.systems.linear import LinearSystem
from hybrid.trials import STARTS

_SIZES = ((4, 1, 1), (4, 2, 2), (4, 3, 3), (6, 2, 2), (8, 2, 2))  # states, inputs, outputs
_TARGETS_AT = (4, 2, 2)
_TARGET = Target(1 / 100)
_CHECKED = 20  # certificates of each stack that the stand-alone checker sees


@dataclass(frozen=True)
class _Contender:
    """Somebody's call, and the number of plants that it works on."""

    name: str
    call: Callable[[Triples], object]
    count: int
    note: str = ""


def measure(*, quick: bool) -> list[Row]:
    """Random unstable plants that some gain stabilises."""
    count = 200 if quick else 1000
    return [row for size in _SIZES for row in _rows(size, count, quick)]


def _rows(size: tuple[int, int, int], count: int, quick: bool) -> list[Row]:
    n, m, p = size
    stack = stabilisable_triples(*size, count)
    ours = [_Contender("ours, model=False", _without_model, count, _told(_without_model, stack))]
    if shipped().accepts(n, m, p):
        ours.insert(0, _Contender("ours", _with_model, count, _told(_with_model, stack)))
    alone = count // 10
    searches = [
        _Contender("multi-start search, loop", _over_rows(_search, alone), alone, "no proof"),
        _Contender("hybrid.feedback(model=False), loop", _over_rows(_answer, alone), alone, "with proof"),
    ]
    contenders = [*ours, *searches]
    calls = [contender.call for contender in contenders]
    times = interleave(calls, [stack], rounds=3 if quick else 9, seconds=60.0)
    own, *theirs = (time / contender.count * 1e6 for time, contender in zip(times, contenders, strict=True))
    rows: list[Row] = []
    for contender, time in zip(contenders[1:], theirs, strict=True):
        target = _TARGET if size == _TARGETS_AT and contender is searches[0] else None
        met = None if target is None else target.is_met(own, own / time)
        note = "; ".join(filter(None, ("" if rows else ours[0].note, contender.note)))
        name = f"batch output feedback n={n} m={m} p={p}"
        rows.append(
            Row(name, own, contender.name, time, own / time, None if target is None else str(target), met, note)
        )
    return rows


def _with_model(stack: Triples) -> BatchAnswer:
    return hybrid.batch.feedback(*stack)


def _without_model(stack: Triples) -> BatchAnswer:
    return hybrid.batch.feedback(*stack, model=False)


def _over_rows(call: Callable[[LinearSystem], object], count: int) -> Callable[[Triples], None]:
    def loop(stack: Triples) -> None:
        for A, B, C in zip(*(part[:count] for part in stack), strict=True):
            call(LinearSystem(A, B, C))

    return loop


def _search(system: LinearSystem) -> object:
    """The first gain that the search would offer for a proof."""
    question = StaticGainQuestion.read([system], True, None, 0)
    found = next(gain_search.from_regulators(question), None)
    return found or next(gain_search.from_random_gains(question, STARTS))


def _answer(system: LinearSystem) -> object:
    return hybrid.feedback(system, output=True, model=False)


def _told(ask: Callable[[Triples], BatchAnswer], stack: Triples) -> str:
    """What a batch came to, and how many of its certificates the stand-alone checker confirms."""
    ask(Triples(*(part[:1] for part in stack)))  # compiles
    found = ask(stack)
    certificates = [found.certificate(i) for i in range(min(_CHECKED, len(found)))]
    confirmed = sum(c is not None and hybrid.check(c).valid for c in certificates)
    status, routes = (found.summary()[name] for name in ("status", "route"))
    counts = [f"{count} {word}" for word, count in status.items()]
    shares = [f"{route} {count} ({found.seconds[route] / len(found) * 1e6:.1f} µs)" for route, count in routes.items()]
    return f"{', '.join(counts)}; {', '.join(shares)}; {confirmed} of {len(certificates)} certificates confirmed"
