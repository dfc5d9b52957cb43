"""The pair sums of SSIM on a CUDA device: one Triton kernel.

It takes two described sets of patches (:class:`core.smote.ssim_cuda.Described`) and gives for each band and pair the
sum of SSIM over the windows.

A lane holds a pair, not a pixel, so that a window's sum slides along a row of windows in a register: one column of
seven products comes in, one goes out. A program compares ``XB`` patches (scalars, the same for all lanes) with ``BY``
(vectors), for ``R`` rows of windows at once, which share the products of the rows they have in common. Nothing is
shared between threads, so there is no barrier; the limit is the rate at which instructions start. Rounding gathers only
along one row of windows, where a sum starts afresh. Importing this module needs triton.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import triton
import triton.language as tl

SIDE = 32  # patches that lie side by side in memory: one line of 128 bytes
G = tl.constexpr(SIDE)


class Plan(NamedTuple):
    """How the work is cut up; figures of several are in ``benchmarks/results/ssim_gpu.json``."""

    x_block: int = 8  # XB, 2 to 32, a power of 2
    y_block: int = 64  # BY, a multiple of 32 times warps
    warps: int = 1
    rows: int = 4  # R, 2 or 4
    packed: bool = True  # two scalars with one load


PLAN = Plan()
INTERPRETED = triton.knobs.runtime.interpret  # on a CPU, to test


@triton.jit
def _scalars(p, XB: tl.constexpr, PACKED: tl.constexpr):  # pragma: no cover - compiled
    """XB neighbouring values, a tuple of scalars."""
    out = ()
    if PACKED:
        pairs = p.to(tl.pointer_type(tl.int64))
        for q in tl.static_range(XB // 2):
            both = tl.load(pairs + q)
            low = both.to(tl.int32).to(tl.float32, bitcast=True)
            high = (both >> 32).to(tl.int32).to(tl.float32, bitcast=True)
            out = out + (low, high)
    else:
        for q in tl.static_range(XB):
            out = out + (tl.load(p + q),)
    return out


@triton.jit
def _four_sums(xs, ys, q: tl.constexpr):  # pragma: no cover - compiled
    """Sums of 7 of the 10 products down a column, from each of 4 rows: 13 operations instead of 28."""
    middle = xs[3][q] * ys[3]
    for k in tl.static_range(4, 7):
        middle += xs[k][q] * ys[k]
    from2 = middle + xs[2][q] * ys[2]
    from1 = from2 + xs[1][q] * ys[1]
    to7 = xs[7][q] * ys[7]
    to8 = to7 + xs[8][q] * ys[8]
    to9 = to8 + xs[9][q] * ys[9]
    return from1 + xs[0][q] * ys[0], from1 + to7, from2 + to8, middle + to9


@triton.jit
def _two_sums(xs, ys, q: tl.constexpr):  # pragma: no cover - compiled
    """The same from each of 2 rows, of 8 products."""
    middle = xs[1][q] * ys[1]
    for k in tl.static_range(2, 7):
        middle += xs[k][q] * ys[k]
    return middle + xs[0][q] * ys[0], middle + xs[7][q] * ys[7]


@triton.jit
def _moved(
    window, px, py, SIGN: tl.constexpr, XB: tl.constexpr, R: tl.constexpr, PACKED: tl.constexpr
):  # pragma: no cover - compiled
    """The windows' sums with the column at px and py more (SIGN 1) or less (-1): a tuple of XB times R vectors."""
    xs, ys = (), ()
    for k in tl.static_range(R + 6):
        xs = xs + (_scalars(px + k * G, XB, PACKED),)
        ys = ys + (tl.load(py + k * G),)
    out = ()
    for q in tl.static_range(XB):
        if R == 4:
            sums = _four_sums(xs, ys, q)
        else:
            sums = _two_sums(xs, ys, q)
        for r in tl.static_range(R):
            if SIGN > 0:
                out = out + (window[q * R + r] + sums[r],)
            else:
                out = out + (window[q * R + r] - sums[r],)
    return out


