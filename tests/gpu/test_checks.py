"""The checks of `make gpu` on the processor: to the end of each, so that none breaks unseen until there is a GPU."""

import pytest

from tests.gpu.checks import CHECKS

pytestmark = pytest.mark.thorough


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_it_passes_on_the_processor(check, tmp_path):
    assert check("cpu", tmp_path)
