"""Words as LaTeX prints them."""

import re

SPECIAL = {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}"} | {
    letter: f"\\{letter}" for letter in "&%$#_{}"
}
SIGNS = {
    "±": r"$\pm$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "\u00d7": r"$\times$",
    "\u2212": "$-$",
    "→": r"$\rightarrow$",
    "·": r"$\cdot$",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "“": "``",
    "”": "''",
    "…": r"\ldots{}",
    "\u00a0": "~",
    "\n": " ",
    "\t": " ",
}


def latex(text: str) -> str:
    """Every letter that LaTeX takes for a command, written so that it stands there."""
    return "".join(SPECIAL.get(letter) or SIGNS.get(letter, letter) for letter in text)


def latex_words(text: str) -> str:
    """The same of a sentence: the paper's s_g and s_c are mathematics, and quotes are a pair."""
    quoted = re.sub(r'"([^"]*)"', r"``\1''", latex(text))
    return re.sub(r"\bs\\_([gc])(?!\w)", r"$s_\1$", quoted)


def unlatex(text: str) -> str:
    """What `latex` was given, but for the shape of blanks and quotes."""
    signs = {code: letter for letter, code in (SPECIAL | SIGNS).items() if letter not in "\u00a0\n\t"}
    codes = sorted(signs, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, codes)), lambda found: signs[found[0]], text)
