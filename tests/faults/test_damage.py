"""A database of which nothing can be read any more: it is said, by every part that is asked, and a backup mends it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx2 as httpx
import pytest

from mgic.records import SweepRequest
from tests.backend.api_alone import running_api
from tests.backend.store_points import overwrite

pytestmark = [pytest.mark.fault, pytest.mark.thorough]
COST = SweepRequest(experiment="cost", axes={"model": ["mgic_resnet20"]})


def mgic(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"MGIC_HOME": str(folder)}
    return subprocess.run(
        [sys.executable, "-m", "mgic", *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_damaged_database_is_said_by_all_and_a_backup_mends_it(tmp_path):
    file = tmp_path / "mgic.db"
    with running_api(tmp_path) as api:
        kept = api.client.submit(COST)
        assert mgic(tmp_path, "backup", str(tmp_path / "lab.tar")).returncode == 0
        overwrite(file, 1)
        answers = [api.http.get(path) for path in ("/runs", "/sweeps", f"/sweeps/{kept.id}", "/ready")]
        answers.append(api.http.post("/sweeps", json=COST.model_dump(mode="json", exclude_none=True)))
        for answer in answers:
            assert answer.status_code == 503, answer.text
            assert "the database is damaged" in answer.text
        told = httpx.get(f"http://127.0.0.1:{api.port}/metrics").text
        assert 'mgic_part_up{part="database"} 0' in told
        assert "Traceback" not in api.log()
        found = json.loads(mgic(tmp_path, "doctor", "--json", "--api-url", f"http://127.0.0.1:{api.port}").stdout)
        (schema,) = [check for check in found["checks"] if check["name"] == "schema"]
        assert schema["status"] == "missing"
        assert "cannot be used: database disk image is malformed" in schema["detail"]
        assert "mgic restore FILE --replace" in schema["detail"]
    refused = mgic(tmp_path, "restore", str(tmp_path / "lab.tar"))
    assert (refused.returncode, "is damaged: --replace puts" in refused.stderr) == (2, True), refused.stderr
    done = mgic(tmp_path, "restore", str(tmp_path / "lab.tar"), "--replace")
    assert done.returncode == 0, done.stderr
    with running_api(tmp_path) as api:
        assert api.client.sweep(kept.id).total == 1
        assert api.client.ready().database == "ok"
