"""The rounds of a pursuit for one token after the other, compiled by numba: see ``compiled.py`` for what they are for.

Everything that a round needs of a token fits into the fast memory of a processor: its scores, its residual and the few
rows it looks at. Sums may be reordered by the compiler, which is what makes them fast; nothing else is relaxed, so
numbers that are no numbers stay what they are.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

# numba sets this when it is imported; people who debug switch it off for all that numba compiles
COMPILED = not getattr(numba.config, "DISABLE_JIT")  # noqa: B009
Floats = npt.NDArray[np.float32]

CANDIDATES = 64  # of a round at most; where more are close together, all atoms are scored anew
_AT_ONCE = 2048  # scores changed at a time, to stay near the processor from row to row
_SQUARE = 64  # rows and columns copied at a time
_PRODUCT_ERROR = np.float32(3e-5)  # of a float32 product of unit vectors of up to some thousand entries, at worst
_UPDATE_ERROR = np.float32(3e-6)  # of the same in the Gram matrix, and of adding up, per amount subtracted
_ROUNDING = np.float32(0.51)  # of an entry of the Gram matrix to a whole number, in its unit


def _compiled(loop: Any) -> Any:
    """``loop`` compiled at its first call, free of the interpreter's lock; kept on disk where there is a place."""
    relaxed = {"reassoc", "contract", "nsz"}
    try:
        return numba.njit(loop, cache=True, nogil=True, fastmath=relaxed)
    except RuntimeError:  # neither beside this file nor in the user's cache may anything be written
        return numba.njit(loop, nogil=True, fastmath=relaxed)


@_compiled
def pursue(
    residuals: Floats,
    scores: Floats,
    columns: Floats,
    gram: npt.NDArray[np.int16],
    unit: np.float32,
    atoms: Floats,
    groups: int,
    magnitude: bool,
    ridge: np.float32,
    indices: npt.NDArray[np.int64],
    values: Floats,
    per_round: int,
) -> None:
    """All rounds of all tokens of a block.

    Parameters
    ----------
    residuals : numpy.ndarray
        ``(B, dim)`` float32 tokens; what is left of them afterwards.
    scores : numpy.ndarray
        ``(B, M')`` float32 products of tokens and atoms, with M' - M columns of padding that can never win; destroyed.
        Or, with ``columns``, room for one token, ``(1, M')``.
    columns : numpy.ndarray
        ``(dim, M')`` float32, atoms and padding as columns, for products to be made here; or ``(0, M')``.
    gram : numpy.ndarray
        ``(M, M')`` int16, products of atoms.
    unit : float
        That they are counted in.
    atoms : numpy.ndarray
        ``(M, dim)`` float32.
    groups : int
        A divisor of M': the scores are searched through the largest of each group of them.
    magnitude : bool
        Select by magnitude.
    ridge : float
        Added to the diagonal of every system of least squares.
    indices, values : numpy.ndarray
        ``(B, J * L)`` int64 and float32, filled in pick order.
    per_round : int
        L.
    """
    maxima = np.empty(groups, np.float32)
    top = np.empty(per_round, np.float32)
    candidates, ranks = np.empty(CANDIDATES, np.int64), np.empty(CANDIDATES, np.float32)
    squares, solved = np.empty((per_round, per_round), np.float32), np.empty(per_round, np.float32)
    amounts = np.empty(per_round, np.float32)
    for b in range(len(residuals)):
        residual, score = residuals[b], scores[0 if len(columns) else b]
        if len(columns):
            _multiply(residual, columns, score)
            score[len(atoms) :] = 0 if magnitude else -np.inf
        error = _PRODUCT_ERROR * np.sqrt(dot(residual, residual))
        for first in range(0, indices.shape[1], per_round):
            _group_maxima(score, maxima, magnitude)
            # L atoms reach the L-th largest maximum, so none that is further below than the errors of two can win
            found = _over(score, maxima, _nth_largest(maxima, top) - 2 * error, candidates, magnitude)
            if found >= per_round:
                for c in range(found):
                    product = dot(residual, atoms[candidates[c]])
                    ranks[c] = abs(product) if magnitude else product
            else:  # too many are close together, or these are no numbers
                found = per_round
                _score_all(residual, atoms, score, candidates[:found], ranks[:found], magnitude)
                error = _PRODUCT_ERROR * np.sqrt(dot(residual, residual))
            _put_first(candidates, ranks, found, per_round)
            for i in range(per_round):
                row = atoms[candidates[i]]
                solved[i] = dot(residual, row)
                for j in range(i + 1):
                    squares[i, j] = dot(row, atoms[candidates[j]])
                squares[i, i] += ridge
            _solve(squares, solved)
            for i in range(per_round):
                pick, value = candidates[i], solved[i]
                row = atoms[pick]
                for d in range(len(row)):
                    residual[d] -= value * row[d]
                indices[b, first + i], values[b, first + i] = pick, value
                amounts[i] = value * unit
                error += _ROUNDING * abs(amounts[i]) + _UPDATE_ERROR * abs(value)
            if first + per_round < indices.shape[1]:
                _subtract(score, gram, candidates, amounts)


@_compiled
def dot(one: Floats, other: Floats) -> Any:
    """Inner product of two rows."""
    total = np.float32(0)
    for i in range(len(one)):
        total += one[i] * other[i]
    return total


@_compiled
def _multiply(residual: Floats, columns: Floats, score: Floats) -> None:
    """``score = residual @ columns``, four numbers of the residual at a time."""
    score[:] = 0
    d = 0
    while d + 3 < len(residual):
        a, b, c, e = residual[d], residual[d + 1], residual[d + 2], residual[d + 3]
        first, second, third, fourth = columns[d], columns[d + 1], columns[d + 2], columns[d + 3]
        for m in range(len(score)):
            score[m] += a * first[m] + b * second[m] + c * third[m] + e * fourth[m]
        d += 4
    while d < len(residual):
        a, first = residual[d], columns[d]
        for m in range(len(score)):
            score[m] += a * first[m]
        d += 1


