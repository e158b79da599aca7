"""Feature maps, what the transfer operators alone give back of them, and two runs side by side."""

from uuid import UUID

import streamlit as st

from dashboard.address import follow, keep, key
from dashboard.connection import client, last_seen
from dashboard.new.preview import submit_key
from dashboard.pages import RUN, SWEEP, prose, say_if_no_worker
from dashboard.reconstructions.sections import (
    Place,
    Shown,
    gallery_of,
    like,
    limit_of,
    matrix_title,
    show_coarsest,
    show_errors,
    show_group_sizes,
    show_levels,
    show_matrices,
    show_scale,
    show_side_by_side,
    title_of,
)
from dashboard.words import literal
from mgic.client import ApiError
from mgic.figures.pictures import Crop, Gallery
from mgic.records import Run, RunStatus, SweepRequest, Value

EXPERIMENT = "reconstruction"
RECIPE = "table1_quick"
ALONE = "no second run"
SCOPE = "reconstructions"
WHOLE = "whole"
ZOOMS = {WHOLE: 1, "2x": 2, "4x": 4, "8x": 8}

st.title("Reconstructions", anchor=False)
prose(
    "The first feature maps of a trained network, encoded on the coarsest channels by the restrictions alone and "
    "decoded by the prolongations: section 3 of the paper, Table 1 and Figure 2."
)
api = client()


def act() -> None:
    """Queue the quick recipe; two clicks make one sweep."""
    asked = SweepRequest(recipe=RECIPE)
    try:
        st.session_state["go to sweep"] = str(api.submit(asked, submit_key(asked)).id)
    except ApiError as error:
        st.session_state["reconstructions message"] = str(error)


def finished() -> list[Run]:
    """The newest first; ends the page with what to do where there are none."""
    ask = lambda: list(api.runs(limit=200, experiment=EXPERIMENT).items)  # noqa: E731
    runs, _ = last_seen("reconstruction runs", ask)
    done = [run for run in runs if run.status is RunStatus.SUCCEEDED]
    if done:
        return done
    if going := [run for run in runs if not run.status.terminal]:
        waiting(going)
    st.info("No reconstruction has been run on this server yet. The quick one takes under a minute.")
    st.button("Run Table 1, quick", icon=":material/play_arrow:", type="primary", on_click=act, key="run quick")
    st.stop()


def waiting(going: list[Run]) -> None:
    """Until the first run ends; the page ends here."""
    st.info(f"{len(going)} reconstruction runs have not ended yet. Their pictures appear here as they end.")
    say_if_no_worker(going, api.workers())
    sweep = {"sweep": str(going[0].sweep_id)}
    st.page_link(SWEEP, label="Watch them", icon=":material/scatter_plot:", query_params=sweep)

    @st.fragment(run_every=3)
    def look_again() -> None:
        if api.runs(limit=1, experiment=EXPERIMENT, status=RunStatus.SUCCEEDED.value).items:
            st.rerun()

    look_again()
    st.stop()


def named(parameter: str, known: list[Run]) -> Run | None:
    """The run that the address names; None, after saying why, for one that cannot be shown."""
    given = st.query_params.get(parameter)
    if given is None:
        return None
    try:
        run = next((one for one in known if str(one.id) == given), None) or api.run(UUID(given))
    except (ValueError, ApiError):
        st.error(f"“{literal(given[:60])}” is not the id of a run here.", icon=":material/error:")
        return None
    if run.experiment != EXPERIMENT or run.status is not RunStatus.SUCCEEDED:
        st.error("This run has no reconstruction to show.", icon=":material/error:")
        st.page_link(RUN, label="Its page", icon=":material/show_chart:", query_params={"run": given})
        return None
    return run


def pictures(run: Run) -> Gallery:
    """Ends the page where the run's files are gone."""
    try:
        return gallery_of(api, run)
    except (ApiError, ValueError) as error:
        st.error(f"The pictures of run {str(run.id)[:8]} cannot be shown: {literal(error)}", icon=":material/error:")
        st.stop()


def choose(label: str, name: str, options: tuple[str, ...]) -> list[int]:
    """Places of the chosen ones, at least one."""
    state = key(SCOPE, name)
    st.session_state[state] = [one for one in st.session_state[state] if one in options] or [options[0]]
    found = st.pills(label, options, selection_mode="multi", key=state) or [options[0]]
    return sorted(map(options.index, found))


