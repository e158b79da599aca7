"""The place of artifacts, once a folder and once a real bucket; and what the API gives of it."""

import errno
import io
import os
import shutil
from types import SimpleNamespace
from uuid import uuid4

import pytest
from PIL import Image
from s3fs import S3FileSystem
from starlette.testclient import TestClient

from backend.app import create_app
from backend.artifacts import Artifacts, ArtifactsAway, _s3, attempt, checkpoint
from backend.janitor import Janitor
from backend.queue import Bell
from backend.settings import Settings
from backend.thumbnails import MAX_PIXELS, NoThumbnail, thumbnail
from mgic.errors import NotFound
from mgic.records import Artifact
from tests.backend.store_points import CPU, add, slot, succeeded
from tests.bucket import BUCKET, bucket, environment
from tests.conftest import free_port

# The application asks either store in the same way: what is tested here lies beyond it.
of_one_store = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


@pytest.fixture(scope="module")
def in_a_bucket():
    with bucket() as keys, environment(keys):
        yield f"{BUCKET}/{uuid4()}"


@pytest.fixture(params=["folder", "bucket"])
def place(request, tmp_path):
    if request.param == "folder":
        return Artifacts(str(tmp_path / "artifacts"))
    return Artifacts(f"{request.getfixturevalue('in_a_bucket')}/{uuid4()}")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(bytes(range(200)))
    return path


def test_a_file_comes_back_as_it_was_put(place, file, tmp_path):
    place.put(file, "run/1/maps/a b.png")
    assert place.size("run/1/maps/a b.png") == 200
    assert b"".join(place.read("run/1/maps/a b.png", 0, 200)) == file.read_bytes()
    pieces = list(place.read("run/1/maps/a b.png", 10, 20, piece=4))
    assert pieces == [bytes(range(10, 14)), bytes(range(14, 18)), bytes(range(18, 20))]
    place.get("run/1/maps/a b.png", tmp_path / "back" / "a.png")
    assert (tmp_path / "back" / "a.png").read_bytes() == file.read_bytes()
    assert os.listdir(tmp_path / "back") == ["a.png"]


def test_putting_again_replaces(place, file):
    place.put(file, "k")
    file.write_bytes(b"new")
    place.put(file, "k")
    assert (place.size("k"), b"".join(place.read("k", 0, 3))) == (3, b"new")


def test_names_are_those_right_in_the_folder_also_what_another_host_put_there_just_now(place, file):
    assert place.names("run") == []
    for key in ("run/2/a", "run/1/b", "run/1/c", "other/x"):
        place.put(file, key)
        place.names("run")
    assert place.names("run") == ["1", "2"]
    assert place.names("run/1") == ["b", "c"]


def test_a_folder_is_removed_with_all_in_it_and_need_not_be_there(place, file):
    place.put(file, "run/1/a")
    place.put(file, "runner/1/a")
    place.remove("run")
    place.remove("run")
    assert (place.names("run"), place.names("runner")) == ([], ["1"])
    place.remove("runner/1/a")
    assert place.names("runner/1") == []


@pytest.mark.parametrize("key", ["nothing", "run", "run/1", "../up", "/etc/passwd", "run//1", "run/./1", "a\0b", ""])
def test_what_is_no_file_in_it_is_not_found(place, file, tmp_path, key):
    place.put(file, "run/1/a")
    with pytest.raises(NotFound):
        place.size(key)


def test_a_link_is_not_followed(tmp_path, file):
    place = Artifacts(str(tmp_path / "artifacts"))
    place.put(file, "run/1/a")
    (tmp_path / "artifacts" / "run" / "1" / "link").symlink_to(file)
    with pytest.raises(NotFound):
        place.size("run/1/link")


def test_a_bucket_that_is_not_there_is_said(in_a_bucket, file):
    with pytest.raises(ArtifactsAway, match="s3://nowhere-at-all"):
        Artifacts("s3://nowhere-at-all/x").put(file, "k")


def test_a_server_that_is_away_is_said(in_a_bucket, file):
    place = Artifacts("s3://mgic/x")
    quick = {"connect_timeout": 1, "retries": {"max_attempts": 0}}
    place._opened = S3FileSystem(endpoint_url=f"http://127.0.0.1:{free_port()}", config_kwargs=quick)
    for call in (lambda: place.put(file, "k"), lambda: place.names("k"), lambda: place.size("k")):
        with pytest.raises(OSError):  # noqa: PT011 - s3fs has words of its own
            call()


@pytest.mark.parametrize("url", ["http://host/x", "gs://bucket", "s3://", "ftp://x/y"])
def test_other_places_are_refused_at_the_start(url):
    with pytest.raises(ValueError, match=r"a folder or s3://bucket/prefix is wanted"):
        Settings(artifact_url=url)


@pytest.mark.parametrize("url", ["", "s3://bucket", "s3://bucket/prefix", "file:///srv/artifacts", "/srv/artifacts"])
def test_a_folder_and_a_bucket_are_taken(url, tmp_path):
    settings = Settings(artifact_url=url, home=tmp_path)
    assert settings.artifacts == (url or str(tmp_path / "artifacts"))


