"""Options that many models share, with their bounds and words."""

from typing import Annotated, Literal

from pydantic import Field

from mgic.layers import Coarsening

GroupSize = Annotated[
    int, Field(ge=1, le=1024, description="Channels per group, s_g, lowered where it does not divide")
]
CoarsestSize = Annotated[int, Field(ge=1, le=1024, description="Channels to coarsen to, s_c")]
CoarseningRule = Annotated[
    Coarsening,
    Field(
        description="When a block stops halving: at s_c or below (paper), the same but at least once (paper_min1), "
        "at least once and until below s_c (released, the authors' code)"
    ),
]
WidthMult = Annotated[
    float, Field(ge=0.05, le=8, description="Factor of all widths, as the printed multiplier: 0.6, 1.0, 1.2")
]
Activation = Annotated[
    Literal["hswish", "relu"],
    Field(description="hswish: in the layers where MobileNetV3 has it; relu: nowhere (the paper's 'no h-swish')"),
]
