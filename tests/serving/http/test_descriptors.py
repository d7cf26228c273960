"""The limit of open files is raised, or the connections are fewer; in processes of their own."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource
from serving.http.descriptors import connections_for
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
print(connections_for(2, 512), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.parametrize(
    ("soft", "hard", "printed"),
    [
        (256, 4096, "512 1408"),  # raised as far as is needed
        (256, 1024, "320 1024"),  # raised as far as is allowed
        (4096, 4096, "512 4096"),  # never lowered
        (256, 256, "1 256"),
    ],
)
def test_connections_leave_descriptors_for_files(soft: int, hard: int, printed: str) -> None:
    program = PROGRAM.format(soft=soft, hard=hard)
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (result.stdout.strip(), result.stderr) == (printed, "")
