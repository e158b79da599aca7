"""No test depends on what the project neither installs nor makes."""

import os
from pathlib import Path

import pytest

from mgic.data import DATASETS, load
from mgic.errors import DataMissing

SHIPPED = {"digits", "elpv", "elpv_96", "elpv_128"}  # with packages that the project installs


def test_the_home_and_the_data_folder_hold_nothing_of_whoever_runs_the_tests():
    for folder in (Path.home(), Path(os.environ["MGIC_DATA_DIR"])):
        assert folder.name in ("home", "data")
        assert folder.parent.name.startswith("mgic-bare-")


def test_no_setting_of_the_service_is_inherited():
    assert [name for name in os.environ if name.startswith("MGIC_")] == ["MGIC_DATA_DIR"]


@pytest.mark.parametrize("name", [name for name in DATASETS if name not in SHIPPED])
def test_a_data_set_that_is_not_shipped_is_not_there(name):
    with pytest.raises(DataMissing):
        load(name, Path(os.environ["MGIC_DATA_DIR"]))
