"""ELPV: 2624 grey photographs of solar cells under current, functional and defective, from the package elpv-dataset.

Source: Buerhop-Lutz et al., "A Benchmark for Visual Identification of Defective Solar Cells in Electroluminescence
Imagery", https://doi.org/10.4229/35thEUPVSEC20182018-5CV.3.15; Deitsch et al., "Automatic classification of defective
photovoltaic module cells in electroluminescence images", https://doi.org/10.1016/j.solener.2019.02.067

An expert judged each cell functional or defective, and said whether that was sure. The set writes this as a probability
of a defect: 0 and 1 where sure, 1/3 and 2/3 where not. The class here is the judgement: functional for 0 and 1/3,
defective for 2/3 and 1, so that no cell is left out, nor made a class of its own for being doubtful.

The set comes unsplit. A fifth of the cells of each probability and each kind of module, mono- and polycrystalline, is
tested on; which ones follows from their names. The split is ours: no published figure is of these test images, and
cells of one module, which the set does not tell, may be in both splits.
"""

from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from mgic.data.dataset import DATASETS, Arrays, ImageProvider
from mgic.data.decoding import read_rgb
from mgic.data.listing import all_there
from mgic.data.own import each, fitted, put_aside
from mgic.errors import DataMissing

PACKAGE = "elpv_dataset"
SIDE = 300  # pixels, as they come
TRAIN, TEST = 2099, 525
LICENCE = "CC BY-NC-SA 4.0"
HOW_TO_GET = 'pip install "mgic[photographs]"'
CLASSES = {"0.0": 0, "0.3333333333333333": 0, "0.6666666666666666": 1, "1.0": 1}  # by the probability as written
# Of the training images at each side.
MOMENTS = {64: (0.5975, 0.1554), 96: (0.5973, 0.1584), 128: (0.5971, 0.1596)}


def folder() -> Path | None:
    spec = find_spec(PACKAGE)
    return Path(spec.origin).parent / "data" if spec and spec.origin else None


def present(_data_dir: Path) -> bool:
    found = folder()
    return found is not None and all_there([found / "labels.csv"])


def read(side: int, _data_dir: Path) -> Arrays:
    """All images, resized to `side`.

    Raises:
        DataMissing: A file is absent or damaged, or they are not those of the set.
    """
    cells = _cells(folder() or Path(PACKAGE))
    strata: dict[tuple[str, str], list[int]] = {}
    for number, (_, *stratum) in enumerate(cells):
        strata.setdefault((stratum[0], stratum[1]), []).append(number)
    test = np.zeros(len(cells), dtype=bool)
    for kind, members in strata.items():
        aside = put_aside([cells[number][0].name for number in members], " ".join(kind))
        test[[members[at] for at in aside]] = True
    images = np.stack(each(partial(_pixels, side=side), [path for path, *_ in cells]))
    labels = np.array([CLASSES[probability] for _, probability, _ in cells], dtype=np.int64)
    return images[~test], labels[~test], images[test], labels[test]


def _cells(found: Path) -> list[tuple[Path, str, str]]:
    """The file, the probability and the kind of module of each."""
    try:
        rows = [line.split() for line in (found / "labels.csv").read_text().splitlines()]
        cells = [(found / name, probability, kind) for name, probability, kind in rows]
    except (OSError, ValueError) as error:
        raise DataMissing(f"labels.csv of elpv-dataset cannot be read: {error}; {HOW_TO_GET}") from error
    strange = {probability for _, probability, _ in cells} - CLASSES.keys()
    if len(cells) != TRAIN + TEST or strange:
        raise DataMissing(
            f"labels.csv of elpv-dataset has {len(cells)} cells, not {TRAIN + TEST}, or other probabilities "
            f"({', '.join(sorted(strange)[:3])}); install it anew: {HOW_TO_GET}"
        )
    return cells


def _pixels(path: Path, side: int) -> np.ndarray:
    picture = read_rgb(path)
    if picture.size != (SIDE, SIDE):
        raise DataMissing(f"{path} is {picture.height}x{picture.width}, not {SIDE}x{SIDE}; {HOW_TO_GET}")
    return np.asarray(fitted(picture.convert("L"), (side, side)))[None]


for _side, (_mean, _std) in MOMENTS.items():
    _name = "elpv" if _side == 64 else f"elpv_{_side}"
    DATASETS.add(
        _name,
        ImageProvider(
            name=_name,
            title=f"Solar cells, {_side}x{_side}",
            shape=(1, _side, _side),
            classes=2,
            names=("functional", "defective"),
            train=TRAIN,
            test=TEST,
            mean=(_mean,),
            std=(_std,),
            flip=True,
            how_to_get=HOW_TO_GET,
            present=present,
            read=partial(read, _side),
            licence=LICENCE,
        ),
    )