def test_the_janitor_removes_checkpoints_of_ended_and_of_unknown_runs_and_no_others(store, place, file):
    open_run, ended_run = add(store, 2)
    store.cancel_run(ended_run)
    for run in (open_run, ended_run, uuid4()):
        place.put(file, checkpoint(run, "0001-a.pt"))
    place.put(file, checkpoint("not-a-run", "0001-a.pt"))
    janitor = Janitor(store, place, 60)
    assert janitor.clean() == 2
    assert place.names("checkpoints") == sorted([str(open_run), "not-a-run"])
    assert janitor.clean() == 0


@of_one_store
def test_a_place_that_is_away_makes_the_service_degraded_and_says_so(api, monkeypatch):
    def away(_):
        raise ArtifactsAway("no route to host")

    janitor = api.app.state.janitor
    assert api.get("/ready").json()["artifacts"] == "ok"
    with monkeypatch.context() as patched:
        patched.setattr(api.app.state.artifacts, "names", away)
        with pytest.raises(ArtifactsAway):
            janitor.clean()
    ready = api.get("/ready").json()
    assert (ready["status"], ready["artifacts"]) == ("degraded", "no answer")
    assert any("place of the artifacts" in note for note in ready["notes"])
    janitor.clean()
    assert api.get("/ready").json()["artifacts"] == "ok"


@pytest.mark.fault
@of_one_store
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_full_disk_makes_the_service_degraded_until_there_is_room(api, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    assert api.get("/ready").json()["disk"] == "ok"
    with monkeypatch.context() as patched:
        patched.setattr(os, "posix_fallocate", refuse)
        answer = api.get("/ready")
    assert (answer.status_code, answer.json()["status"], answer.json()["disk"]) == (200, "degraded", "full")
    assert f"the files of runs cannot be written: {os.strerror(number)}" in answer.json()["notes"]
    assert api.get("/ready").json()["disk"] == "ok"


@of_one_store
def test_a_disk_that_fills_up_is_told_of_before_it_is_full(api, monkeypatch):
    ready = api.get("/ready").json()
    assert (ready["disk"], ready["disk_free_bytes"] > 2**30) == ("ok", True)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=9_000_000))
    ready = api.get("/ready").json()
    assert (ready["status"], ready["disk"], ready["disk_free_bytes"]) == ("degraded", "low", 9_000_000)
    assert "the files of runs: 9 MB of the disk are free" in ready["notes"]


@of_one_store
def test_a_queue_without_a_worker_is_told_of_once_a_run_waits_in_it(api, store):
    assert "no worker is online: runs stay queued" in api.get("/ready").json()["notes"]
    store.worker_seen(CPU, 1, "0.1")
    add(store, 2, queue="gpu", device="cuda")
    add(store)
    ready = api.get("/ready").json()
    assert ready["workers"] == {"cpu": 1}
    assert [note for note in ready["notes"] if "worker" in note] == [
        "no worker of the queue gpu is online: 2 runs wait for one"
    ]


def test_a_folder_of_any_name_keeps_files_in_itself(tmp_path, file):
    for name in ("a?b", "a#b", "%41", "a::b", "*[c]", "ü '\"", "{d}"):
        place = Artifacts(str(tmp_path / name / "artifacts"))
        place.put(file, "run/1/x")
        assert place.names("run/1") == ["x"]
        place.remove("run")
        assert place.names("run") == []
        assert (tmp_path / name / "artifacts").is_dir()
    assert len(list(tmp_path.iterdir())) == 7 + (file.parent == tmp_path)


@pytest.mark.parametrize(("endpoint", "past"), [("http://127.0.0.1:9000", True), ("https://s3.example.org", False)])
def test_a_bucket_on_this_machine_is_reached_past_all_proxies(monkeypatch, endpoint, past):
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    assert ("proxies" in _s3()["config_kwargs"]) is past


def test_ended_runs_are_told_from_open_ones_however_many_are_asked_for(store):
    (open_run,) = add(store, 1)
    unknown = [str(uuid4()) for _ in range(1200)]
    assert store.ended([str(open_run), *unknown, "no id"]) == set(unknown)


def png(width, height, mode="RGB"):
    out = io.BytesIO()
    Image.new(mode, (width, height), "red").save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(("size", "small"), [((400, 200), (64, 32)), ((30, 90), (21, 64)), ((20, 10), (20, 10))])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1"])
def test_a_thumbnail_keeps_the_proportions_and_never_grows(size, small, mode):
    out = Image.new(mode, size)
    file = io.BytesIO()
    out.save(file, "PNG")
    with Image.open(io.BytesIO(thumbnail(file.getvalue(), 64))) as picture:
        assert (picture.format, picture.size) == ("PNG", small)


