"""Data sets by name. A module of this package adds its sets to `DATASETS`."""

from pathlib import Path

from mgic.data.dataset import DATASETS, Dataset, ImageProvider, build
from mgic.data.folders import FolderImages
from mgic.data.mask_sets import MASK_SETS, mask_set_info
from mgic.data.point_sets import POINT_SETS, point_set_info
from mgic.errors import DataMissing
from mgic.records import DatasetInfo

__all__ = ["DATASETS", "Dataset", "FolderImages", "ImageProvider", "dataset_info", "fetch", "list_datasets", "load"]


def list_datasets() -> list[str]:
    """Sets of images, then those with a class for each pixel, and then sets of points."""
    return [*DATASETS, *MASK_SETS, *POINT_SETS]


def load(name: str, data_dir: Path) -> Dataset | FolderImages:
    """Read a data set from the disk, or list its files where it is too large; nothing is downloaded.

    Raises:
        UnknownName: There is no data set of that name.
        DataMissing: It is not on this machine, or damaged; the message says how to get it.
    """
    provider = DATASETS[name]
    if not provider.present(data_dir):
        raise DataMissing(f"the data set {name} is not under {data_dir}; {provider.how_to_get}")
    found = provider.read(data_dir)
    return found if isinstance(found, FolderImages) else build(provider, found)


def dataset_info(name: str, data_dir: Path) -> DatasetInfo:
    """What is known without reading it; `present` looks only whether the files are there."""
    if name in MASK_SETS:
        return mask_set_info(name, data_dir)
    if name in POINT_SETS:
        return point_set_info(name, data_dir)
    provider = DATASETS[name]
    return DatasetInfo(
        name=name,
        title=provider.title,
        task="image classification",
        shape=provider.shape,
        classes=provider.classes,
        train=provider.train,
        test=provider.test,
        present=provider.present(data_dir),
        how_to_get=provider.how_to_get,
        package=DATASETS.package(name),
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
    provider = DATASETS[name]
    if not provider.present(data_dir):
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataMissing(f"the folder {data_dir} for {name} cannot be made: {error.strerror}") from error
        provider.fetch(data_dir)
