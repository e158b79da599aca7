"""Models by every form of their names, as the API takes them, stores them and refuses them."""

import pytest

from mgic.client import ApiError
from mgic.errors import MgicError
from mgic.records import BaselineRequest, SweepRequest

GHOSTNET = "timm/ghostnet_050"


@pytest.mark.parametrize("way", ["timm/test_resnet", "timm%2Ftest_resnet", "timm%2ftest_resnet"])
def test_a_name_may_stand_in_an_address_as_it_is_or_escaped(api, way):
    assert api.http.get(f"/models/{way}").json()["input_size"] == [3, 160, 160]
    cost = api.http.get(f"/models/{way}/cost", params={"num_classes": 7}).json()
    assert (cost["model"], cost["options"]["num_classes"]) == ("timm/test_resnet", 7)


def test_the_client_asks_by_every_name(api):
    assert api.client.model(GHOSTNET) == api.client.model("ghostnet_050")
    assert api.client.model_cost(GHOSTNET).model == "ghostnet_050"
    assert api.client.model("mgic/timm/test_resnet").name == "mgic/timm/test_resnet"
    with pytest.raises(ApiError, match="mgic_resnet20 is MGIC already"):
        api.client.model("mgic/mgic_resnet20")
    with pytest.raises(ApiError, match="os is no plug-in"):
        api.client.model_cost("os:system")


@pytest.mark.parametrize(
    "name", ["../x", "a//b", "timm/", "timm%2F", "é", "%00", "x" * 3000, "timm/resnet", "os:system"]
)
def test_what_is_no_name_is_not_found(api, name):
    for path in (f"/models/{name}", f"/models/{name}/cost"):
        answer = api.http.get(path)
        assert answer.status_code == 404, path
        assert answer.json()["type"] == "/problems/not-found"


def test_another_method_is_refused_with_those_there_are(api):
    for path in ("/models/timm/test_resnet", "/models/resnet20", "/models/timm/test_resnet/cost"):
        answer = api.http.delete(path)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


def test_what_a_package_has_is_searched_page_by_page(api):
    asked = {"source": "timm", "search": "convnextv2", "limit": 1}
    first = api.http.get("/models", params=asked).json()
    second = api.http.get("/models", params=asked | {"cursor": first["next_cursor"]}).json()
    names = [info["name"] for page in (first, second) for info in page["items"]]
    assert names == ["timm/convnextv2_atto", "timm/convnextv2_base"]
    assert len(api.client.models("timm")) > 1200
    assert {"ghostnet_050", "timm/resnet50"} <= {info.name for info in api.client.models("any")}
    assert api.client.models() == api.client.models("registered")
    answer = api.http.get("/models", params={"source": "jax"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "source"


def test_one_network_is_stored_under_one_name(api):
    axes = {"model": [GHOSTNET, "ghostnet_050"]}
    (run,) = api.client.sweep_runs(api.client.submit(SweepRequest(experiment="cost", axes=axes)).id)
    assert run.config["model"] == "ghostnet_050"
    assert [found.id for found in api.client.runs(model="ghostnet_050").items] == [run.id]
    baseline = api.client.add_baseline(BaselineRequest(name="main", models=[f"{GHOSTNET}(num_classes=7)"]))
    assert baseline.models[0].model == "ghostnet_050(num_classes=7)"
    assert baseline.models[0].name == "ghostnet_050"


def test_a_size_that_a_network_does_not_read_is_refused_at_the_option_that_changes_it(api):
    asked = {"model": ["timm/test_vit"], "dataset": ["digits"]}
    (point,) = api.client.preview(SweepRequest(experiment="classification", axes=asked)).points
    assert "with img_size=160 reads 160x160 and not 8x8" in point.problem
    with pytest.raises(ApiError) as caught:
        api.client.submit(SweepRequest(experiment="classification", axes=asked))
    assert [fault["pointer"] for fault in caught.value.errors] == ["#/axes/img_size"]
    small = asked | {"model": ["timm/inception_v4"]}
    with pytest.raises(MgicError, match="timm/inception_v4 is made for 3x299x299") as caught:
        api.client.submit(SweepRequest(experiment="classification", axes=small))
    assert [fault["pointer"] for fault in caught.value.errors] == ["#/axes/model"]


def test_the_cost_of_a_converted_network_has_its_report_and_one_that_cannot_be_is_refused_at_the_model(api):
    report = api.http.get("/models/mgic/mlp/cost", params={"width": 64}).json()["conversion"]
    assert [block["widths"] for block in report["converted"]] == [[64, 32, 16]] * 3
    assert [part["name"] for part in report["left"]] == ["stem.1", "head"]
    assert api.http.get("/models/mlp/cost").json()["conversion"] is None
    answer = api.http.get("/models/mgic/timm/test_vit/cost")
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["model"]
    asked = {"model": ["mgic/timm/test_vit"], "dataset": ["digits"]}
    with pytest.raises(ApiError, match="as attention does") as caught:
        api.client.submit(SweepRequest(experiment="classification", axes=asked))
    assert [fault["pointer"] for fault in caught.value.errors] == ["#/axes/model"]
