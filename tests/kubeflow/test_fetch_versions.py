import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.kubeflow.rendered import SERVING, of_kind, pod, tool

SCRIPT = SERVING / "overlays" / "object-store" / "fetch_versions.sh"
WHOLE = (
    "saved_model.pb",
    "assets/pieces.txt",
    "variables/variables.index",
    "variables/variables.data-00000-of-00001",
)
DEADLINE = 60  # seconds until a hanging program fails its test


def push(folder, version, files=WHOLE):
    """Writes files of a version, like Pusher."""
    for name in files:
        path = folder / str(version) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name} of {version}", encoding="utf-8")


def wait_until(condition):
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "it did not get there"
        time.sleep(0.02)


class Fetching:
    """The running script, with a local folder as its store unless the settings name another."""

    def __init__(self, root, **settings):
        self.store, self.target = root / "store", root / "models" / "debian"
        self.log = root / "log"
        self._ends_of_looks = root / "looks"
        self._ends_of_looks.touch()
        programs = root / "bin"
        programs.mkdir()
        (programs / "rclone").symlink_to(tool("rclone"))
        # The script sleeps once after each check of the store.
        sleep = f"#!/bin/sh\necho >>{self._ends_of_looks}\nexec {shutil.which('sleep')} $1\n"
        (programs / "sleep").write_text(sleep, encoding="utf-8")
        (programs / "sleep").chmod(0o755)
        self._environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "RCLONE_CONFIG": os.devnull,
            "SOURCE": str(self.store),
            "TARGET": str(self.target),
            "STAGING": str(root / "models" / ".staging"),
            "KEEP": "2",
            "INTERVAL": "0.05",
            **settings,
        }

    def __enter__(self):
        with self.log.open("w", encoding="utf-8") as log:
            self._process = subprocess.Popen(["sh", str(SCRIPT)], env=self._environment, stderr=log)
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self.status = self._process.wait(DEADLINE)

    def here(self):
        """Returns the versions visible to TensorFlow Serving."""
        return sorted(os.listdir(self.target)) if self.target.exists() else []

    def look(self, times=3):
        """Waits until the script has checked the store `times` more times."""
        wanted = self._looks() + times + 1  # the current check may have missed a change
        wait_until(lambda: self._looks() >= wanted)

    def _looks(self):
        return len(self._ends_of_looks.read_text(encoding="utf-8"))


def test_a_whole_version_is_fetched_with_all_its_files(tmp_path):
    push(tmp_path / "store", 7)
    with Fetching(tmp_path) as fetching:
        wait_until(lambda: fetching.here() == ["7"])
    for name in WHOLE:
        assert (fetching.target / "7" / name).read_text(encoding="utf-8") == f"{name} of 7"
    assert fetching.status == 0


@pytest.mark.parametrize("late", [name for name in WHOLE if not name.startswith("assets")])
def test_a_version_that_lacks_a_file_is_waited_for(tmp_path, late):
    push(tmp_path / "store", 7, [name for name in WHOLE if name != late])
    with Fetching(tmp_path) as fetching:
        fetching.look()
        assert fetching.here() == []
        push(tmp_path / "store", 7, [late])
        wait_until(lambda: fetching.here() == ["7"])


def test_a_version_that_lacks_a_shard_is_waited_for(tmp_path):
    shards = [f"variables/variables.data-0000{number}-of-00002" for number in range(2)]
    push(tmp_path / "store", 7, [*WHOLE[:3], shards[1]])
    with Fetching(tmp_path) as fetching:
        fetching.look()
        assert fetching.here() == []
        push(tmp_path / "store", 7, shards[:1])
        wait_until(lambda: fetching.here() == ["7"])
    assert (fetching.target / "7" / shards[0]).exists()


def test_a_version_that_still_grows_is_waited_for(tmp_path):
    push(tmp_path / "store", 7)
    grown = tmp_path / "store" / "7" / "assets" / "pieces.txt"
    with Fetching(tmp_path, INTERVAL="0.3") as fetching:
        for _ in range(4):
            with grown.open("a", encoding="utf-8") as file:
                file.write("more")
            fetching.look(0)
        wait_until(lambda: fetching.here() == ["7"])
    assert (fetching.target / "7" / "assets" / "pieces.txt").read_bytes() == grown.read_bytes()