@_compiled
def round_off(products: Floats, per_unit: np.float32, gram: npt.NDArray[np.int16]) -> None:
    """Fill ``gram`` with ``products * per_unit`` as whole numbers; they must lie within 32767 of 0."""
    for row in range(len(products)):
        for m in range(products.shape[1]):  # cutting off a positive number is faster than rounding one
            gram[row, m] = np.int16(np.int32(products[row, m] * per_unit + np.float32(32768.5)) - 32768)


@_compiled
def copy(source: npt.NDArray[np.int16], target: npt.NDArray[np.int16]) -> None:
    """Copy a matrix that lies in memory column by column, in squares that stay near the processor."""
    rows, columns = target.shape
    for top in range(0, rows, _SQUARE):
        for left in range(0, columns, _SQUARE):
            for row in range(top, min(top + _SQUARE, rows)):
                for column in range(left, min(left + _SQUARE, columns)):
                    target[row, column] = source[row, column]


@_compiled
def _group_maxima(score: Floats, maxima: Floats, magnitude: bool) -> None:
    """The largest of each group: group g holds the scores g, g + groups, g + 2 groups, ..."""
    groups = len(maxima)
    for g in range(groups):
        maxima[g] = abs(score[g]) if magnitude else score[g]
    for start in range(groups, len(score), groups):
        members = score[start : start + groups]
        if magnitude:
            for g in range(groups):
                size = abs(members[g])
                maxima[g] = size if size > maxima[g] else maxima[g]
        else:
            for g in range(groups):
                maxima[g] = members[g] if members[g] > maxima[g] else maxima[g]


@_compiled
def _nth_largest(values: Floats, top: Floats) -> Any:
    """The smallest of as many of the largest as ``top`` has room for."""
    top[:] = -np.inf
    for value in values:
        if value > top[-1]:
            place = len(top) - 1
            while place > 0 and top[place - 1] < value:
                top[place] = top[place - 1]
                place -= 1
            top[place] = value
    return top[-1]


@_compiled
def _over(score: Floats, maxima: Floats, limit: np.float32, found: npt.NDArray[np.int64], magnitude: bool) -> int:
    """Fill ``found`` with the numbers of the scores that reach a limit: how many there are, or -1 if it has no room."""
    count, groups = 0, len(maxima)
    for g in range(groups):
        if maxima[g] >= limit:
            for m in range(g, len(score), groups):
                if (abs(score[m]) if magnitude else score[m]) >= limit:
                    if count == len(found):
                        return -1
                    found[count] = m
                    count += 1
    return count


@_compiled
def _score_all(
    residual: Floats, atoms: Floats, score: Floats, best: npt.NDArray[np.int64], ranks: Floats, magnitude: bool
) -> None:
    """Score all atoms anew, and fill ``best`` and ``ranks`` with the largest, best first, equal ones by number."""
    last = len(best) - 1
    for place in range(len(best)):
        best[place], ranks[place] = place, -np.inf
    for m in range(len(atoms)):
        score[m] = dot(residual, atoms[m])
        rank = abs(score[m]) if magnitude else score[m]
        if rank > ranks[last]:
            place = last
            while place > 0 and ranks[place - 1] < rank:
                best[place], ranks[place] = best[place - 1], ranks[place - 1]
                place -= 1
            best[place], ranks[place] = m, rank


@_compiled
def _put_first(numbers: npt.NDArray[np.int64], ranks: Floats, count: int, wanted: int) -> None:
    """Bring the wanted ones with the largest ranks to the front, best first, equal ones by number."""
    for place in range(wanted):
        best = place
        for c in range(place + 1, count):
            if ranks[c] > ranks[best] or (ranks[c] == ranks[best] and numbers[c] < numbers[best]):
                best = c
        numbers[place], numbers[best] = numbers[best], numbers[place]
        ranks[place], ranks[best] = ranks[best], ranks[place]


@_compiled
def _solve(squares: Floats, values: Floats) -> None:
    """Solve a symmetric system by Cholesky's decomposition: ``values`` in, solution out; ``squares`` is destroyed."""
    size = len(values)
    for i in range(size):
        for j in range(i + 1):
            rest = squares[i, j]
            for n in range(j):
                rest -= squares[i, n] * squares[j, n]
            squares[i, j] = np.sqrt(rest) if i == j else rest / squares[j, j]
        for n in range(i):
            values[i] -= squares[i, n] * values[n]
        values[i] /= squares[i, i]
    for i in range(size - 1, -1, -1):
        for n in range(i + 1, size):
            values[i] -= squares[n, i] * values[n]
        values[i] /= squares[i, i]


@_compiled
def _subtract(score: Floats, gram: npt.NDArray[np.int16], picks: npt.NDArray[np.int64], amounts: Floats) -> None:
    """``score -= sum of amounts[i] * gram[picks[i]]``, two rows at a time."""
    for start in range(0, len(score), _AT_ONCE):
        end = min(start + _AT_ONCE, len(score))
        part = score[start:end]
        i = 0
        while i + 1 < len(amounts):
            one, other = gram[picks[i], start:end], gram[picks[i + 1], start:end]
            for m in range(end - start):
                part[m] -= amounts[i] * np.float32(one[m]) + amounts[i + 1] * np.float32(other[m])
            i += 2
        if i < len(amounts):
            one = gram[picks[i], start:end]
            for m in range(end - start):
                part[m] -= amounts[i] * np.float32(one[m])
