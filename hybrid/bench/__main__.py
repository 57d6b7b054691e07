"""`python -m hybrid.bench JOB [--quick]`: measure one job in this process and print its rows as JSON."""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from contextlib import redirect_stdout
from dataclasses import asdict

if __name__ == "__main__":
    job, *options = sys.argv[1:]
    warnings.simplefilter("ignore")
    with redirect_stdout(sys.stderr):  # peers may print; the rows are all that stdout carries
        rows = importlib.import_module(f"hybrid.bench.{job}").measure(quick="--quick" in options)
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    print(json.dumps([asdict(row) for row in rows], allow_nan=False))
