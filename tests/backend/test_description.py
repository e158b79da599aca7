"""The API's own description as others use it: a page without a network, a listing, the types of every experiment."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.backend.api_alone import PREFIX

GENERATOR = Path(sys.prefix) / "share" / "client-generator"


def test_the_listing_leads_to_all_that_can_be_read(api):
    found = api.http.get(f"http://127.0.0.1:{api.port}{PREFIX}").json()
    assert found["links"]["list_runs"] == f"{PREFIX}/runs"
    assert found["links"]["get_run"] == f"{PREFIX}/runs/{{run_id}}"
    for path in (found["document"], found["page"], *(path for path in found["links"].values() if "{" not in path)):
        answer = api.http.get(f"http://127.0.0.1:{api.port}{path}")
        needs_more = path.endswith(("/results", "/history"))  # of which experiment, and of which model?
        assert answer.status_code == (422 if needs_more else 200), path


def test_every_experiment_has_its_types_in_the_document(api):
    document = api.http.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    for info in api.client.experiments():
        name = "".join(word.capitalize() for word in info.name.split("_"))
        assert schemas[f"{name}Config"]["properties"].keys() == info.config_schema["properties"].keys()
        assert schemas[f"{name}Result"]["properties"].keys() == info.result_schema["properties"].keys()
    rows = schemas["LatencyResult"]["properties"]["rows"]["items"]
    assert rows == {"$ref": "#/components/schemas/LatencyResultRow"}
    found = [part.split('"')[0] for part in json.dumps(document).split('"#/components/schemas/')[1:]]
    assert set(found) <= schemas.keys()
    assert "#/$defs/" not in json.dumps(schemas)


def test_the_page_loads_from_this_server_alone(api):
    page = api.http.get(f"http://127.0.0.1:{api.port}/docs")
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    places = re.findall(r'(?:src|href)="([^"]*)"', page.text)
    assert [place for place in places if not place.startswith("docs/") and place != "data:,"] == []
    for place in places:
        if place.startswith("/"):
            assert api.http.get(f"http://127.0.0.1:{api.port}{place}").status_code == 200
    assert api.http.get(f"http://127.0.0.1:{api.port}/docs/app.py").status_code == 404


USER = """
import sys
from lab_client import Client
from lab_client.api.catalogue import get_model_cost
from lab_client.api.sweeps import submit_sweep
from lab_client.models import ClassificationConfig, Sweep, SweepRequest

client = Client(base_url=sys.argv[1], raise_on_unexpected_status=True)
sweep = submit_sweep.sync(client=client, body=SweepRequest.from_dict({"experiment": "cost", "axes": {"side": [8, 16]}}))
assert isinstance(sweep, Sweep)
print(sweep.total, ClassificationConfig(epochs=3).to_dict()["epochs"])
"""


def test_a_client_generated_from_the_document_works(api, tmp_path):
    """By openapi-python-client, which has an environment of its own: it wants another typer than we do."""
    if not GENERATOR.is_dir() and not os.environ.get("CI"):
        pytest.skip("the generator of clients is not installed: make setup")
    (tmp_path / "openapi.json").write_text(api.http.get("/openapi.json").text)
    paths = os.pathsep.join([str(GENERATOR), str(tmp_path)])
    environment = os.environ | {"PYTHONPATH": paths, "PATH": f"{GENERATOR / 'bin'}{os.pathsep}{os.environ['PATH']}"}

    def run(*words: str) -> str:
        command = [sys.executable, "-P", *words]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    asked = ("--path", "openapi.json", "--meta", "none", "--output-path", "lab_client", "--fail-on-warning")
    assert run("-m", "openapi_python_client", "generate", *asked).split() == ["Generating", "lab_client"]
    assert run("-c", USER, f"http://127.0.0.1:{api.port}").split() == ["2", "3"]
