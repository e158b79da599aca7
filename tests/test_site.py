"""The documentation as a site: built without a warning, with what it promises, and nothing from another host."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "--quiet", "build", "--strict", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}  # the theme's authors advertise another tool
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    return folder


def test_every_page_loads_from_the_site_alone(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 15
    outside = re.compile(r"""(?:<script|<img|<iframe|<link rel="(?:stylesheet|preconnect|icon)")[^>]*["']https?://""")
    assert [page.name for page in pages if outside.search(page.read_text())] == []


def test_the_examples_stand_in_their_pages_whole(site):
    for page, words in (("tutorial", "cost against width"), ("examples", "transfer_share"), ("changelog", "Added")):
        text = (site / f"{page}.html").read_text()
        assert words in text, page
        assert not re.search(r"examples/[a-z_/]+\.py", text), page  # the name of a file that was not put in


def test_the_references_name_what_there_is(site):
    python = (site / "reference" / "python.html").read_text()
    for name in (
        "MGICBlock",
        "convert",
        "create",
        "count_cost",
        "list_models",
        "optimize_for_inference",
        "export_onnx",
    ):
        assert f'id="mgic.{name}"' in python, name
    assert 'id="mgic-gate"' in (site / "reference" / "commands.html").read_text()
    document = (site / "reference" / "openapi.json").read_text()
    assert '"operationId": "submit_sweep"' in document
    assert '"ClassificationResult"' in document
