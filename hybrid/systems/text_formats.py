"""TOML, JSON and YAML to plain documents, in which every decimal is still the text that was written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from hybrid.errors import ParseError, ProblemError

_YAML_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = {None, "!"} | {_YAML_TAG + kind for kind in ("str", "int", "float", "null", "seq", "map")}
_YAML_NULL = {"", "~", "null", "Null", "NULL"}
_LONG_INTEGER = ("an integer of thousands of digits", "numbers of at most 4000 digits")  # Python's own limit
_MAX_KEY_PARTS = 50  # of a dotted key of TOML, which tomllib takes in quadratic time
_KEY_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
_LONG_KEY = re.compile(rf"(?<![\w-]){_KEY_PART}(?:[ \t]*+\.[ \t]*+{_KEY_PART}){{{_MAX_KEY_PARTS}}}")
_TOML_PLACE = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")


class NumberText(str):
    """A number as the file spells it, so that 0.1 stays one tenth and nan can be named where it stands."""

    __slots__ = ()


def parse_text(text: str, format: str, place: str) -> dict[str, Any]:
    """The document that `text` spells: a dict of null, bool, int, text, `NumberText`, lists and dicts.

    Args:
        text: the whole file.
        format: "toml", "json" or "yaml".
        place: what to call the file in messages.

    Raises:
        ParseError: the text is not of this format, with line and column where the parser knows them.
        ProblemError: `format` is another one.
    """
    parsers = {"toml": _parse_toml, "json": _parse_json, "yaml": _parse_yaml}
    if format not in parsers:
        raise ProblemError("format", format, "toml, json or yaml")
    try:
        document = parsers[format](text, place)
    except RecursionError:
        raise ParseError(place, "brackets in brackets without end", "a matrix as a list of rows") from None
    if document is None:  # an empty file is one that lacks A
        return {}
    if not isinstance(document, dict):
        got = "a list" if isinstance(document, list) else repr(document)
        raise ParseError(place, got, f"{format.upper()} with the keys A, B, C, D, dt, name")
    return document


def recognise(text: str) -> str:
    """The format of text without a file name: JSON starts with a brace, the first line of TOML has `=`."""
    lines = (line.strip() for line in text.splitlines())
    first = next((line for line in lines if line and not line.startswith("#")), "")
    if first.startswith("{"):
        return "json"
    return "toml" if re.match(r"""\[|[\w."'-]+\s*=""", first) else "yaml"


def _parse_toml(text: str, place: str) -> Any:
    import tomllib

    if (long := _LONG_KEY.search(text)) is not None:
        got = f"a key of more than {_MAX_KEY_PARTS} parts"
        row, before = text.count("\n", 0, long.start()) + 1, text.rfind("\n", 0, long.start())
        raise ParseError(place, got, "keys such as A, B, C, D, dt", row, long.start() - before)
    try:
        return tomllib.loads(text, parse_float=lambda number: NumberText(number.replace("_", "")))
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        where = _TOML_PLACE.search(message)
        line, column = (int(where["line"]), int(where["column"])) if where and where["line"] else (None, None)
        raise _syntax_error(text, "TOML", _TOML_PLACE.sub("", message), place, line, column) from None
    except ValueError:
        raise ParseError(place, *_LONG_INTEGER) from None


def _parse_json(text: str, place: str) -> Any:
    import json

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        document: dict[str, Any] = {}
        for key, value in pairs:
            if key in document:
                raise ParseError(place, f"the key {key!r} twice", "each key once")
            document[key] = value
        return document

    try:
        return json.loads(text, parse_float=NumberText, parse_constant=NumberText, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise _syntax_error(text, "JSON", error.msg, place, error.lineno, error.colno) from None
    except ParseError:
        raise
    except ValueError:
        raise ParseError(place, *_LONG_INTEGER) from None


def _parse_yaml(text: str, place: str) -> Any:
    """Read YAML event by event: nothing is constructed, no tag or alias is followed, scalars stay text.

    Leaving scalars alone also spares the user YAML 1.1, where 010 is eight and 1:30 is ninety.
    """
    import yaml

    if re.search(r"(?m)^%TAG\b", text):  # libyaml compares each with all before it
        raise ParseError(place, "a %TAG directive", "plain YAML without object tags")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _YamlDocument(yaml.parse(text, Loader=loader), place).read()
    except yaml.MarkedYAMLError as error:
        message = error.problem or error.context or "not readable"
        raise _syntax_error(text, "YAML", message, place, *_position(error.problem_mark)) from None
    except yaml.YAMLError as error:  # a character that YAML does not allow
        raise ParseError(place, str(error), "YAML") from None


class _YamlDocument:
    """Builds one document from the events of a YAML parser."""

    def __init__(self, events: Iterator[Any], place: str) -> None:
        self.events, self.place = events, place

    def read(self) -> Any:
        next(self.events)  # the start of the stream
        if _kind(next(self.events)) == "StreamEnd":
            return None
        content = self.value(next(self.events))
        next(self.events)  # the end of the document
        second = next(self.events)
        if _kind(second) != "StreamEnd":
            raise self.refusal(second, "a second document", "one YAML document")
        return content

    def value(self, event: Any) -> Any:
        if _kind(event) == "Alias":
            raise self.refusal(event, f"the alias *{event.anchor}", "its value written out")
        if event.tag not in _PLAIN_TAGS:
            tag = event.tag.replace(_YAML_TAG, "!!")
            raise self.refusal(event, f"the tag {tag!a}", "plain YAML without object tags")
        match _kind(event):
            case "SequenceStart":
                return [self.value(item) for item in self.until("SequenceEnd")]
            case "MappingStart":
                return self.mapping()
        unquoted = event.implicit[0]
        return None if unquoted and event.value in _YAML_NULL else event.value

    def mapping(self) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for event in self.until("MappingEnd"):
            key = self.value(event)
            if not isinstance(key, str):
                raise self.refusal(event, "a key that is no word", "keys such as A, B, C, D, dt")
            if key in mapping:
                raise self.refusal(event, f"the key {key!r} twice", "each key once")
            mapping[key] = self.value(next(self.events))
        return mapping

    def until(self, end: str) -> Iterator[Any]:
        for event in self.events:
            if _kind(event) == end:
                return
            yield event

    def refusal(self, event: Any, got: str, expected: str) -> ParseError:
        return ParseError(self.place, got, expected, *_position(event.start_mark))


def _kind(event: Any) -> str:
    """The name of an event's class; the classes themselves are not loaded until somebody reads YAML."""
    return type(event).__name__.removesuffix("Event")


def _position(mark: Any) -> tuple[int | None, int | None]:
    return (None, None) if mark is None else (mark.line + 1, mark.column + 1)


def _syntax_error(text: str, format: str, message: str, place: str, line: int | None, column: int | None) -> ParseError:
    """What stands where a parser gave up, and what the parser says about it."""
    if line is None or column is None:
        return ParseError(place, message, format)
    lines = text.split("\n", line)  # YAML also counts other line breaks, and may so count past the end
    rest = lines[line - 1][column - 1 :].strip() if line <= len(lines) else ""
    found = repr(rest[:40]) if rest else "the end of the line"
    return ParseError(place, found, f"{format} ({message})", line, column)
