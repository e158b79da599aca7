"""Where the time of a network goes, part by part: what a latency run leaves as profile.json."""

from typing import Literal

from mgic.records.base import Record

Grade = Literal["A", "B", "C", "D"]

# restrict, prolong, norm (the one after P), relax (the grouped block of a level) and coarse (the block of the coarsest
# one) are of an MGIC block, other is what it does between them. stem, connector and head are what a network with MGIC
# blocks has before, between and after them; block is any module of a network without.
PartName = Literal["restrict", "prolong", "norm", "relax", "coarse", "stem", "connector", "head", "block", "other"]


class TimedPart(Record):
    """One module, or what the network or an MGIC block does outside of all that are timed by themselves."""

    block: str  # dotted name of the MGIC block, or of the module itself; empty for the network
    part: PartName
    level: int | None  # of an MGIC block, 0 the finest
    kind: str  # class of the module
    ms: float  # median over the repeats, without the parts inside of it
    share: float  # of `parts_ms`
    macs: int  # of one sample, without the parts inside of it
    macs_share: float


class NetworkProfile(Record):
    """The parts of one network, in the order in which they first ran.

    `overhead` is by how much the timing of the parts slowed the network down: `parts_ms` / `plain_ms` - 1. The grade
    says how far the shares can be trusted, given that; the circumstances of the machine are graded by the run.
    """

    place: int  # in the order asked for, from 0
    model: str
    repeats: int
    plain_ms: float  # median of as many passes in between whose parts were not timed
    parts_ms: float  # sum of the parts
    overhead: float
    stationary: bool  # whether the warm-up ended because the passes had become alike
    grade: Grade
    reasons: tuple[str, ...]
    parts: tuple[TimedPart, ...]


class Profile(Record):
    device: str
    threads: int
    batch_size: int
    precision: str
    memory_format: str
    networks: tuple[NetworkProfile, ...]
