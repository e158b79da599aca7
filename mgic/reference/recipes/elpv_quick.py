"""The networks of the quick recipes of Tables 2, 7 and 8, and of `convert_quick`, on photographs of solar cells."""

from mgic.records import Axis, Grid, Recipe
from mgic.reference import RECIPES
from mgic.reference.recipes.convert_quick import FAMILIES, HIERARCHY
from mgic.reference.recipes.imagenet_quick import LIGHT, LIGHTEST, SHARED, SMALLER

ON_CELLS: dict[str, Axis] = {**SHARED, "dataset": ["elpv"], "augment": [True]}
NEEDS = (
    " On 2099 photographs, 64x64, of functional and defective cells (CC BY-NC-SA 4.0), which come with the extra"
    " photographs: pip install 'mgic[photographs]'. Tested on 525 others; the answer that every cell is functional has"
    " 68.8 % top-1 and 50 % balanced accuracy. The split is ours, and a single seed after so few steps orders nothing."
)


def _add(name: str, title: str, what: str, epochs: int, grids: tuple[Grid, ...]) -> None:
    RECIPES.add(
        name,
        Recipe(
            name=name,
            title=f"{title}, on solar cells, a quick one",
            summary=what + NEEDS,
            scale="quick",
            experiment="classification",
            grids=tuple({**grid, **ON_CELLS, "epochs": [epochs]} for grid in grids),
        ),
    )


_add(
    "table2_elpv_quick",
    "Light networks",
    "The networks of table2_quick, one seed: 4 runs of 6 epochs, about eight minutes of one core in all.",
    6,
    LIGHT,
)
_add(
    "table7_elpv_quick",
    "ResNet-50 made smaller",
    "The networks of table7_quick, one seed: 4 runs of 4 epochs, about fifteen minutes of one core in all.",
    4,
    SMALLER,
)
_add(
    "table8_elpv_quick",
    "Light networks, the lightest of four families",
    "The networks of table8_quick, one seed: 5 runs of 6 epochs, about eight minutes of one core in all.",
    6,
    LIGHTEST,
)


def _pair(family: str) -> tuple[Grid, Grid]:
    return {"model": [family]}, {"model": [f"mgic/{family}"], **HIERARCHY}


NETWORKS: tuple[Grid, ...] = tuple(grid for family in FAMILIES for grid in _pair(family))
_add(
    "convert_elpv_quick",
    "Three families and their conversions",
    "The networks of convert_quick, one seed: 6 runs of 4 epochs, about ten minutes of one core in all.",
    4,
    NETWORKS,
)
