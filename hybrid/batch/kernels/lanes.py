"""Eight systems side by side: a number type for kernels that holds one double of each.

A kernel written for `Lanes` reads like one for doubles and runs for eight systems at once, in the vector registers of
the machine (in two or four pieces where those are shorter). Every operation is the IEEE operation of each lane,
correctly rounded: the LLVM instructions carry no fast-math flag. So a lane's result is the same whatever its neighbours
hold.

Matrices are arrays (rows, columns, 8), read and written entry by entry with `get` and `put`. A comparison gives
`Flags`, to be joined by & and |, chosen from by `where`, and asked by `every` and `some`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numba
import numba.core.typing.templates
import numba.extending
import numpy as np
from llvmlite import ir
from numpy.typing import NDArray

core: Any = numba.core
extending: Any = numba.extending
templates: Any = numba.core.typing.templates
types: Any = numba.types

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Lanes = Any
"""Eight doubles inside a kernel; Python never sees any."""
Flags = Any
"""Eight truth values inside a kernel."""

WIDTH = 8
"""Systems in one block."""

_DOUBLES = ir.VectorType(ir.DoubleType(), WIDTH)
_BITS = ir.VectorType(ir.IntType(1), WIDTH)
_WORDS = ir.VectorType(ir.IntType(64), WIDTH)


def _number_type(name: str, vector: Any) -> Any:
    """A type of numba's whose values are vectors of LLVM's."""
    base = extending.models.PrimitiveModel
    kind = type(name, (types.Type,), {})
    model = {"__init__": lambda self, manager, instance: base.__init__(self, manager, instance, vector)}
    extending.register_model(kind)(type(f"{name}Model", (base,), model))
    return kind(name)


LANES, FLAGS = _number_type("Lanes", _DOUBLES), _number_type("Flags", _BITS)


def _operation(build: Callable[..., Any]) -> Any:
    """What kernels call like a function, and the compiler replaces by LLVM instructions."""
    return extending.intrinsic(build)


def _splat(builder: Any, value: Any) -> Any:
    first = builder.insert_element(ir.Constant(_DOUBLES, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    pattern = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
    return builder.shuffle_vector(first, ir.Constant(_DOUBLES, ir.Undefined), pattern)


def _address(context: Any, builder: Any, kind: Any, array: Any, i: Any, j: Any) -> Any:
    """Where the eight doubles of entry (i, j) begin."""
    view = context.make_array(kind)(context, builder, array)
    row, column, _ = core.cgutils.unpack_tuple(builder, view.strides)
    offset = builder.add(builder.mul(i, row), builder.mul(j, column))
    bytes_ = builder.bitcast(view.data, ir.IntType(8).as_pointer())
    return builder.bitcast(builder.gep(bytes_, [offset]), _DOUBLES.as_pointer())


@_operation
def get(typing: Any, array: Any, i: Any, j: Any) -> Any:
    """Entry (i, j) of all eight matrices."""

    def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.load(_address(context, builder, signature.args[0], *given), align=8)

    return LANES(array, types.intp, types.intp), build


@_operation
def put(typing: Any, array: Any, i: Any, j: Any, value: Any) -> Any:
    """Set entry (i, j) of all eight matrices."""

    def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        *place, vector = given
        builder.store(vector, _address(context, builder, signature.args[0], *place), align=8)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, LANES), build


@_operation
def lanes(typing: Any, value: Any) -> Any:
    """The same double in every lane."""

    def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return _splat(builder, given[0])

    return LANES(types.float64), build


def _define(symbol: Any, result: Any, instruction: Callable[..., Any], *kinds: Any) -> None:
    """Let `symbol` work on these kinds by one LLVM instruction; a double beside lanes stands for eight of it."""
    mixed = [(LANES, types.float64), (types.float64, LANES)] if kinds == (LANES, LANES) else []
    cases = [templates.signature(result, *given) for given in (kinds, *mixed)]
    templates.infer_global(symbol)(type("Case", (templates.ConcreteTemplate,), {"cases": cases}))
    for case in cases:

        def build(context: Any, builder: Any, case: Any, given: Any) -> Any:
            pairs = zip(case.args, given, strict=True)
            return instruction(builder, *(_splat(builder, x) if kind is types.float64 else x for kind, x in pairs))

        extending.lower_builtin(symbol, *case.args)(build)


def _comparison(symbol: str) -> Callable[..., Any]:
    return lambda builder, x, y: builder.fcmp_ordered(symbol, x, y)


for _symbol, _instruction in (
    (operator.add, ir.IRBuilder.fadd),
    (operator.sub, ir.IRBuilder.fsub),
    (operator.mul, ir.IRBuilder.fmul),
    (operator.truediv, ir.IRBuilder.fdiv),
):
    _define(_symbol, LANES, _instruction, LANES, LANES)
for _symbol, _word in ((operator.gt, ">"), (operator.lt, "<"), (operator.ge, ">="), (operator.eq, "==")):
    _define(_symbol, FLAGS, _comparison(_word), LANES, LANES)
_define(operator.and_, FLAGS, ir.IRBuilder.and_, FLAGS, FLAGS)
_define(operator.or_, FLAGS, ir.IRBuilder.or_, FLAGS, FLAGS)


def _function(name: str) -> Any:
    """An operation that LLVM has as a function of one vector."""

    def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        kind = ir.FunctionType(_DOUBLES, [_DOUBLES])
        function = core.cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{WIDTH}f64")
        return builder.call(function, given)

    return _operation(lambda typing, x: (LANES(LANES), build))


root = _function("sqrt")
magnitude = _function("fabs")


@_operation
def where(typing: Any, flags: Any, yes: Any, no: Any) -> Any:
    """`yes` in the lanes whose flag is set, `no` in the others."""

    def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.select(*given)

    return LANES(FLAGS, LANES, LANES), build


def _bits(builder: Any, flags: Any) -> Any:
    return builder.bitcast(flags, ir.IntType(WIDTH))


@_operation
def every(typing: Any, flags: Any) -> Any:
    """Whether the flag of each lane is set."""

    def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.icmp_unsigned("==", _bits(builder, given[0]), ir.Constant(ir.IntType(WIDTH), 2**WIDTH - 1))

    return types.boolean(FLAGS), build


@_operation
def some(typing: Any, flags: Any) -> Any:
    """Whether the flag of at least one lane is set."""

    def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.icmp_unsigned("!=", _bits(builder, given[0]), ir.Constant(ir.IntType(WIDTH), 0))

    return types.boolean(FLAGS), build


@_operation
def flag_of(typing: Any, flags: Any, lane: Any) -> Any:
    """The flag of one lane."""

    def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.extract_element(*given)

    return types.boolean(FLAGS, types.intp), build


@_operation
def inverse_root_scale(typing: Any, x: Any) -> Any:
    """2^−⌊e/2⌋ for x = f·2^e, 1 ≤ f < 2: brings a positive normal double squared-wise to [1, 4).

    Works on the bits: the exponent field of x, halved and negated, becomes that of the result.
    """

    def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        def words(value: int) -> Any:
            return ir.Constant(_WORDS, [value] * WIDTH)

        field = builder.lshr(builder.bitcast(given[0], _WORDS), words(52))
        exponent = builder.sub(field, words(1023))
        half = builder.ashr(exponent, words(1))
        return builder.bitcast(builder.shl(builder.sub(words(1023), half), words(52)), _DOUBLES)

    return LANES(LANES), build
