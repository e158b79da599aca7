"""All pages and their order; `python -m dashboard` serves them, behind its guard."""

from pathlib import Path

import streamlit as st

from dashboard.connection import tells_what_fails
from dashboard.theme import keep_contrast

ICON = Path(__file__).parent / "static" / "icon.png"  # a Material symbol would be fetched from outside

st.set_page_config(page_title="MGIC Lab", page_icon=ICON, layout="wide")

page = st.navigation(
    {
        "Sweeps": [
            st.Page("app_pages/new_sweep.py", title="New sweep", icon=":material/add:", url_path="new", default=True),
            st.Page("app_pages/sweeps.py", title="Sweeps", icon=":material/view_list:", url_path="sweeps"),
            st.Page(
                "app_pages/sweep.py",
                title="Sweep",
                icon=":material/scatter_plot:",
                url_path="sweep",
                visibility="hidden",
            ),
        ],
        "Runs": [
            st.Page("app_pages/runs.py", title="Runs", icon=":material/table_rows:", url_path="runs"),
            st.Page("app_pages/run.py", title="Run", icon=":material/show_chart:", url_path="run", visibility="hidden"),
            st.Page(
                "app_pages/picture.py",
                title="Picture",
                icon=":material/image:",
                url_path="picture",
                visibility="hidden",
            ),
            st.Page(
                "app_pages/reconstructions.py",
                title="Reconstructions",
                icon=":material/compare:",
                url_path="reconstructions",
            ),
        ],
        "Models": [
            st.Page("app_pages/models.py", title="Models", icon=":material/hub:", url_path="models"),
            st.Page(
                "app_pages/model.py", title="Model", icon=":material/layers:", url_path="model", visibility="hidden"
            ),
        ],
        "Paper": [st.Page("app_pages/paper.py", title="Paper", icon=":material/menu_book:", url_path="paper")],
        "Service": [
            st.Page("app_pages/system.py", title="System", icon=":material/dns:", url_path="system"),
            st.Page("app_pages/help.py", title="Help", icon=":material/help:", url_path="help"),
        ],
    }
)
keep_contrast()
with tells_what_fails():
    page.run()
