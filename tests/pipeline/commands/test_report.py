import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from components.gate.verdict import Check
from pipeline.cli import main
from serving.versions.push import push, roll_back
from serving.versions.store import LocalStore
from tests.pipeline.recorded_runs import Records, verdict

ROOT = Path(__file__).resolve().parents[3]
DROPPED = Check(
    metric="bleu_drop",
    slice="length_bucket=31+",
    value=3.25,
    rule="at most",
    bound=1.0,
    passed=False,
)


def write_model(folder: Path, content: bytes) -> str:
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(bytes([0x12, len(content)]) + content)
    (folder / "variables" / "variables.index").write_bytes(b"index")
    (folder / "variables" / "variables.data-00000-of-00001").write_bytes(content)
    return str(folder)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Runs that pushed, did nothing, failed, and were blocked; a rollback; a push that it stops."""
    records, serving = Records(tmp_path), str(tmp_path / "models/captions")
    numbers = []
    for name in ("one", "two"):
        candidate = write_model(tmp_path / "candidates" / name, name.encode())
        numbers.append(push(candidate, serving, LocalStore(), keep=5).number)
    first = records.judged(
        verdict(20.0), pushed={"pushed": 1, "pushed_version": str(numbers[0]), "reason": "done"}
    )
    records.run(first)
    records.run(first, is_cached=True)
    records.run({"Transform": {}}, failed="Trainer")
    records.run(
        records.judged(
            verdict(18.0, live=20.0, failed=(DROPPED,)),
            pushed={"pushed": 0},
            blessed=0,
            live_version=str(numbers[0]),
        )
    )
    records.run(
        records.judged(
            verdict(25.0, live=20.0),
            pushed={"pushed": 1, "pushed_version": str(numbers[1])},
            live_version=str(numbers[0]),
        )
    )
    records.run(records.judged(verdict(99.0), pushed={"pushed": 0}), pipeline="another")
    roll_back(serving, LocalStore(), reason="it invents <names>")
    records.run(
        records.judged(
            verdict(25.0, live=20.0), pushed={"pushed": 0, "reason": "It was taken back."}
        )
    )
    return tmp_path


def report(workspace: Path, *arguments: str) -> int:
    return main(["report", "--workspace", str(workspace), "--set", "name=captions", *arguments])


def events(workspace: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    assert report(workspace, "--json") == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["events"]
    return found


def test_every_run_and_rollback_is_told_in_order(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [event["outcome"] for event in events(workspace, capsys)] == [
        "pushed", "unchanged", "failed", "blocked", "pushed", "rollback", "not pushed",
    ]  # fmt: skip


def test_a_run_has_its_scores_and_what_it_was_compared_with(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = events(workspace, capsys)
    first, better = found[0], found[4]
    assert (first["score"], first["floor"], first["live_score"]) == (20.0, 15.0, None)
    assert (better["score"], better["live_score"]) == (25.0, 20.0)
    assert better["live_version"] == first["version"]
    assert better["version"] > first["version"]


def test_a_blocked_run_names_the_check_that_failed(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = events(workspace, capsys)[3]
    assert blocked["reasons"] == ["drop of BLEU (31+ words) is 3.25, must be at most 1"]


def test_a_failed_run_names_the_node(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert events(workspace, capsys)[2]["reasons"] == ["Trainer did not end"]


def test_a_rollback_says_what_is_live_again_by_whom_and_why(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = events(workspace, capsys)
    rollback = found[5]
    assert rollback["live_version"] == found[0]["version"]
    assert rollback["version"] > found[4]["version"]
    assert rollback["reasons"][0].startswith(
        f"{found[0]['version']} again instead of {found[4]['version']}, by "
    )
    assert rollback["reasons"][1] == "it invents <names>"


def test_a_model_that_was_not_pushed_says_why(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert events(workspace, capsys)[6]["reasons"] == ["It was taken back."]


def test_a_model_that_cannot_be_served_is_blocked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = Records(tmp_path)
    records.run(records.judged(verdict(20.0), pushed={"pushed": 0}, servable=0))
    [event] = events(tmp_path, capsys)
    assert (event["outcome"], event["reasons"]) == ("blocked", ["the export cannot be served"])


def test_a_verdict_that_lies_beside_its_evaluation_is_read_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records, evaluation = Records(tmp_path), tmp_path / "evaluation"
    evaluation.mkdir()
    found = verdict(18.0, live=20.0, failed=(DROPPED,))
    (evaluation / "verdict.json").write_text(found.model_dump_json(), encoding="utf-8")
    records.run(records.judged(None, pushed={"pushed": 0}, blessed=0, uri=evaluation))
    [event] = events(tmp_path, capsys)
    assert (event["score"], event["live_score"]) == (18.0, 20.0)
    assert event["reasons"] == ["drop of BLEU (31+ words) is 3.25, must be at most 1"]


def test_a_check_of_the_value_of_a_feature_is_named_with_both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records, evaluation = Records(tmp_path), tmp_path / "evaluation"
    evaluation.mkdir()
    in_news = DROPPED.model_copy(update={"slice": "domain=news"})
    found = verdict(18.0, live=20.0, failed=(in_news,))
    (evaluation / "verdict.json").write_text(found.model_dump_json(), encoding="utf-8")
    records.run(records.judged(None, pushed={"pushed": 0}, blessed=0, uri=evaluation))
    [event] = events(tmp_path, capsys)
    assert event["reasons"] == ["drop of BLEU (domain=news) is 3.25, must be at most 1"]


def test_a_run_that_chrf_judged_has_its_chrf_and_the_floor_of_that(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records, evaluation = Records(tmp_path), tmp_path / "evaluation"
    evaluation.mkdir()
    plain = verdict(55.0, live=50.0, floor=40.0)
    judged = plain.model_copy(
        update={
            "metric": "chrf",
            "checks": tuple(check.model_copy(update={"metric": "chrf"}) for check in plain.checks),
            "metrics": {
                "overall": {
                    model: {"bleu": 0.0, "chrf": scores["bleu"]}
                    for model, scores in plain.metrics["overall"].items()
                }
            },
        }
    )
    (evaluation / "verdict.json").write_text(judged.model_dump_json(), encoding="utf-8")
    records.run(records.judged(None, pushed={"pushed": 0, "reason": "no"}, uri=evaluation))
    [event] = events(tmp_path, capsys)
    assert event["metric"] == "chrf"
    assert (event["score"], event["floor"], event["live_score"]) == (55.0, 40.0, 50.0)
    assert report(tmp_path) == 0
    assert "chrF 55.00" in capsys.readouterr().out
    assert report(tmp_path, "-o", str(tmp_path / "chart.svg")) == 0
    assert "chrF on the test split" in (tmp_path / "chart.svg").read_text(encoding="utf-8")


def test_a_verdict_that_was_not_kept_leaves_the_scores_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = Records(tmp_path)
    records.run(records.judged(None, pushed={"pushed": 0}, blessed=0))
    [event] = events(tmp_path, capsys)
    assert (event["outcome"], event["score"]) == ("blocked", None)


def test_the_table_says_all_of_it_on_one_line_each(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(workspace) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "captions: 7 runs and rollbacks"
    assert lines[2].split() == [
        "time", "(UTC)", "outcome", "version", "score", "floor", "live", "score", "why",
    ]  # fmt: skip
    assert len(lines) == 3 + 7
    assert "blocked" in lines[6]
    assert lines[6].rstrip().endswith("drop of BLEU (31+ words) is 3.25, must be at most 1")


def test_the_chart_is_an_svg_of_models_bounds_and_rollbacks(workspace: Path) -> None:
    picture = workspace / "history.svg"
    assert report(workspace, "-o", str(picture)) == 0
    root = ElementTree.fromstring(picture.read_text(encoding="utf-8"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"


def test_the_chart_is_the_same_file_for_the_same_history(workspace: Path) -> None:
    pictures = [workspace / name for name in ("a.svg", "b.svg")]
    for picture in pictures:
        assert report(workspace, "-o", str(picture)) == 0
    assert pictures[0].read_bytes() == pictures[1].read_bytes()


def test_the_chart_may_be_a_png(workspace: Path) -> None:
    picture = workspace / "history.png"
    assert report(workspace, "-o", str(picture)) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_page_holds_chart_and_table_and_escapes_every_word(workspace: Path) -> None:
    page = workspace / "history.html"
    assert report(workspace, "-o", str(page)) == 0
    text = page.read_text(encoding="utf-8")
    assert 'src="data:image/svg+xml;base64,' in text
    assert "it invents &lt;names&gt;" in text
    assert "<names>" not in text
    assert "<script" not in text
    assert text.index("not pushed") < text.index("blocked</td>")


def test_an_unknown_ending_is_refused(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(workspace, "-o", str(workspace / "history.pdf")) == 2
    assert "ends with none of .html, .svg, .png" in capsys.readouterr().err


def test_without_a_run_there_is_nothing_to_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(tmp_path) == 2
    assert capsys.readouterr().err == (
        f"nmt: No run of captions is recorded in {tmp_path}; `nmt run` makes the first one.\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_without_a_score_there_is_nothing_to_draw(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Records(tmp_path).run({}, failed="Trainer")
    assert report(tmp_path, "-o", str(tmp_path / "x.png")) == 2
    assert "has a score yet" in capsys.readouterr().err


def test_the_table_needs_neither_tfx_nor_matplotlib(workspace: Path) -> None:
    program = (
        "import sys; from pipeline.cli import main; main(sys.argv[1:]);"
        "heavy = {'tfx', 'tensorflow', 'apache_beam', 'matplotlib'} & set(sys.modules);"
        "sys.exit(' '.join(heavy) or 0)"
    )
    arguments = ["report", "--workspace", str(workspace), "--set", "name=captions"]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert (done.returncode, done.stderr) == (0, "")
