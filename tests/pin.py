"""Write tests/params.json anew: the parameters of every model at its defaults. `python -m tests.pin`

The test that holds models to them is there to notice a network that changed by accident, or with a new version
of a package; after a change that was meant, look at the difference this makes, and commit it.
A new model needs no line.
"""

import json
from pathlib import Path

from mgic.measure.cost import model_totals
from mgic.models import list_models, model_info

PINNED = Path(__file__).parent / "params.json"

if __name__ == "__main__":
    counted = {name: model_totals(name, {}, model_info(name).input_size).params for name in list_models()}
    PINNED.write_text(json.dumps(counted, indent=1) + "\n")
