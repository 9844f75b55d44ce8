"""Writes two kinds of SVG plots: bars with their rounds as dots, and lines over a load."""

import html
import math

COLOURS = {
    "evio-epoll": "#1f6fd1",
    "evio-io_uring": "#0b3d91",
    "evio-epoll-spin": "#6fa8ec",
    "evio-io_uring-spin": "#3d6fc0",
    "floor-epoll": "#9a9a9a",
    "floor-io_uring": "#6b6b6b",
    "floor-udp": "#6b6b6b",
    "libuv": "#d9822b",
    "libevent": "#b8a21c",
    "asio": "#b0413e",
    "go": "#1a9c86",
}
KINDS = {"ours": "#1f6fd1", "floor": "#8a8a8a", "peer": "#d9822b"}


def colour(server, kind):
    return COLOURS.get(server) or ("#0b3d91" if kind == "ours" and "io_uring" in server else KINDS[kind])


def short(value):
    for limit, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:.3g}{suffix}"
    return f"{value:.3g}"


def text(x, y, content, anchor="start", kind="label"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{html.escape(content)}</text>'


def bars(items):
    """items: (server, kind, median, [value of each round]). The dots are rounds."""
    left, width, row, right = 130, 330, 22, 60
    items = [item for item in items if item[2] is not None]
    if not items:
        return ""
    top = max(max([median, *rounds]) for _, _, median, rounds in items) or 1
    parts = []
    for i, (server, kind, median, rounds) in enumerate(items):
        y = 4 + i * row
        fill = colour(server, kind)
        parts.append(text(left - 6, y + 13, server, "end"))
        parts.append(f'<rect x="{left}" y="{y}" width="{median / top * width:.1f}" height="16" rx="2" fill="{fill}"/>')
        for value in rounds:
            parts.append(f'<circle cx="{left + value / top * width:.1f}" cy="{y + 8}" r="2" class="dot"/>')
        parts.append(text(left + width + 8, y + 13, short(median)))
    height = 4 + len(items) * row
    return f'<svg viewBox="0 0 {left + width + right} {height}" width="{left + width + right}">{"".join(parts)}</svg>'


def _ticks(low, high):
    return [10.0**i for i in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


def lines(series, label):
    """series: (server, kind, [(x, y), ...]), y on a logarithmic scale; each line is named at its end."""
    left, top, width, height, right = 50, 10, 330, 220, 120
    points = [(x, y) for _, _, line in series for x, y in line if y > 0]
    if not points:
        return ""
    ticks = _ticks(min(y for _, y in points), max(y for _, y in points))
    low, high = math.log10(ticks[0]), math.log10(ticks[-1]) if len(ticks) > 1 else math.log10(ticks[0]) + 1
    most = max(x for x, _ in points)
    at = lambda x, y: (left + x / most * width, top + height - (math.log10(y) - low) / (high - low) * height)
    parts = []
    for tick in ticks:
        _, y = at(0, tick)
        parts.append(f'<line x1="{left}" x2="{left + width}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
        parts.append(text(left - 6, y + 4, short(tick), "end"))
    for x in sorted({x for x, _ in points}):
        parts.append(text(at(x, ticks[0])[0], top + height + 16, short(x), "middle"))
    parts.append(text(left + width / 2, top + height + 34, label, "middle"))
    ends = []
    for server, kind, line in series:
        line = [(x, y) for x, y in line if y > 0]
        if not line:
            continue
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in line))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour(server, kind)}" stroke-width="2"/>')
        ends.append([at(*line[-1])[1], server, kind])
    ends.sort()
    for i in range(1, len(ends)):
        ends[i][0] = max(ends[i][0], ends[i - 1][0] + 14)  # names do not overlap
    for y, server, kind in ends:
        parts.append(f'<rect x="{left + width + 8}" y="{y - 5:.1f}" width="8" height="8" fill="{colour(server, kind)}"/>')
        parts.append(text(left + width + 20, y + 4, server))
    total = max(top + height + 44, (ends[-1][0] if ends else 0) + 10)
    return f'<svg viewBox="0 0 {left + width + right} {total:.0f}" width="{left + width + right}">{"".join(parts)}</svg>'
