"""Figures 2 and 3 draw what Tables 1 and 2 print: the sweeps of the tables under the names of the figures."""

from mgic.records import Recipe
from mgic.reference import RECIPES
from mgic.reference.recipes.imagenet import TABLE2
from mgic.reference.recipes.imagenet_quick import TABLE2_QUICK
from mgic.reference.recipes.table1 import TABLE1
from mgic.reference.recipes.table1_quick import TABLE1_QUICK


def _add(name: str, sweep: Recipe, title: str, shows: str) -> None:
    summary = f"{shows} It is the sweep of {sweep.name}. {sweep.summary}"
    RECIPES.add(name, sweep.model_copy(update={"name": name, "title": title, "summary": summary}))


MAPS = "Feature maps and what the coarsest channels give back of them, over group sizes: pictures of each run."
ACCURACY = "Accuracy against multiply-accumulates: the first plot of the experiment."

_add("figure2", TABLE1, "Feature maps and their reconstructions, ResNet-50 (Figure 2)", MAPS)
_add("figure2_quick", TABLE1_QUICK, "Feature maps and their reconstructions, a quick one", MAPS)
_add("figure3", TABLE2, "Accuracy against FLOPs on ImageNet (Figure 3)", ACCURACY)
_add("figure3_quick", TABLE2_QUICK, "Accuracy against FLOPs, a quick one", ACCURACY)
