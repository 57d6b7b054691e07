"""A state feedback gain with its proof, beside Riccati solvers that prove nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

import hybrid
from hybrid.bench.comparison import Call, Peer, Target, compare
from hybrid.bench.samples import FloatArray, Pair, gaussian_pairs
from hybrid.bench.table import Row

_INPUTS = 2
_TARGET_AT = 4  # states
_TARGET = Target(2)


def measure(*, quick: bool) -> list[Row]:
    """Gaussian pairs with two inputs, Q = I and R = I."""
    return [row for n in (2, 4, 6) for row in _of_size(n, quick)]


def _of_size(n: int, quick: bool) -> list[Row]:
    pairs = gaussian_pairs(n, _INPUTS, 5 if quick else 30)
    return compare(
        f"feedback n={n} m={_INPUTS}",
        ours,
        lqr_peers(_TARGET if n == _TARGET_AT else None),
        pairs,
        rounds=5 if quick else 21,
        note=routes(pairs),
    )


def ours(pair: Pair) -> hybrid.Answer:
    """The gain with its proof; a model proposes where there is one."""
    return hybrid.feedback(hybrid.LinearSystem(pair.A, pair.B))


def routes(pairs: Sequence[Pair]) -> str:
    """Who found the gains, and how many proposals were tried for them."""
    answers = [ours(pair) for pair in pairs]
    found = Counter(answer.route.value if answer.gain is not None else answer.status.value for answer in answers)
    tried = sum(len(answer.trials) for answer in answers)
    return ", ".join(f"{route} {count}" for route, count in found.most_common()) + f" of {len(pairs)}; tried {tried}"


def lqr_peers(target: Target | None = None) -> list[Peer[Pair]]:
    """LQR gains by other means; the target is for what control.lqr does when nobody says how."""
    default = "slycot" if _slycot_is_installed() else "scipy"
    return [
        Peer("ours, no model", lambda: _without_model),
        *(
            Peer(f"control.lqr ({method})", _control(method), target if method == default else None, "no proof")
            for method in ("slycot", "scipy")
        ),
        Peer("ctrlsys sb02md", _sb02md, note="no proof"),
        Peer("scipy solve_continuous_are", _scipy, note="no proof"),
    ]


def _slycot_is_installed() -> bool:
    from importlib.util import find_spec

    return find_spec("slycot") is not None


def _without_model(pair: Pair) -> hybrid.Answer:
    return hybrid.feedback(hybrid.LinearSystem(pair.A, pair.B), model=False)


def _control(method: str) -> Callable[[], Call[Pair]]:
    def load() -> Call[Pair]:
        import control

        if method == "slycot":
            import slycot  # noqa: F401 - control says so only when it is called

        return lambda pair: control.lqr(pair.A, pair.B, *_identities(pair), method=method)

    return load


def _sb02md() -> Call[Pair]:
    import ctrlsys

    def gain(pair: Pair) -> FloatArray:
        n = len(pair.A)
        A, G, Q = (np.array(x, order="F") for x in (pair.A, pair.B @ pair.B.T, np.eye(n)))
        X, *_ = ctrlsys.sb02md("C", "D", "U", "G", "S", n, A, G, Q)
        return np.asarray(pair.B.T @ X)

    return gain


def _scipy() -> Call[Pair]:
    from scipy.linalg import solve_continuous_are

    return lambda pair: pair.B.T @ solve_continuous_are(pair.A, pair.B, *_identities(pair))


def _identities(pair: Pair) -> tuple[FloatArray, FloatArray]:
    """The weights Q and R."""
    n, m = pair.B.shape
    return np.eye(n), np.eye(m)
