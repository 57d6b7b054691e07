"""The engines that must agree: float proofs, exact arithmetic, ball arithmetic, whole answers, and the oracle.

Each says what it decides of the rows of a stack; none looks at the truth, except that equilibria found are compared
with those that there are.
"""

from __future__ import annotations

from hybrid.selftest.exact_engines import balls, exact
from hybrid.selftest.findings import Engine
from hybrid.selftest.float_proofs import compiled_proof, float_proof
from hybrid.selftest.listed import Question
from hybrid.selftest.symbols import bounds
from hybrid.selftest.whole_answers import answers, fractions, location, output_gain, search

_SPECTRAL = (Question.STABILITY, Question.GAIN)
_MATRICES = (*_SPECTRAL, Question.REACH)

ENGINES = (
    Engine("float proof", _SPECTRAL, float_proof),
    Engine("compiled proof", _SPECTRAL, compiled_proof),
    Engine("exact", _MATRICES, exact),
    Engine("Arb", _MATRICES, balls, share=1 / 16, up_to=4),
    Engine("answers", _MATRICES, answers, share=1 / 512),
    Engine("fractions", _MATRICES, fractions, share=1 / 256),
    Engine("search", (Question.EQUILIBRIA,), search),
    Engine("location", (Question.EQUILIBRIA,), location),
    Engine("output gain", (Question.OUTPUT_GAIN,), output_gain),
    Engine("symbol", (Question.SYMBOL,), bounds),
)
"""In the order of the table."""