@pytest.mark.parametrize("content", [b"", b"no picture", png(64, 64)[:60]])
def test_what_is_no_picture_has_no_thumbnail(content):
    with pytest.raises(NoThumbnail):
        thumbnail(content, 64)


def test_a_picture_that_would_fill_the_memory_is_not_decoded():
    with pytest.raises(NoThumbnail, match="too many"):
        thumbnail(png(8192, MAX_PIXELS // 8192 + 1, "1"), 64)


@pytest.fixture
def api(store, tmp_path):
    """The application as it is, called within this process; nothing asked here needs its threads or its catalogue."""
    settings = Settings(home=tmp_path)
    app = create_app(settings, store, Bell(settings.broker_url))
    app.state.catalogue.stop()  # or `/ready` would start it, which loads torch
    return TestClient(app, base_url="http://127.0.0.1/api/v1", raise_server_exceptions=False)


@pytest.fixture
def kept(api, store, tmp_path):
    """A run in the API's store with a picture and a file that is none; the place has both."""
    (run_id,) = add(store, 1)
    claim = store.claim(slot())
    contents = {"maps/a b.png": png(300, 100), "numbers.npz": bytes(range(100)), "lost.txt": b"?"}
    kinds = {"maps/a b.png": "image/png", "numbers.npz": "application/octet-stream", "lost.txt": "text/plain"}
    files = [
        Artifact(name=name, media_type=kinds[name], size=len(content), sha256="0" * 64)
        for name, content in contents.items()
    ]
    store.finish(run_id, claim.fence, succeeded(), files)
    for name in ("maps/a b.png", "numbers.npz"):
        (tmp_path / "content").write_bytes(contents[name])
        api.app.state.artifacts.put(tmp_path / "content", attempt(run_id, claim.fence, name))
    return f"/runs/{run_id}/artifacts"


@of_one_store
def test_the_api_gives_a_thumbnail_of_a_picture(api, kept):
    answer = api.get(f"{kept}/maps/a b.png", params={"thumbnail": 60})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert picture.size == (60, 20)


@of_one_store
@pytest.mark.parametrize("pixels", ["15", "1025", "-1", "x", "1e2", ""])
def test_a_size_that_no_thumbnail_has_is_refused(api, kept, pixels):
    answer = api.get(f"{kept}/maps/a b.png", params={"thumbnail": pixels})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "thumbnail")


@of_one_store
def test_only_pictures_have_thumbnails(api, kept):
    answer = api.get(f"{kept}/numbers.npz", params={"thumbnail": 60})
    assert answer.status_code == 422
    assert "only PNG and JPEG pictures" in answer.json()["detail"]
    assert answer.json()["errors"][0]["pointer"] == "thumbnail"


@of_one_store
@pytest.mark.parametrize(
    ("asked", "status", "given"),
    [
        ("bytes=0-9", 206, bytes(range(10))),
        ("bytes=90-", 206, bytes(range(90, 100))),
        ("bytes=-5", 206, bytes(range(95, 100))),
        ("bytes=95-1000", 206, bytes(range(95, 100))),
        ("bytes=0-0", 206, b"\0"),
        ("bytes=-", 200, bytes(range(100))),
        ("bytes=0-1,5-6", 200, bytes(range(100))),
        pytest.param("bytes=" + ",".join(["0-0"] * 5000), 200, bytes(range(100)), id="5000 parts"),
        ("lines=1-2", 200, bytes(range(100))),
        ("bytes=100-", 416, None),
        ("bytes=9-3", 416, None),
        ("bytes=-0", 416, None),
    ],
)
def test_a_part_of_a_file(api, kept, asked, status, given):
    answer = api.get(f"{kept}/numbers.npz", headers={"Range": asked})
    assert answer.status_code == status
    if given is None:
        assert answer.headers["content-range"] == "bytes */100"
        assert answer.json()["type"] == "/problems/range"
    else:
        assert answer.content == given
        assert ("content-range" in answer.headers) is (status == 206)
        assert answer.headers["etag"] == f'"{"0" * 64}"'


@of_one_store
def test_a_file_that_is_gone_from_its_place_is_not_found(api, kept):
    assert api.get(f"{kept}/lost.txt").status_code == 404


@of_one_store
def test_a_place_that_does_not_answer_is_a_503(api, kept, monkeypatch):
    def away(*_):
        raise ArtifactsAway("no route to s3://inner/bucket")

    monkeypatch.setattr(api.app.state.artifacts, "size", away)
    answer = api.get(f"{kept}/numbers.npz")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "s3://" not in answer.text, "where they lie is nothing for readers"


def test_a_full_disk_is_known_by_its_number(tmp_path, file, monkeypatch):
    place = Artifacts(str(tmp_path / "artifacts"))
    place.put(file, "a")
    monkeypatch.setattr(type(place._opened), "put_file", _full)
    with pytest.raises(OSError, match="No space") as caught:
        place.put(file, "b")
    assert caught.value.errno == errno.ENOSPC


def _full(*_args, **_kwargs):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
