"""Every form of a name: what it stands for, what it is stored as, and what is refused without importing anything."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from mgic.describe import canonical, cost, search_models
from mgic.errors import BadConfig, UnknownName
from mgic.measure.cost import model_totals
from mgic.models import canonical_name, create, find, infos_of, list_models, model_info
from mgic.models.functions import Functions
from mgic.records import named, repeated
from mgic.spec import format_spec, parse_spec
from mgic.tasks.timing import Config as Latency

ROOT = Path(__file__).parents[3]
NONSENSE = [
    "../x",
    "a//b",
    "timm/",
    "/timm",
    "timm",
    "x" * 10_000,
    "timm/é",
    "timm/a b",
    "a:b:c",
    "timm:x",
    "resnet20\n",
]
UNKNOWN = ["foo/bar", "timm/../x", "timm/resnet20", "timm/convnext_atto.d2_in1k", "torchvision/RESNET18", "os:system"]


def test_a_network_of_a_package_has_its_options_its_size_and_takes_classes_and_channels():
    info = model_info("timm/convnext_atto")
    assert (info.name, info.package, info.input_size) == ("timm/convnext_atto", "timm", (3, 224, 224))
    assert list(info.options["properties"]) == ["num_classes", "in_channels"]
    with torch.device("meta"):
        network = create("timm/convnext_atto", num_classes=7, in_channels=1)
        assert network(torch.empty(2, 1, 64, 64)).shape == (2, 7)
        # The first two have further answers while they train, the third computes its widths with tensors.
        for name in ("googlenet", "inception_v3", "regnet_y_400mf"):
            x = torch.empty(2, 1, *model_info(f"torchvision/{name}").input_size[1:])
            assert create(f"torchvision/{name}", num_classes=7, in_channels=1)(x).shape == (2, 7)
    assert model_info("torchvision/inception_v3").input_size == (3, 299, 299)


def test_one_network_is_stored_under_one_name():
    same = {"timm/ghostnet_050": "ghostnet_050", "torchvision/resnet50": "resnet50", "timm/resnet50": "timm/resnet50"}
    assert {name: canonical_name(name) for name in same} == same
    assert canonical_name("mgic/timm/ghostnet_050") == "mgic/ghostnet_050"
    assert canonical("torchvision/resnet50(num_classes=7)") == "resnet50(num_classes=7)"
    assert cost("timm/ghostnet_050", {}).model == "ghostnet_050"
    assert Latency(models=["timm/ghostnet_050(num_classes=7)"]).models == ["ghostnet_050(num_classes=7)"]
    assert cost("timm/resnet50", {}).params == cost("resnet50", {}).params


def test_what_a_package_has_is_listed_under_the_names_that_are_stored():
    found = {info.name: info for info in infos_of("timm")}
    assert len(found) > 1200
    assert {"ghostnet_050", "timm/convnext_atto"} <= found.keys()
    assert "timm/ghostnet_050" not in found
    assert found["timm/convnext_atto"] == model_info("timm/convnext_atto")
    every = [info.name for info in infos_of("any")]
    assert len(set(every)) == len(every) > len(found) + 60
    assert every[: len(list_models())] == list_models()
    assert [info.name for info in search_models("timm", "timm/ghostnet_050")[0]] == ["ghostnet_050"]
    page, total = search_models("any", "vit tiny", first=1, most=2)
    assert len(page) == 2 < total


def test_what_a_package_has_is_kept_on_disk_and_the_package_not_imported_again():
    infos_of("timm")  # kept from now on
    code = (
        "import sys; from mgic.models import find, infos_of; find('timm/convnext_atto'), infos_of('any');"
        "assert 'timm' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", NONSENSE + UNKNOWN)
def test_what_is_no_name_is_unknown_and_imports_nothing(name):
    before = set(sys.modules)
    with pytest.raises(UnknownName, match="no model called") as caught:
        find(name)
    assert len(str(caught.value)) < 2000
    assert set(sys.modules) == before


def test_a_mistake_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'timm/convnext_atto'"):
        find("timm/convnext_ato")
    with pytest.raises(UnknownName, match="did you mean 'torchvision/resnet18'"):
        find("mgic/torchvision/resnet81")


def test_specs_have_names_of_every_form():
    for name in ("timm/convnext_atto", "mgic/torchvision/resnet18", "mgic/pkg.models:net", "pkg.models:net"):
        assert parse_spec(format_spec(name, {"a": 1})) == (name, {"a": 1})
    for spec in ("timm/", "/x", "a//b(c=1)", "a:(b=1)"):
        with pytest.raises(BadConfig, match="is no model spec"):
            parse_spec(spec)


def test_a_network_built_for_one_size_is_built_for_another_by_its_option():
    name = "timm/vit_tiny_patch16_224"
    assert cost(name, {}).input_size == (3, 224, 224)
    assert cost(name, {"img_size": 32}).input_size == (3, 32, 32)
    with pytest.raises(BadConfig, match="with img_size=224 reads 224x224 and not 32x32; img_size=32 may do") as caught:
        cost(name, {}, (3, 32, 32))
    assert [problem.pointer for problem in caught.value.problems] == ["img_size"]
    with pytest.raises(
        BadConfig, match=r"torchvision/maxvit_t cannot be built for img_size=64 .*; 224 is one"
    ) as caught:
        create("torchvision/maxvit_t", img_size=64)
    assert [problem.pointer for problem in caught.value.problems] == ["img_size"]
    with pytest.raises(BadConfig, match="torchvision/inception_v3 is made for 3x299x299"):
        cost("torchvision/inception_v3", {}, (3, 32, 32))


def test_a_converted_model_has_the_options_of_both():
    info = model_info("mgic/timm/convnext_atto")
    own = ["num_classes", "in_channels"]
    assert list(info.options["properties"]) == [*own, "group_size", "coarsest_size", "coarsening"]
    assert (info.name, info.package, info.input_size) == ("mgic/timm/convnext_atto", "mgic", (3, 224, 224))
    spread, plain = cost("mgic/timm/test_resnet", {"num_classes": 7}), cost("timm/test_resnet", {"num_classes": 7})
    assert spread.levels
    assert spread.macs < plain.macs
    for name in ("mgic/mgic_resnet20", "mgic/mgic/resnet20"):
        with pytest.raises(UnknownName, match="is MGIC already"):
            find(name)


def module_of_plug_in() -> ModuleType:
    module = ModuleType("lab_plug_in.nets")
    exec(  # as its file would be
        "from typing import Annotated, Any\nfrom pydantic import Field\nfrom torch import nn\n"
        "from mgic.models import InChannels, NumClasses\nfrom os import system\n"
        "def small(*, width: Annotated[int, Field(ge=1, le=9, description='W')] = 4, num_classes: NumClasses = 7,"
        " in_channels: InChannels = 3) -> nn.Module:\n    'Small.'\n"
        "    return nn.Sequential(nn.Conv2d(in_channels, width, 3), nn.Flatten(1), nn.LazyLinear(num_classes))\n"
        "def no_network(*, num_classes: NumClasses = 7, in_channels: InChannels = 3) -> int: return 1\n"
        "def no_default(width: int, *, num_classes: NumClasses = 7, in_channels: InChannels = 3) -> nn.Module: ...\n"
        "def plain(*, num_classes: int = 7, in_channels: int = 3, how_wide: int = 2) -> nn.Module:"
        " return {2: 'a word'}[how_wide]\n"
        "def no_number(*, num_classes: int = 7, in_channels: int = 3, act: type = nn.ReLU) -> nn.Module: ...\n"
        "def no_type(*, num_classes=7, in_channels=3) -> nn.Module: ...\n"
        "def no_channels() -> nn.Module: ...\n"
        "def lost(*, in_channels: 'Nowhere' = 3) -> nn.Module: ...\n"
        "class Net(nn.Module): ...\n",
        vars(module),
    )
    return module


def test_a_function_of_a_named_module_is_a_model_and_nothing_else_is():
    module = module_of_plug_in()
    functions = Functions(lambda: {module.__name__: module})
    model = functions.model("lab_plug_in.nets:small")
    assert list(model.options.model_fields) == ["width", "num_classes", "in_channels"]
    assert (model.info.package, model.info.summary) == ("lab_plug_in", "Small.")
    assert model.build(width=2)(torch.zeros(1, 3, 8, 8)).shape == (1, 7)
    assert [info.name for info in functions.infos()] == ["lab_plug_in.nets:small", "lab_plug_in.nets:plain"]
    plain = functions.model("lab_plug_in.nets:plain")
    assert [field.description for field in plain.options.model_fields.values()][1:] == [
        "Channels of the input, 3 for colour images",
        "How wide",
    ]
    with pytest.raises(BadConfig, match=r"cannot be built: KeyError: 3 \(<string>, line 11\)"):
        plain.build(how_wide=3)
    with pytest.raises(BadConfig, match="what it makes is no network, but of type str"):
        plain.build(how_wide=2)
    wrong = "system", "no_network", "no_default", "no_number", "no_type", "no_channels", "lost", "Net", "nn", "x"
    others = *wrong, "__builtins__"
    for name in (
        *(f"lab_plug_in.nets:{other}" for other in others),
        "lab_plug_in:small",
        "os:system",
        "subprocess:run",
    ):
        with pytest.raises(UnknownName, match="no model called"):
            functions.model(name)


def test_the_cost_of_a_converted_model_says_what_became_of_each_part_at_the_size_asked_for():
    before, after = cost("resnet20", {}, (3, 16, 16)), cost("mgic/resnet20", {}, (3, 16, 16))
    report = after.conversion
    assert (len(report.converted), len(report.left)) == (7, 4)
    assert before.params == after.params + report.saved_params
    assert before.macs == after.macs + report.saved_macs
    parts = (*report.converted, *report.left)
    assert sum(part.macs for part in parts) == after.macs  # all that multiplies, counted for 16x16 pixels
    assert sorted(part.place for part in parts) == list(range(11))
    assert [named(equal) for equal in repeated(report.converted)] == [
        "stages.0 to 2, 3 times",
        "stages.4 to 5, 2 times",
        "stages.7 to 8, 2 times",
    ]
    assert before.conversion is None
    assert model_totals("mgic/resnet20", {}, (3, 32, 32)).conversion is None


def test_a_network_of_which_nothing_can_be_converted_is_refused_at_the_model_with_the_reasons():
    with pytest.raises(BadConfig, match="mgic/timm/test_vit: nothing of the network can be converted") as caught:
        cost("mgic/timm/test_vit", {})
    (problem,) = caught.value.problems
    assert (problem.pointer, problem.code) == ("model", "nothing_convertible")
    assert "blocks.0 to 5, 6 times (Block) multiplies its tensors with each other" in problem.detail
