"""What is done with the chosen rows of a list: names, tags and notes, and deletion, which is asked once."""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

import streamlit as st

from dashboard.words import literal
from mgic.client import ApiError
from mgic.records import Run, Sweep

TOLD = "actions told"


Act = Callable[..., object]  # called with the id of a row, and with what is to change of it


def offer_labels(kind: str, chosen: Sequence[Run | Sweep], update: Act) -> None:
    """A form for tags; for one row alone also its notes and, of a sweep, its name."""
    one = chosen[0] if len(chosen) == 1 else None
    had = sorted({tag for each in chosen for tag in each.tags})
    label = "Tag, note" if kind == "run" else "Name, tag, note"
    with (
        st.popover(label, icon=":material/sell:", key=f"label {kind}"),
        st.form(f"labels {kind}", border=False, enter_to_submit=True),
    ):
        # The keys have the rows in them: what is typed for one is not given to the next.
        of = "".join(str(each.id)[:8] for each in chosen[:4])
        name = st.text_input("Name", one.name, key=f"name {of}", max_chars=120) if isinstance(one, Sweep) else None
        added = st.text_input("Add tags", key=f"added {of}", help="Several with commas between them")
        gone = st.pills("Take away", had, selection_mode="multi", key=f"gone {of}") if had else []
        notes = st.text_area("Notes", one.notes, key=f"notes {of}", max_chars=4000) if one else None
        if st.form_submit_button("Save", type="primary", key=f"save {of}"):
            changes = {each.id: changed(each, added, gone, notes, name) for each in chosen}
            asked = {which: change for which, change in changes.items() if change}
            _each(kind, "changed", asked, update)
            st.rerun()


def changed(
    one: Run | Sweep, added: str, gone: Sequence[str], notes: str | None = None, name: str | None = None
) -> dict[str, object]:
    """What is to be sent for a row; nothing where it stays as it is."""
    new = ["-".join(tag.lower().split()) for tag in added.split(",") if tag.strip()]
    tags = list(dict.fromkeys([*(tag for tag in one.tags if tag not in gone), *new]))
    change: dict[str, object] = {} if tags == list(one.tags) else {"tags": tags}
    change |= {} if notes is None or notes == one.notes else {"notes": notes}
    return change if name is None or not isinstance(one, Sweep) or name == one.name else change | {"name": name}


def offer_deletion(
    kind: str,
    chosen: Sequence[Run | Sweep],
    delete: Callable[[UUID], object],
    forget: Callable[[Sequence[UUID]], object],
) -> None:
    """Asked once; what cannot be deleted is told with its reason, and the others go: `forget` is told which."""
    what = f"{len(chosen)} {kind}{'s' if len(chosen) > 1 else ''}"
    with st.popover("Delete", icon=":material/delete:", key=f"delete {kind}"):
        st.write("With curves, log and files. A run that others need stays.")
        if st.button(f"Yes, delete {what}", type="primary", key=f"delete {kind} yes"):
            forget(_each(kind, "deleted", {each.id: {} for each in chosen}, lambda which, **_: delete(which)))
            st.rerun()


def show_told() -> None:
    """What came of the last action, once."""
    done, faults = st.session_state.pop(TOLD, ("", []))
    if done:
        st.success(literal(done), icon=":material/check:")
    if faults:
        st.error("\n".join(f"- {literal(fault)}" for fault in faults), icon=":material/error:")


def _each(kind: str, done: str, asked: Mapping[UUID, Mapping[str, object]], act: Act) -> list[UUID]:
    """One after another; who fails does not stop the others. Returns those of which it is done."""
    faults, made = [], []
    for which, change in asked.items():
        try:
            act(which, **change)
            made.append(which)
        except ApiError as error:
            faults.append(f"{kind} {str(which)[:8]}: {error}")
    told = f"{len(made)} {kind}{'' if len(made) == 1 else 's'} {done}." if made else ""
    st.session_state[TOLD] = (told, faults)
    return made
