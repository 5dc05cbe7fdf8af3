"""What was drawn from the same things need not be drawn again."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

Result = TypeVar("Result")
_KEPT = 4


def remembering(function: Callable[..., Result]) -> Callable[..., Result]:
    """Keep the newest results of a pure function whose first argument is large and never changes.

    It is the same argument if it is the same object, which is known at once; the others are compared.
    """
    kept: list[tuple[object, tuple[Any, ...], Result]] = []

    @wraps(function)
    def remembered(subject: object, *others: Any) -> Result:
        for known, arguments, result in kept:
            if known is subject and arguments == others:
                return result
        result = function(subject, *others)
        kept.insert(0, (subject, others, result))
        del kept[_KEPT:]
        return result

    return remembered
