"""The commands of docker/README.md, block by block, each with the heading that it stands under."""

import re
from dataclasses import dataclass
from pathlib import Path

README = Path(__file__).parents[2] / "docker" / "README.md"
BLOCK = re.compile(r"^## (?P<heading>[^\n]+)$|^```bash(?P<kind>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """`kind` is "other-host" where the commands are those of a second host, else empty."""

    heading: str
    kind: str
    text: str


def blocks(text: str) -> list[Block]:
    found, heading = [], ""
    for match in BLOCK.finditer(text):
        if match["heading"]:
            heading = match["heading"].strip()
        else:
            found.append(Block(heading, match["kind"].strip(), match["text"]))
    return found
