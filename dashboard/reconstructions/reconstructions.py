"""Feature maps, what the transfer operators alone give back of them, and two runs side by side."""

from uuid import UUID

import streamlit as st

from dashboard import address
from dashboard.connection import client, last_seen
from dashboard.new.preview import submit_key
from dashboard.pages import SWEEP, prose, say_if_no_worker
from dashboard.plots.shown import show_plots
from dashboard.reconstructions.sections import (
    ABOUT,
    Place,
    gallery_of,
    limit_of,
    offer_tiles,
    show_coarsest,
    show_group_sizes,
    show_scale,
    show_side_by_side,
    show_sums,
)
from dashboard.words import literal
from mgic.client import ApiError
from mgic.errors import BadConfig
from mgic.figures.pictures import Crop
from mgic.figures.scenes.reconstructions import (
    CHOSEN,
    EXPERIMENT,
    ZOOMS,
    errors_plot,
    kept_plot,
    like,
    likeness_plot,
    load,
    matrix_plots,
    pick_switches,
    picked,
    run_switches,
    switches,
)
from mgic.figures.switches import Switch, words
from mgic.records import Run, RunStatus, SweepRequest

RECIPE = "table1_quick"
SCOPE = "reconstructions"
SIZES, COARSEST, LEVELS, MATRICES = "sizes", "coarsest", "levels", "matrices"
PARTS = {SIZES: "Every group size", LEVELS: "Levels", COARSEST: "Coarsest channels", MATRICES: "Matrices"}
PART = Switch("part", "More of it", PARTS, SIZES, side_by_side=True)

st.title("Reconstructions", anchor=False)
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


def named(parameter: str) -> list[Run]:
    """The run that the address names, where it can be shown; what is wrong is said at its switch."""
    try:
        run = api.run(UUID(st.query_params.get(parameter, "")))
    except (ValueError, ApiError):
        return []
    return [run] if run.experiment == EXPERIMENT and run.status is RunStatus.SUCCEEDED else []


if sweep_id := st.session_state.pop("go to sweep", None):
    st.switch_page(SWEEP, query_params={"sweep": sweep_id})
if message := st.session_state.pop("reconstructions message", None):
    st.error(literal(message), icon=":material/error:")

known = finished()
newest = like(known[0], [run for run in known if run.sweep_id == known[0].sweep_id])
if "run" not in st.query_params:
    both = {"run": str(newest[-1].id), "with": str(newest[0].id) if len(newest) > 1 else None}
    address.turn(both if "with" not in st.query_params else {"run": both["run"]})
runs = {str(run.id): run for run in (newest[-1], *known, *named("run"), *named("with"))}
wrong = st.query_params["run"] not in runs
chosen = address.switches(f"{SCOPE} runs", run_switches(list(runs.values()), wrong))
try:
    data = load(api, chosen, gallery_of)
except (ApiError, BadConfig, ValueError) as error:
    st.error(f"The pictures of this run cannot be shown: {literal(error)}", icon=":material/error:")
    st.stop()
if data.other_maps:
    st.warning("These two runs have other feature maps, so B cannot stand beside A.", icon=":material/difference:")
every = {one.name: one for one in switches(data)}
pick = address.switches(f"{SCOPE} pick", [every["pick"]])["pick"] if "pick" in every else CHOSEN
gallery = data.shown[0].gallery
names = ("image", "channel", "zoom") if pick == CHOSEN else ("channel", "zoom")
values = address.switches(SCOPE, [every[name] for name in names])
counted = address.switches(f"{SCOPE} {pick}", pick_switches(gallery, pick))
zoom = ZOOMS[values["zoom"]]
at = address.switches(f"{SCOPE} middle", [every["across"], every["down"]]) if zoom > 1 else {}
crop = Crop(zoom, float(at["across"]) / 100, float(at["down"]) / 100) if at else Crop()

channels = [gallery.channels.index(int(name)) for name in words(values["channel"])] or [0]
if pick == CHOSEN:
    samples = [gallery.names.index(name) for name in words(values["image"])] or [0]
else:
    samples = picked(gallery, pick, counted, channels)
places = [Place(sample, channel) for sample in samples for channel in channels]
limit = limit_of([*(each.gallery for each in data.shown), *(found for _, found in data.members)], places)

show_side_by_side(data.shown, places, crop, limit)
show_scale(limit)
offer_tiles(data.shown, places, crop, limit)
prose(ABOUT)
part = address.switches(f"{SCOPE} part", [PART])["part"]
if part == SIZES and len(data.members) > 1:
    show_group_sizes(data.members, places[0], crop, limit)
    show_plots([errors_plot(data), likeness_plot(data)], SCOPE, data)
elif part == SIZES:
    prose("This sweep has no other group size over the same maps.")
elif part == LEVELS:
    show_plots([kept_plot(data)], SCOPE, data)
elif part == COARSEST:
    for each in data.shown:
        show_coarsest(each, samples[0], crop)
else:
    matrix = address.switches(f"{SCOPE} matrix", [every["matrix"]])["matrix"]
    show_plots(matrix_plots(data, matrix), SCOPE, data)
    show_sums(data)
