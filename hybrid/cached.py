"""Properties that are computed once, without a lock.

Those of functools hold, in Python 3.11, one lock for all instances of a class while they compute. Threads would wait
for each other's work, two could wait for each other for ever (one more lock guards the precision), and a child that
is forked meanwhile would find it locked and never opened.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

Value = TypeVar("Value")


class cached_property(Generic[Value]):  # noqa: N801 — stands where functools' would
    """A property without side effects, kept in the instance; two threads at once may both compute it.

    >>> class Circle:
    ...     @cached_property
    ...     def area(self):
    ...         print("computed")
    ...         return 3
    >>> circle = Circle()
    >>> circle.area + circle.area
    computed
    6
    """

    def __init__(self, func: Callable[[Any], Value]) -> None:
        self.func = func
        self.__doc__ = func.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> Value: ...
    def __get__(self, instance: object | None, owner: type) -> Self | Value:
        if instance is None:
            return self
        value = self.func(instance)
        return instance.__dict__.setdefault(self.name, value)  # type: ignore[no-any-return]