@triton.jit(do_not_specialize=["groups_x", "groups_y", "upper"])  # else sizes would compile anew
def _pair_sums(
    x, mean_x, half_x, offset_x, y, mean_y, half_y, offset_y, out, groups_x, groups_y, upper, half_c1, c2, back,
    WIDTH: tl.constexpr, ROWS: tl.constexpr, XB: tl.constexpr, BY: tl.constexpr, R: tl.constexpr,
    PACKED: tl.constexpr, EXACT: tl.constexpr,
):  # fmt: skip  # pragma: no cover - compiled
    """Half the sum of SSIM over all windows, into out (C, 32 groups_x, 32 groups_y).

    x, y: (C, groups, WIDTH, ROWS + 6, 32); mean, half: (C, groups, WIDTH - 6, ROWS, 32); offset: (C, groups, 32).
    upper: blocks wholly below the diagonal are left out. back: what turns a stored mean into that of the pixels.
    """
    i, j, band = tl.program_id(0) * XB, tl.program_id(1) * BY, tl.program_id(2)
    if (upper != 0) & (j + BY <= i):
        return
    column, window_column = (ROWS + 6) * G, ROWS * G  # from one column to the next
    others = j + tl.arange(0, BY)
    group_x, group_y = band * groups_x + i // G, band * groups_y + others // G
    in_x, in_y = i % G, others % G
    offsets_x, offsets_y = _scalars(offset_x + group_x * G + in_x, XB, PACKED), tl.load(offset_y + group_y * G + in_y)
    zero = tl.zeros((BY,), tl.float32)
    total = ()
    for _each in tl.static_range(XB):
        total = total + (zero,)
    for row in range(0, ROWS, R):
        px = x + group_x * (WIDTH * column) + row * G + in_x
        py = y + group_y * (WIDTH * column) + row * G + in_y
        at_x = group_x * ((WIDTH - 6) * window_column) + row * G + in_x
        at_y = group_y * ((WIDTH - 6) * window_column) + row * G + in_y
        window = ()
        for _sum in tl.static_range(XB * R):
            window = window + (zero + c2,)
        for _first in range(6):
            window = _moved(window, px, py, 1, XB, R, PACKED)
            px += column
            py += column
        for _rest in range(WIDTH - 6):
            window = _moved(window, px, py, 1, XB, R, PACKED)
            for r in tl.static_range(R):
                mx, hx = _scalars(mean_x + at_x + r * G, XB, PACKED), _scalars(half_x + at_x + r * G, XB, PACKED)
                my, hy = tl.load(mean_y + at_y + r * G), tl.load(half_y + at_y + r * G)
                uy = my * back + offsets_y
                square_y = uy * uy + half_c1
                more = ()
                for q in tl.static_range(XB):
                    ux = mx[q] * back + offsets_x[q]
                    square_x = ux * ux + half_c1
                    above = (window[q * R + r] - mx[q] * my) * (ux * uy + half_c1)
                    below = (square_x + square_y) * (hx[q] + hy)
                    if EXACT:
                        more = more + (total[q] + above / below,)
                    else:  # one instruction, right to the last bit but one; the compiler's division takes six
                        inverse = tl.inline_asm_elementwise(
                            "rcp.approx.ftz.f32 $0, $1;", "=f,f", [below], dtype=tl.float32, is_pure=True, pack=1
                        )
                        more = more + (total[q] + above * inverse,)
                total = more
            window = _moved(window, px - 6 * column, py - 6 * column, -1, XB, R, PACKED)
            px += column
            py += column
            at_x += window_column
            at_y += window_column
    place = out + (band.to(tl.int64) * (groups_x * G) + i) * (groups_y * G) + others
    for q in tl.static_range(XB):
        tl.store(place + q * (groups_y * G), total[q])


def half_sums(left, right, upper: bool, half_c1: float, c2: float, back: float, plan: Plan = PLAN) -> torch.Tensor:
    """(C, n, m) float32 on the device of two :class:`core.smote.ssim_cuda.Described`: half their sums of SSIM.

    With ``upper`` what lies below the diagonal, where ``left`` is ``right``, may be anything.
    """
    x, y = left.values, right.values
    bands, groups_x, width, rows, _ = x.shape
    groups_y = y.shape[1]
    out = torch.empty((bands, groups_x * SIDE, groups_y * SIDE), dtype=torch.float32, device=x.device)
    grid = (triton.cdiv(left.n, plan.x_block), triton.cdiv(right.n, plan.y_block), bands)
    _pair_sums[grid](
        x, left.mean, left.half, left.offset, y, right.mean, right.half, right.offset, out, groups_x, groups_y,
        int(upper), half_c1, c2, back, WIDTH=width, ROWS=rows - 6, XB=plan.x_block, BY=plan.y_block, R=plan.rows,
        PACKED=plan.packed, EXACT=INTERPRETED, num_warps=plan.warps,
    )  # fmt: skip
    return out[:, : left.n, : right.n]
