"""A badge: a verdict as a small picture for a README."""

from html import escape

from mgic.records import ComparisonBrief, GateVerdict

LABEL = "mgic gate"
# White text on each has a contrast of at least 4.5, and the word says what the colour does.
COLOURS: dict[GateVerdict, str] = {
    "pass": "#2A7A3B",
    "regression": "#B3261E",
    "inconclusive": "#8A5A00",
    "not measured": "#5A5F69",
}
NOTHING, GREY = "no comparison", "#5A5F69"
LETTER, PAD, HEIGHT = 6.6, 6, 20  # pixels

SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" role="img"
 aria-label="{label}: {word}">
<title>{title}</title>
<rect width="{width}" height="{height}" rx="3" fill="#3C4048"/>
<path d="M{left} 0h{straight}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{straight}z" fill="{colour}"/>
<g fill="#FFFFFF" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11" text-anchor="middle">
<text x="{label_at}" y="14" textLength="{label_length}">{label}</text>
<text x="{word_at}" y="14" textLength="{word_length}">{word}</text>
</g>
</svg>
"""


def badge(name: str, latest: ComparisonBrief | None) -> str:
    """Of the newest comparison of that name; grey where there is none. SVG that loads nothing."""
    word = latest.verdict if latest else NOTHING
    label_length, word_length = round(LETTER * len(LABEL)), round(LETTER * len(word))
    left, right = label_length + 2 * PAD, word_length + 2 * PAD
    return SVG.format(
        width=left + right,
        height=HEIGHT,
        left=left,
        straight=right - 3,
        colour=COLOURS[latest.verdict] if latest else GREY,
        label=LABEL,
        word=word,
        title=escape(_title(name, latest)),
        label_at=left / 2,
        label_length=label_length,
        word_at=left + right / 2,
        word_length=word_length,
    )


def _title(name: str, latest: ComparisonBrief | None) -> str:
    if latest is None:
        return f"{name}: {NOTHING}"
    commit = f", commit {latest.commit[:10]}" if latest.commit else ""
    return f"{name}: {latest.verdict}, {latest.created_at:%Y-%m-%d %H:%M} UTC{commit}"
