# SPDX-License-Identifier: GPL-2.0-only
"""Plots as inline SVG. Colours are classes of the page's style sheet, so that light and
dark need one plot. A plot is as wide as the page allows; numbers stand beside bars, and
every bar has a title for those who cannot see it."""

import math
from html import escape

WIDTH = 640
ROW = 24
LABEL = 170
WIDE_LABEL = 290
VALUE = 130
# Of a letter on a phone, where text is larger (page.py).
LETTER = 9.9


def _open(height, title):
    return (f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}" '
            f'xmlns="http://www.w3.org/2000/svg">')


def _text(x, y, words, style="", anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{style}" text-anchor="{anchor}">{escape(words)}</text>'


def bars(title, rows, show):
    """Bars with ranges. rows: [(label, style class, median, low, high)]; `show` formats."""
    height = ROW * len(rows) + 6
    top = max([high for *_, high in rows] + [1e-12])
    room = WIDTH - LABEL - VALUE
    parts = [_open(height, title)]
    for number, (label, style, middle, low, high) in enumerate(rows):
        y = number * ROW + 4
        x0, x1, x2 = (LABEL + room * max(value, 0) / top for value in (low, middle, high))
        words = f"{label}: {show(middle)} ({show(low)} to {show(high)})"
        parts += [f"<g><title>{escape(words)}</title>", _text(LABEL - 8, y + 13, label, "label", "end"),
                  f'<rect x="{LABEL}" y="{y}" width="{max(x1 - LABEL, 1):.1f}" height="{ROW - 6}" '
                  f'class="{style}" rx="2"/>',
                  f'<path d="M{x0:.1f} {y + 8}H{x2:.1f}M{x0:.1f} {y + 4}v8M{x2:.1f} {y + 4}v8" '
                  'class="range"/>',
                  _text(min(x2, LABEL + room) + 8, y + 13, show(middle), "value"), "</g>"]
    return "".join([*parts, "</svg>"])


def stacked(title, rows, parts_order, show):
    """One bar per row, made of parts. rows: [(label, {part: value})]."""
    height = ROW * len(rows) + 6
    top = max([sum(parts.values()) for _, parts in rows] + [1e-12])
    room = WIDTH - WIDE_LABEL - VALUE
    drawn = [_open(height, title)]
    for number, (label, parts) in enumerate(rows):
        y, x = number * ROW + 4, float(WIDE_LABEL)
        drawn.append(_text(WIDE_LABEL - 8, y + 13, label, "label", "end"))
        for index, part in enumerate(parts_order):
            width = room * parts.get(part, 0) / top
            if width > 0:
                drawn.append(f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{ROW - 6}" '
                             f'class="part{index % 8}"><title>{escape(part)}: '
                             f'{show(parts[part])}</title></rect>')
                x += width
        drawn.append(_text(x + 8, y + 13, show(sum(parts.values())), "value"))
    return "".join([*drawn, "</svg>"])


def legend(parts):
    """HTML for stacked()'s colours."""
    return '<p class="legend">' + "".join(
        f'<span><i class="key part{index % 8}"></i>{escape(part)}</span>'
        for index, part in enumerate(parts)) + "</p>"


def duration(microseconds):
    """A power of ten of microseconds, in the unit that people use for it."""
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if microseconds >= size:
            return f"{microseconds / size:g} {unit}"
    return f"{microseconds:g} µs"


def curves(title, lines):
    """Latency in microseconds by percentile, both axes logarithmic: to the right the rarer,
    at the right end the longest. lines: [(label, style class, {percentile text: value})]."""
    height, left, above, bottom = 250, 90, 18, 30
    points = [(label, style, sorted((float(name), value) for name, value in values.items() if value > 0))
              for label, style, values in lines]
    every = [value for _, _, values in points for _, value in values]
    if not every:
        return ""
    low, high = math.floor(math.log10(min(every))), math.ceil(math.log10(max(every)) + 1e-9)
    high = max(high, low + 1)
    longest = 4.6           # 99.99 % is 4

    def x_of(percentile):
        rare = longest if percentile >= 100 else -math.log10(1 - percentile / 100)
        return left + (WIDTH - left - 24) * rare / longest

    def y_of(value):
        return above + (height - above - bottom) * (high - math.log10(value)) / (high - low)

    parts = [_open(height, title)]
    for power in range(low, high + 1):
        y = y_of(10.0 ** power)
        parts += [f'<path d="M{left} {y:.1f}H{WIDTH - 24}" class="grid"/>',
                  _text(left - 6, y + 4, duration(10.0 ** power), "label", "end")]
    for percentile in (50, 90, 99, 99.9, 99.99, 100):
        words = f"{percentile:g} %" if percentile < 100 else "max"
        parts.append(_text(x_of(percentile), height - 8, words, "label", "middle"))
    for label, style, values in points:
        way = " ".join(f"{x_of(percentile):.1f},{y_of(value):.1f}" for percentile, value in values)
        parts.append(f'<polyline points="{way}" class="line {style}-line"><title>{escape(label)}'
                     "</title></polyline>")
    return "".join([*parts, "</svg>"])
