"""Every data set in spoilt copies: what is none of its files does not count, and what is not the set is refused.

A new set gets a small copy in `made.COPIES`; if it has files, its own ways of being another set get a row in
`spoilt.SPOILT`.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mgic.data import dataset_info, find, list_datasets
from mgic.errors import DataMissing
from tests.mgic.data.made import COPIES, OWN, Copy
from tests.mgic.data.spoilt import SPOILT, Spoil, replaced

MADE_HERE = ("digits", "elpv", "elpv_96", "elpv_128", "shapes", "solids")  # they have no files, or a package's
REGISTERED = [name for name in list_datasets() if find(name).task != "function"]
WITH_FILES = [name for name in REGISTERED if name not in MADE_HERE]
OF_FILES = [*WITH_FILES, *OWN]
APPLE_DOUBLE = b"\0\5\x16\7" + bytes(4000)


def everywhere(change: Spoil) -> Spoil:
    """The same in every folder of the set."""

    def changed(folder: Path) -> None:
        for one in (folder, *(path for path in list(folder.rglob("*")) if path.is_dir())):
            change(one)

    return changed


def put(*names: str, content: bytes = b"x") -> Spoil:
    def change(folder: Path) -> None:
        for name in names:
            (folder / name).parent.mkdir(exist_ok=True, parents=True)
            (folder / name).write_bytes(content)

    return change


def side_files(folder: Path) -> None:
    put(".DS_Store", content=b"\0\0\0\1Bud1")(folder)
    for path in list(folder.iterdir()):
        put(f"._{path.name}", content=APPLE_DOUBLE)(folder)


def other_half_of_an_archive(folder: Path) -> None:
    for path in list(folder.iterdir()):
        put(f"__MACOSX/._{path.name}", f"__MACOSX/{folder.name}/._{path.name}", content=APPLE_DOUBLE)(folder)


def beside_each_file(*endings: str) -> Spoil:
    def change(folder: Path) -> None:
        for path in [path for path in folder.iterdir() if path.is_file()]:
            for ending in endings:
                shutil.copy(path, folder / f"{path.name}{ending}")

    return change


def hidden_copies(folder: Path) -> None:
    for path in [path for path in folder.iterdir() if path.is_file()]:
        for hidden in (".ipynb_checkpoints", ".Trash-0", ".cache"):
            (folder / hidden).mkdir(exist_ok=True)
            shutil.copy(path, folder / hidden / path.name)


def thumbnails(folder: Path) -> None:
    for path in list(folder.iterdir()):
        put(f"@eaDir/{path.name}/SYNOPHOTO_THUMB_M.jpg", f"@eaDir/{path.name}@SynoEAStream")(folder)


def empty_folders(folder: Path) -> None:
    for name in ("empty", ".empty", "lost+found", "zzz"):
        (folder / name).mkdir()


LITTER: dict[str, Spoil] = {
    "side files of a Mac": everywhere(side_files),
    "the other half of an archive": everywhere(other_half_of_an_archive),
    "files of Windows": everywhere(put("Thumbs.db", "desktop.ini", "ehthumbs.db", "$RECYCLE.BIN/x")),
    "words": everywhere(put("README", "README.md", "LICENSE.txt", "index.html", "checksums.md5", "_SUCCESS")),
    "an editor's and a system's copies": everywhere(hidden_copies),
    "version control": everywhere(put(".git/config", ".gitattributes", ".gitkeep", ".svn/entries", "CVS/Root")),
    "thumbnails": everywhere(thumbnails),
    "empty folders": everywhere(empty_folders),
    "copies and downloads": everywhere(beside_each_file("~", ".bak", ".part", ".crdownload", ".1", ".md5")),
    "archives": everywhere(put("all.zip", "train.tar", "n01.tar", "x.tar.gz")),
}


def test_every_set_has_a_small_copy():
    assert sorted(COPIES) == sorted([*REGISTERED, *OWN])
    assert sorted(SPOILT) == sorted(OF_FILES)


@pytest.fixture
def copy(request, tmp_path, monkeypatch) -> Copy:
    return COPIES[request.param](tmp_path, monkeypatch)


@pytest.mark.parametrize("litter", LITTER)
@pytest.mark.parametrize("copy", [name for name in COPIES if not name.startswith("elpv_")], indirect=True)
def test_what_is_none_of_its_files_does_not_count(copy, litter):
    before = copy.read()
    LITTER[litter](copy.folder)
    assert copy.read() == before


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def link_to_nothing(path: Path) -> None:
    path.unlink()
    path.symlink_to("nothing")


DAMAGE: dict[str, Callable[[Path], None]] = {
    "cut": cut,
    "empty": replaced(b""),
    "a page of a web server": replaced(b"<!DOCTYPE html>\n<html><body>Access denied</body></html>\n"),
    "a pointer of Git LFS": replaced(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n"),
    "all zero": lambda path: replaced(bytes(path.stat().st_size))(path),
    "a link to nothing": link_to_nothing,
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("place", [0, -1], ids=["the first file", "the last file"])
@pytest.mark.parametrize("copy", OF_FILES, indirect=True)
def test_a_damaged_file_is_named(copy, place, damage):
    path = copy.files()[place]
    DAMAGE[damage](path)
    with pytest.raises(DataMissing) as caught:
        copy.read()
    absent = damage == "a link to nothing" and "is not under" in str(caught.value)
    assert absent or path.name in str(caught.value)


@pytest.mark.parametrize("name", WITH_FILES)
def test_a_set_one_folder_too_deep_is_not_there(name, tmp_path, monkeypatch):
    copy = COPIES[name](tmp_path, monkeypatch)
    inner = copy.folder / copy.folder.name
    inner.mkdir()
    for path in [path for path in copy.folder.iterdir() if path != inner]:
        path.rename(inner / path.name)
    assert not dataset_info(name, tmp_path).present
    with pytest.raises(DataMissing, match=r"get it|unpack"):
        copy.read()


@pytest.mark.parametrize(("name", "spoil"), [(name, spoil) for name, spoils in SPOILT.items() for spoil in spoils])
def test_what_is_another_set_is_refused(name, spoil, tmp_path, monkeypatch):
    copy = COPIES[name](tmp_path, monkeypatch)
    change, words = SPOILT[name][spoil]
    change(copy.folder)
    with pytest.raises(DataMissing, match=words):
        copy.read()
