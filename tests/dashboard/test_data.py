"""What a page says of the data set of a run."""

import pytest
from streamlit.testing.v1 import AppTest

from mgic.records import DatasetInfo
from tests.dashboard import made

OF = {"task": "image classification", "shape": (1, 8, 8), "classes": 2, "train": 9, "test": 3, "present": True}


PAGE = """
import streamlit as st
from dashboard.runs.sections import show_data
info = st.session_state["info"]
show_data(st.session_state["run"], {info.name: info})
"""


@pytest.mark.parametrize(("now", "warned"), [("a" * 16, 0), ("b" * 16, 1)])
def test_a_run_of_other_files_is_told_and_a_licence_is_shown(now, warned):
    run = made.run(result={"dataset_hash": "a" * 16}, dataset="folder/own", data_hash="a" * 16)
    info = DatasetInfo(name="folder/own", title="own", how_to_get="", hash=now, licence="CC BY-NC-SA 4.0", **OF)
    shown = AppTest.from_string(PAGE, default_timeout=60)
    shown.session_state["run"], shown.session_state["info"] = run, info
    shown.run()
    assert not shown.exception
    assert [caption.value for caption in shown.caption] == ["Data: own, CC BY-NC-SA 4.0."]
    assert len(shown.warning) == warned
    assert all("folder/own has changed since" in warning.value for warning in shown.warning)
