"""Data sets by name. A module of this package adds its sets to the one registry, `SETS`, by the task they are for."""

from mgic.data.dataset import DATASETS, Dataset, ImageProvider, load
from mgic.data.folders import FolderImages
from mgic.data.sets import SETS, dataset_info, fetch, find, list_datasets, look_in

__all__ = [
    "DATASETS",
    "SETS",
    "Dataset",
    "FolderImages",
    "ImageProvider",
    "dataset_info",
    "fetch",
    "find",
    "list_datasets",
    "load",
    "look_in",
]
