"""All pages and their order; `python -m dashboard` serves them, behind its guard."""

from pathlib import Path

import streamlit as st

from dashboard.connection import tells_what_fails
from dashboard.pages import PLACES, Place
from dashboard.theme import style_page
from dashboard.visitors import has_entered, show_sign_in, show_visitor

ICON = Path(__file__).parent / "static" / "icon.png"  # a Material symbol would be fetched from outside


def page_of(place: Place) -> st.Page:
    return st.Page(
        place.script,
        title=place.title,
        icon=f":material/{place.icon}:",
        url_path=place.url,
        default=place.url == "",
        visibility="hidden" if place.hidden else "visible",
    )


st.set_page_config(page_title="MGIC Lab", page_icon=ICON, layout="wide")
entered, told = False, False
with tells_what_fails():
    entered, told = has_entered(), True
page = st.navigation(
    {section: [page_of(place) for place in places] for section, places in PLACES.items()},
    position="sidebar" if entered else "hidden",
)
style_page()
with tells_what_fails():
    if entered:
        show_visitor()
        page.run()
    elif told:
        show_sign_in()