def test_other_folders_are_no_versions(tmp_path):
    for name in ("latest", "8.tmp", ".9", "7"):
        push(tmp_path / "store", name)
    with Fetching(tmp_path) as fetching:
        wait_until(lambda: fetching.here() == ["7"])
        fetching.look()
        assert fetching.here() == ["7"]


def test_the_newest_versions_are_kept(tmp_path):
    for version in (8, 9, 10):
        push(tmp_path / "store", version)
    with Fetching(tmp_path) as fetching:
        wait_until(lambda: fetching.here() == ["10", "9"])
        push(tmp_path / "store", 11)
        wait_until(lambda: fetching.here() == ["10", "11"])


def test_a_version_that_is_taken_back_goes(tmp_path):
    for version in (7, 8):
        push(tmp_path / "store", version)
    with Fetching(tmp_path) as fetching:
        wait_until(lambda: fetching.here() == ["7", "8"])
        shutil.rmtree(tmp_path / "store" / "8")
        wait_until(lambda: fetching.here() == ["7"])


def test_the_last_version_stays_until_there_is_another(tmp_path):
    push(tmp_path / "store", 7)
    with Fetching(tmp_path, KEEP="1") as fetching:
        wait_until(lambda: fetching.here() == ["7"])
        shutil.rmtree(tmp_path / "store" / "7")
        push(tmp_path / "store", 8, WHOLE[:1])
        fetching.look()
        assert fetching.here() == ["7"]
        push(tmp_path / "store", 8)
        wait_until(lambda: fetching.here() == ["8"])


def test_what_is_here_stays_while_the_store_cannot_be_asked(tmp_path):
    push(tmp_path / "store", 7)
    with Fetching(tmp_path) as fetching:
        wait_until(lambda: fetching.here() == ["7"])
        (tmp_path / "store").rename(tmp_path / "elsewhere")
        fetching.look()
        assert fetching.here() == ["7"]
        assert "directory not found" in fetching.log.read_text(encoding="utf-8")
        push(tmp_path / "elsewhere", 8)
        (tmp_path / "elsewhere").rename(tmp_path / "store")
        wait_until(lambda: fetching.here() == ["7", "8"])


@pytest.fixture
def s3(tmp_path):
    """An S3 server on loopback with one pushed version; yields its address."""
    push(tmp_path / "buckets" / "nmt" / "models" / "debian", 7)
    command = [tool("rclone"), "serve", "s3", "--auth-key", "key,secret", "--addr", "127.0.0.1:0"]
    log = tmp_path / "s3.log"
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen([*command, str(tmp_path / "buckets")], stderr=output)

    def addresses():
        return re.findall(r"http://127\.0\.0\.1:[1-9]\d*", log.read_text(encoding="utf-8"))

    try:
        wait_until(addresses)
        yield addresses()[0]
    finally:
        process.terminate()
        process.wait(DEADLINE)


def test_the_overlay_fetches_from_s3(tmp_path, s3):
    [sidecar] = pod("object-store")["spec"]["initContainers"]
    assert Path(sidecar["command"][-1]).name == SCRIPT.name
    [name] = [each["configMapRef"]["name"] for each in sidecar["envFrom"] if "configMapRef" in each]
    settings = {
        **of_kind("object-store", "ConfigMap")[name]["data"],
        "RCLONE_CONFIG_STORE_ENDPOINT": s3,
        "RCLONE_CONFIG_STORE_ACCESS_KEY_ID": "key",
        "RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY": "secret",
    }
    with Fetching(tmp_path, **settings) as fetching:
        wait_until(lambda: fetching.here() == ["7"])
    assert (fetching.target / "7" / "saved_model.pb").read_text(encoding="utf-8") == (
        "saved_model.pb of 7"
    )
