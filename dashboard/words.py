"""Text for places that read Markdown, and what to do about a failed run."""

import re

from mgic.records import Reason

ADVICE = {
    Reason.OOM: "It ran out of memory: choose a smaller `batch_size` or a narrower model.",
    Reason.DIVERGED: "The loss stopped being a number: choose a lower `learning_rate`.",
    Reason.TIMEOUT: "It took longer than a run may: choose fewer `epochs`, or set `max_steps`.",
    Reason.WORKER_LOST: "Its worker went away, on every attempt. Look at System, then retry it unchanged.",
    Reason.DISK_FULL: "The worker's disk is full: make room there, then retry it unchanged.",
    Reason.INVALID: "These values do not go together: the message names the field to change.",
    Reason.INPUT_FAILED: "What it is made from has failed or lacks a file. A retry first runs again what has failed.",
    Reason.KILLED: "Something outside the service ended it, often a lack of memory: try a smaller `batch_size`.",
    Reason.TOO_LARGE: "It would cost more than this server allows: choose a smaller model, image or batch.",
    Reason.INTERNAL: "This is a fault in the software, not in your values: the traceback below says where.",
}

SIGNS = re.compile(
    r"[\\`*\[\]<&$~|]"  # anywhere: code, emphasis, links, tags, entities, LaTeX, tables
    r"|(?<!\w)_|_(?!\w)"  # emphasis; inside a word an underscore is a letter, also to a screen reader
    r"|:(?=\w)"  # :red[...]
    r"|(?<=-)[->]|-(?=-)|>(?==)"  # what Streamlit turns into arrows and dashes
    r"|^\s*(?:[#>+-]|\d+[.)](?=\s))"  # headings, quotes, lists
)
# :smile:, :+1:, :material/add: are replaced after escapes have been read: only a character between, which is not seen,
# keeps them as they are.
SHORT_CODE = re.compile(r":(?=[\w+/-]+:)")
JOINER = "\u2060"


def literal(text: object) -> str:
    """For a place that reads Markdown: every sign of it, and of HTML and LaTeX, comes out as typed."""
    line = SHORT_CODE.sub(":" + JOINER, " ".join(str(text).splitlines()))
    return SIGNS.sub(lambda found: found[0][:-1] + "\\" + found[0][-1], line)


def prose_of_scale(scale: str, summary: str) -> str:
    """A recipe's scale and what it needs, literally."""
    return f"{'Paper scale' if scale == 'paper' else 'Quick'}: {literal(summary)}"
