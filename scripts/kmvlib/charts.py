"""Charts as SVG text for a page whose style sheet names the colours; each has axes with units."""

import html
import math

WIDTH, HEIGHT = 860, 260
LEFT, RIGHT, TOP, BOTTOM = 70, 28, 14, 44
BUCKETS = 40
TICKS = 5  # of an axis, about
BAR_LEFT, BAR_STEP = 240, 26


def buckets(values, low, high):
    """How many values fall into each of BUCKETS equal parts of [low, high]."""
    counts = [0] * BUCKETS
    for value in values:
        counts[min(BUCKETS - 1, (value - low) * BUCKETS // max(1, high - low))] += 1
    return counts


def round_steps(highest, least=0):
    """Marks of an axis from 0 up to the first at or above `highest`: multiples of 1, 2 or 5 times a power of ten, at least `least`."""
    if highest <= 0:
        return [0, 1]
    power = 10 ** math.floor(math.log10(highest / TICKS))
    step = max(least, next(factor * power for factor in (1, 2, 5, 10) if factor * power * TICKS >= highest))
    return [index * step for index in range(math.ceil(highest / step) + 1)]


def figure(value):
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"


class Frame:
    """A chart's axes: turns values into places."""

    def __init__(self, x_high, y_high, x_title, y_title, least=0):
        self.x_high = x_high or 1
        self.y_marks = round_steps(y_high, least)
        self.titles = x_title, y_title
        self.parts = []

    def x(self, value):
        return LEFT + value / self.x_high * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        return HEIGHT - BOTTOM - value / self.y_marks[-1] * (HEIGHT - BOTTOM - TOP)

    def x_marks(self, marks):
        """Labels below the axis: pairs of value and text."""
        for value, text in marks:
            self.parts.append(label(self.x(value), HEIGHT - BOTTOM + 16, text, "middle"))

    def drawing(self, alt):
        lines = [line("grid", LEFT, self.y(mark), WIDTH - RIGHT, self.y(mark)) for mark in self.y_marks[1:]]
        lines += [label(LEFT - 6, self.y(mark) + 4, figure(mark), "end") for mark in self.y_marks]
        lines.append(label((LEFT + WIDTH) / 2, HEIGHT - 6, self.titles[0], "middle"))
        middle = (HEIGHT - BOTTOM + TOP) / 2
        lines.append(label(16, middle, self.titles[1], "middle", f' transform="rotate(-90 16 {middle:.0f})"'))
        axis = line("axis", LEFT, self.y(0), WIDTH - RIGHT, self.y(0))
        return drawing(HEIGHT, [*lines, *self.parts, axis], alt)


def time_marks(span):
    """Marks of an axis of `span` ticks, told in millions."""
    marks = round_steps(span / 1e6)
    return [(mark * 1e6, figure(mark)) for mark in marks if mark * 1e6 <= span]


def histogram(stacks, low, high, x_title, y_title):
    """Stacked columns over time: values by kind."""
    counts = {kind: buckets(values, low, high) for kind, values in stacks.items()}
    frame = Frame(high - low, max(map(sum, zip(*counts.values()))), x_title, y_title, 1)
    width = (high - low) / BUCKETS
    for index in range(BUCKETS):
        base = 0
        for kind in counts:
            count = counts[kind][index]
            if count:
                frame.parts.append(column(frame, index * width, width, base, base + count, kind, f"{kind}: {count}"))
                base += count
    frame.x_marks(time_marks(high - low))
    return frame.drawing(f"{y_title} over time")


def powers_of_two(values, x_title, y_title):
    """Columns of how many values have each number of bits."""
    bits = [max(1, value).bit_length() for value in values]
    first, last = min(bits), max(bits)
    counts = [bits.count(number) for number in range(first, last + 1)]
    frame = Frame(len(counts), max(counts), x_title, y_title, 1)
    for index, count in enumerate(counts):
        low, high = 2 ** (first + index - 1), 2 ** (first + index)
        if count:
            frame.parts.append(column(frame, index, 1, 0, count, "recover", f"{low:,} to {high:,} {x_title}: {count}"))
    step = -(-len(counts) // 10)
    frame.x_marks([(index, short(2 ** (first + index - 1))) for index in range(0, len(counts) + 1, step)])
    return frame.drawing(f"{y_title} by {x_title}")


def distribution(counts, kind, x_title, y_title):
    """Columns of counts by upper limit of a value; all limits are multiples of the least distance between two."""
    limits = sorted(counts)
    step = min((high - low for low, high in zip(limits, limits[1:])), default=limits[0])
    frame = Frame(limits[-1], max(counts.values()), x_title, y_title, 1)
    for limit in limits:
        title = f"{limit - step:,} to {limit:,} {x_title}: {counts[limit]}"
        frame.parts.append(column(frame, limit - step, step, 0, counts[limit], kind, title))
    frame.x_marks([(mark, figure(mark)) for mark in round_steps(limits[-1]) if mark <= limits[-1]])
    return frame.drawing(f"{y_title} by {x_title}")


def short(value):
    """A power of two in few characters: 512, 64 K, 2 M."""
    for unit, size in (("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)):
        if value >= size:
            return f"{value // size} {unit}"
    return str(value)


def curve(points, span, kind, x_title, y_title):
    """A line through (ticks, value) in `span` ticks."""
    frame = Frame(span, max(value for _, value in points), x_title, y_title)
    path = " ".join(f"{frame.x(tick):.1f},{frame.y(value):.1f}" for tick, value in points)
    frame.parts.append(f'<polyline class="curve {kind}" points="{path}"/>')
    frame.x_marks(time_marks(span))
    return frame.drawing(f"{y_title} over time")


def bars(rows, unit):
    """Horizontal bars: (name, count, kind)."""
    highest = max(1, max(count for _, count, _ in rows))
    parts = []
    for index, (name, count, kind) in enumerate(rows):
        top = index * BAR_STEP
        length = count / highest * (WIDTH - BAR_LEFT - 120)
        parts.append(label(BAR_LEFT - 8, top + 17, name, "end", ' class="strong"'))
        parts.append(rectangle(BAR_LEFT, top + 4, max(1, length), BAR_STEP - 8, kind, f"{name}: {count} {unit}"))
        parts.append(label(BAR_LEFT + length + 8, top + 17, f"{count:,} {unit}" if index == 0 else f"{count:,}"))
    return drawing(len(rows) * BAR_STEP + 6, parts, f"{unit} by kind")


def column(frame, left, width, low, high, kind, title):
    place, end = frame.x(left), frame.x(left + width)
    return rectangle(place, frame.y(high), end - place - 1, frame.y(low) - frame.y(high), kind, title)


def drawing(height, parts, alt):
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{html.escape(alt)}">' + "".join(parts) + "</svg>"


def line(kind, left, top, right, bottom):
    return f'<line class="{kind}" x1="{left:.1f}" y1="{top:.1f}" x2="{right:.1f}" y2="{bottom:.1f}"/>'


def rectangle(left, top, width, height, kind, title):
    return (
        f'<rect class="{kind}" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}">'
        f"<title>{html.escape(title)}</title></rect>"
    )


def label(left, baseline, text, anchor="start", more=""):
    return f'<text x="{left:.1f}" y="{baseline:.1f}" text-anchor="{anchor}"{more}>{html.escape(text)}</text>'