def choose_crop() -> Crop:
    """The same for all tiles."""
    zoom = ZOOMS[st.segmented_control("Zoom", list(ZOOMS), required=True, key=key(SCOPE, "zoom")) or WHOLE]
    if zoom == 1:
        return Crop()
    at = [st.slider(name, 0, 100, key=key(SCOPE, name), width=150, format="%d %%") for name in ("across", "down")]
    return Crop(zoom, at[0] / 100, at[1] / 100)


def percent(text: str) -> int:
    return min(100, int(text)) if text.isdecimal() else 50


if sweep_id := st.session_state.pop("go to sweep", None):
    st.switch_page(SWEEP, query_params={"sweep": sweep_id})
if message := st.session_state.pop("reconstructions message", None):
    st.error(literal(message), icon=":material/error:")

known = finished()
asked = {parameter: named(parameter, known) for parameter in ("run", "with")}
known += [one for one in asked.values() if one and one.id not in {run.id for run in known}]
titles = {title_of(run): run for run in known}
newest = like(known[0], [run for run in known if run.sweep_id == known[0].sweep_id])
first, second = asked["run"] or newest[-1], asked["with"]
if not asked["run"] and not second and len(newest) > 1:
    second = newest[0]
address = st.query_params
start: dict[str, Value] = {
    "run": title_of(first),
    "with": title_of(second) if second else ALONE,
    "image": [*address.get("image", "").split(";")],
    "channel": [*address.get("channel", "").split(";")],
    "zoom": address.get("zoom") if address.get("zoom") in ZOOMS else WHOLE,
    "across": percent(address.get("across", "")),
    "down": percent(address.get("down", "")),
}
follow(SCOPE, start)

left, right = st.columns(2)
one = left.selectbox("Run A", list(titles), key=key(SCOPE, "run"))
other = right.selectbox("Run B, beside it", [ALONE, *titles], key=key(SCOPE, "with"))
runs = [titles[one]] + ([titles[other]] if other not in (ALONE, one) else [])
shown = [Shown(letter, run, pictures(run)) for letter, run in zip("AB", runs, strict=False)]
gallery = shown[0].gallery
if len(shown) > 1 and not gallery.shows_the_same(shown[1].gallery):
    st.warning("These two runs have other feature maps, so B cannot stand beside A.", icon=":material/difference:")
    del shown[1]

with st.container(horizontal=True, vertical_alignment="bottom"):
    samples = choose("Images", "image", gallery.names)
    channels = choose("Channels", "channel", tuple(map(str, gallery.channels)))
    crop = choose_crop()
places = [Place(sample, channel) for sample in samples for channel in channels]
family = [run for run in api.sweep_runs(runs[0].sweep_id) if run.status is RunStatus.SUCCEEDED]
members = [(run, found) for run in like(runs[0], family) if gallery.shows_the_same(found := pictures(run))]
limit = limit_of([*(each.gallery for each in shown), *(found for _, found in members)], places)

st.subheader("Side by side", anchor=False)
show_scale(limit)
show_side_by_side(shown, places, crop, limit)
if len(members) > 1:
    st.subheader("Every group size of this sweep", anchor=False)
    show_group_sizes(members, places[0], crop, limit)
    show_errors(family)
st.subheader("On the coarsest channels", anchor=False)
for each in shown:
    show_coarsest(each, samples[0], crop)
st.subheader("What was learned", anchor=False)
matrix = st.segmented_control(
    "Matrix", list(gallery.matrices), format_func=matrix_title, default="restriction", required=True, key="matrix"
)
show_matrices(shown, matrix or "restriction")
st.subheader("Where it is lost", anchor=False)
show_levels(shown)

keep(
    SCOPE,
    {
        "run": str(runs[0].id),
        "with": str(runs[1].id) if len(runs) > 1 else None,
        "image": ";".join(gallery.names[sample] for sample in samples) if samples != [0] else None,
        "channel": ";".join(str(gallery.channels[channel]) for channel in channels) if channels != [0] else None,
        "zoom": next(name for name, zoom in ZOOMS.items() if zoom == crop.zoom) if crop.zoom > 1 else None,
        "across": f"{100 * crop.across:.0f}" if crop.zoom > 1 else None,
        "down": f"{100 * crop.down:.0f}" if crop.zoom > 1 else None,
    },
)
