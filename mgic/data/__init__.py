"""Data sets by name. A module of this package adds its sets to `DATASETS`."""

from pathlib import Path

from mgic.data.dataset import DATASETS, Dataset, Source, build
from mgic.data.folders import FolderImages
from mgic.data.mask_sets import MASK_SETS, mask_set_info
from mgic.data.point_sets import POINT_SETS, point_set_info
from mgic.errors import DataMissing
from mgic.records import DatasetInfo

__all__ = ["DATASETS", "Dataset", "FolderImages", "Source", "dataset_info", "fetch", "list_datasets", "load"]


def list_datasets() -> list[str]:
    """Sets of images, then those with a class for each pixel, and then sets of points."""
    return [*DATASETS, *MASK_SETS, *POINT_SETS]


def load(name: str, data_dir: Path) -> Dataset | FolderImages:
    """Read a data set from the disk, or list its files where it is too large; nothing is downloaded.

    Raises:
        UnknownName: There is no data set of that name.
        DataMissing: It is not on this machine, or damaged; the message says how to get it.
    """
    source = DATASETS[name]
    if not source.present(data_dir):
        raise DataMissing(f"the data set {name} is not under {data_dir}; {source.how_to_get}")
    found = source.read(data_dir)
    return found if isinstance(found, FolderImages) else build(source, found)


def dataset_info(name: str, data_dir: Path) -> DatasetInfo:
    """What is known without reading it; `present` looks only whether the files are there."""
    if name in MASK_SETS:
        return mask_set_info(name, data_dir)
    if name in POINT_SETS:
        return point_set_info(name, data_dir)
    source = DATASETS[name]
    return DatasetInfo(
        name=name,
        title=source.title,
        task="image classification",
        shape=source.shape,
        classes=source.classes,
        train=source.train,
        test=source.test,
        present=source.present(data_dir),
        how_to_get=source.how_to_get,
    )


def fetch(name: str, data_dir: Path) -> None:
    """Download a data set, unless it is there already.

    Raises:
        UnknownName: There is no data set of that name.
        DataMissing: The folder cannot be made, or the download failed; the message says at what.
    """
    if name in POINT_SETS or name in MASK_SETS:
        info = dataset_info(name, data_dir)
        if not info.present:
            raise DataMissing(f"{name} cannot be downloaded from here: {info.how_to_get}")
        return
    source = DATASETS[name]
    if not source.present(data_dir):
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataMissing(f"the folder {data_dir} for {name} cannot be made: {error.strerror}") from error
        source.fetch(data_dir)
