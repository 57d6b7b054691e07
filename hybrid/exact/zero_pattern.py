"""What the zeros of a matrix show of it, whatever its other entries are.

A pattern is one bit mask for each row: bit j is set where the entry may be other than zero.
"""

from __future__ import annotations

from collections.abc import Sequence

Pattern = Sequence[int]


def term_rank(rows: Pattern) -> int:
    """The largest number of entries in different rows and columns: no matrix of this pattern has a larger rank.

    >>> term_rank([0b11, 0b01, 0b01])
    2
    """
    return len(_matching(rows))


def zero_eigenvalues(rows: Pattern) -> int:
    """How often 0 is an eigenvalue of every matrix of this square pattern, at least.

    The coefficient of s^(n−k) sums products over vertex-disjoint cycles through k indices in all: where no k indices
    and more carry any, s^(n−k+1) divides the characteristic polynomial.

    >>> zero_eigenvalues([0b110, 0b001, 0b001])
    1
    """
    n = len(rows)
    subsets = sorted(range(1 << n), key=int.bit_count, reverse=True)
    for subset in subsets:
        inside = [row & subset for i, row in enumerate(rows) if subset >> i & 1]
        if term_rank(inside) == len(inside):
            return n - len(inside)
    return n


def blocks(rows: Pattern) -> list[list[int]]:
    """The diagonal blocks of a block triangular form: indices that lead to each other and back.

    >>> blocks([0b110, 0b001, 0b100])
    [[0, 1], [2]]
    """
    n = len(rows)
    leads = [row | 1 << i for i, row in enumerate(rows)]
    for k in range(n):
        leads = [row | leads[k] if row >> k & 1 else row for row in leads]
    found: dict[int, list[int]] = {}
    for i in range(n):
        first = min(j for j in range(n) if leads[i] >> j & 1 and leads[j] >> i & 1)
        found.setdefault(first, []).append(i)
    return list(found.values())


def unreached_in_words(states: Sequence[str]) -> str:
    """What an answer says of the states that `unreached` finds."""
    return f"No input acts on {', '.join(states)}, and nothing that an input reaches does."


def unreached(A: Pattern, B: Pattern) -> int:
    """The states, as bits, that no chain of entries leads to from an input: no input moves them.

    >>> unreached([0b01, 0b10], [1, 0])
    2
    """
    reached = sum(1 << i for i, row in enumerate(B) if row)
    while True:
        more = reached | sum(1 << i for i, row in enumerate(A) if row & reached)
        if more == reached:
            return ~reached & ((1 << len(A)) - 1)
        reached = more


def dilation(A: Pattern, B: Pattern) -> int:
    """Rows of [A B], as bits, that have fewer columns with entries than rows: 0 where there are none.

    Some combination of such rows is 0, so that 0 is an eigenvalue that no input moves (Lin 1974). By König's theorem
    there are such rows where the term rank is less than n: those that alternating paths reach from an unmatched row.
    """
    n = len(A)
    rows = [a | b << n for a, b in zip(A, B, strict=True)]
    owner = _matching(rows)
    unmatched = set(range(n)) - set(owner.values())
    if not unmatched:
        return 0
    chosen, queue = 0, [next(iter(unmatched))]
    while queue:
        row = queue.pop()
        if not chosen >> row & 1:
            chosen |= 1 << row
            queue += [owner[j] for j in owner if rows[row] >> j & 1]
    return chosen


def _matching(rows: Pattern) -> dict[int, int]:
    """A largest set of entries in different rows and columns: column → row (Kuhn's augmenting paths)."""
    owner: dict[int, int] = {}

    def place(i: int, seen: set[int]) -> bool:
        row, j = rows[i], 0
        while row >> j:
            if row >> j & 1 and j not in seen:
                seen.add(j)
                if j not in owner or place(owner[j], seen):
                    owner[j] = i
                    return True
            j += 1
        return False

    for i in range(len(rows)):
        place(i, set())
    return owner
