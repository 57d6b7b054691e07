"""A campaign that tries to catch this solver proving something false, and that any user can run.

`run` draws systems whose answer is known by construction, in families that lie where answers are lost: spectra on
the stability boundary or an ulp beside it, Jordan blocks, pairs that are controllable by a hair, gains that only just
stabilise. Each case goes to engines that work in different ways, and what one of them decides has to be the truth.
"""

from hybrid.selftest.campaign import Tally, chosen_families, run, run_in_processes
from hybrid.selftest.families import FAMILIES
from hybrid.selftest.replay import replay
from hybrid.selftest.table import as_text

__all__ = ["FAMILIES", "Tally", "as_text", "chosen_families", "replay", "run", "run_in_processes"]
