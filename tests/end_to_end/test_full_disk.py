"""The disk of the workspace becomes full during a run, and has room again for the next one."""

import json
from pathlib import Path

import pytest

from tests.end_to_end.test_environment import NAME, TINY
from tests.real_text import write_made_up_text
from tests.small_disk import python_on_small_disk

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow, pytest.mark.long]

PROGRAM = f"""
import json, shutil, subprocess, sys
from pathlib import Path

disk, left, text = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
workspace = disk / "workspace"

def nmt(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments, "--workspace", str(workspace)],
        capture_output=True, text=True, encoding="utf-8",
    )

def run():
    settings = [f"--set={{key}}={{value}}" for key, value in {TINY!r}.items()]
    done = nmt("run", "--config=debian", "--json", *settings)
    live = sorted(path.name for path in workspace.glob("models/*/[0-9]*"))
    return {{"status": done.returncode, "said": done.stderr, "answer": done.stdout, "live": live}}

made = nmt("corpus", "import", "--name={NAME}", "--validation=60", "--test=60", "--tsv", text)
assert made.returncode == 0, made.stderr
ballast = disk / "ballast"
with open(ballast, "wb") as file:
    for _ in range((shutil.disk_usage(disk).free - left) // 4096):
        file.write(bytes(4096))
first = run()
ballast.unlink()
print(json.dumps([first, run()]))
"""


@pytest.mark.parametrize("left", [200_000, 1_500_000, 4_000_000])
def test_a_run_on_a_full_disk_says_so_and_the_next_one_goes_on(tmp_path: Path, left: int) -> None:
    text = write_made_up_text(tmp_path, 600)
    disk = tmp_path / "disk"
    disk.mkdir()
    printed = python_on_small_disk("size=60m", disk, PROGRAM, str(left), str(text))
    full, roomy = json.loads(printed.splitlines()[-1])
    assert full["status"] == 1
    assert not full["live"]
    assert "Traceback" not in full["said"]
    assert "full" in full["said"]
    assert str(disk) in full["said"]
    assert roomy["status"] == 0, roomy["said"]
    assert json.loads(roomy["answer"])["is_live"]
    assert len(roomy["live"]) == 1
