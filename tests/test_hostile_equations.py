"""Texts that only look like equations: a reader takes them, or says in a sentence what it expected."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hybrid
from hybrid.batch.lines import read_candidate
from hybrid.errors import HybridError
from hybrid.export.paper_files import read_paper_file
from hybrid.systems.initial_condition import read_support
from hybrid.systems.pde import LinearPDE
from hybrid.systems.tokens import TokenSystem

PIECES = (
    *(
        "u_t",
        "u_xx",
        "u_xxxx",
        "u_x",
        "u",
        "x0",
        "x1",
        "x99",
        "I",
        "exp(",
        "sin(",
        "delta0(",
        "1",
        "-7",
        "0",
        "1e9999",
        "2/0",
    ),
    *(
        "+",
        "-",
        "*",
        "/",
        "^",
        "**",
        "=",
        "(",
        ")",
        "0.1",
        "nan",
        "inf",
        "__import__('os')",
        "\x00",
        "é",
        "9" * 400,
        " ",
        "",
    ),
)
TOKENS = (
    *(
        "INT+",
        "INT-",
        "FLOAT+",
        "FLOAT-",
        ".",
        "10^",
        "<SPECIAL_3>",
        "+",
        "-",
        "*",
        "/",
        "sqrt",
        "ln",
        "x0",
        "x1",
        "x40",
    ),
    *("0", "1", "9", "|", "\t", "</s>", "pi", "", "^", "delta0"),
)
VALUES: list[Any] = [None, True, -1, 10**30, "", "x", [], {}, [[]], ["x' = y"], {"x": 1}, "NaN", 1.5, ["sin(x0)"] * 3]

READERS: dict[str, Callable[[str], Any]] = {
    "PDE": lambda text: hybrid.pde(text),
    "operator": lambda text: LinearPDE.from_text(text, "1", 2),
    "initial condition": lambda text: read_support(text, ("x0", "x1")),
    "equations as tokens": lambda text: TokenSystem.from_text([text, "x1"], ["x0", "x1"]),
}


def taken_or_refused(read: Callable[[], Any]) -> None:
    try:
        read()
    except HybridError as error:
        said = str(error)
    else:
        return
    assert len(said) < 700


@pytest.mark.parametrize("reader", READERS)
@settings(max_examples=150, deadline=None)
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=14))
def test_texts(reader: str, pieces: list[str]) -> None:
    taken_or_refused(lambda: READERS[reader]("".join(pieces)))


@settings(max_examples=200, deadline=None)
@given(
    tokens=st.lists(st.sampled_from(TOKENS), max_size=20), degree=st.sampled_from(["INT+ 1", "INT+ 2", "INT+ 0", ""])
)
def test_tokens(tokens: list[str], degree: str) -> None:
    taken_or_refused(lambda: TokenSystem.from_paper(" ".join([degree, "<SPECIAL_3>", *tokens])))


KEYS = (
    *("task", "degree", "controls", "equations", "point", "answer", "input_tokens", "output_tokens"),
    *("states", "at", "inputs"),
)


@settings(max_examples=150, deadline=None)
@given(
    entries=st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), max_size=8),
    tail=st.sampled_from(["", "}", "\x00", "{"]),
)
def test_lines_of_json(entries: dict[str, Any], tail: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.getbasetemp() / "lines.jsonl"
    file.write_text(json.dumps(entries) + tail + "\n", encoding="utf-8")
    taken_or_refused(lambda: read_paper_file(file))
    taken_or_refused(lambda: read_candidate(entries))
