"""The whole gate: real runs of LiveModel, the stock Evaluator and the stock Pusher on ML Metadata.

A history of runs on one serving directory is made once for the module; each test checks one aspect.
The candidates are tiny SavedModels with a table of translations.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
import sacrebleu
import tensorflow as tf
from tfx.orchestration.beam.beam_dag_runner import BeamDagRunner

from components.gate.recording_evaluator import MissingFeatureError
from components.gate.settings import GateSettings
from components.gate.verdict import Verdict
from serving.versions.directory import fingerprint
from tests.components.gate.gate_world import Example, Run, World

SETTINGS = GateSettings(min_bleu=10, bootstrap_resamples=200, min_slice_sentences=15, seed=7)
SHORT, LONG = "01-10", "11-20"
SENTENCE = "ein kleiner Hund läuft heute sehr schnell über die große grüne Wiese am Fluss"

pytestmark = pytest.mark.slow


def corpus() -> list[Example]:
    """Returns 40 sentences of 8 words and 20 of 12; 20 of the short ones have the domain law."""
    examples = []
    all_words = SENTENCE.split()
    for number in range(60):
        bucket, length = (SHORT, 8) if number % 3 else (LONG, 12)
        turn = number % len(all_words)
        words = (all_words[turn:] + all_words[:turn])[: length - 1]
        target = " ".join([*words, str(number)])
        domain = "law" if number % 3 == 1 else "news"
        examples.append(Example(f"sentence {number}", target, bucket, domain))
    return examples


def spoiled(share: dict[str, float]) -> dict[str, str]:
    """Returns a translation table; in a share of each bucket, half of each translation is wrong."""
    table = {}
    for bucket in (SHORT, LONG):
        members = [example for example in corpus() if example.bucket == bucket]
        for rank, example in enumerate(members):
            is_spoiled = rank < share[bucket] * len(members)
            table[example.source] = half(example.target) if is_spoiled else example.target
    return table


def half(target: str) -> str:
    words = target.split()
    words[len(words) // 2 :] = ["falsch"] * (len(words) - len(words) // 2)
    return " ".join(words)


class TableModel(tf.Module):
    """Translates by looking up the whole sentence."""

    def __init__(self, table: dict[str, str]) -> None:
        super().__init__()
        entries = tf.lookup.KeyValueTensorInitializer(list(table), list(table.values()))
        self.table = tf.lookup.StaticHashTable(entries, default_value="")

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        features = {"source": tf.io.FixedLenFeature([], tf.string)}
        source = tf.io.parse_example(examples, features)["source"]
        return {"translation": self.table.lookup(source)[:, tf.newaxis]}


def write_model(folder: Path, table: dict[str, str]) -> str:
    model = TableModel(table)
    signatures = {"serve_examples": model.serve_examples}
    tf.saved_model.save(model, str(folder / "Format-Serving"), signatures=signatures)
    return str(folder)


# Shares of spoiled sentences, short and long. `lopsided` is better than `better` over all.
CANDIDATES = {
    "first": {SHORT: 0.5, LONG: 0.5},
    "worse": {SHORT: 0.9, LONG: 0.9},
    "better": {SHORT: 0.5, LONG: 0.25},
    "lopsided": {SHORT: 0.0, LONG: 0.5},
    "useless": {SHORT: 1.0, LONG: 1.0},
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("models")
    return {name: write_model(root / name, spoiled(share)) for name, share in CANDIDATES.items()}


@pytest.fixture(scope="module")
def history(models: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    world = World(tmp_path_factory.mktemp("gate"), SETTINGS, corpus())
    runs = {
        "first": world.run(models["first"]),
        "first again": world.run(models["first"]),
        "worse": world.run(models["worse"]),
    }
    corrupt = world.serving / "999999999999"
    (corrupt / "variables").mkdir(parents=True)
    (corrupt / "saved_model.pb").write_bytes(b"half of a graph")
    (corrupt / "variables" / "variables.index").write_bytes(b"index")
    (corrupt / "variables" / "variables.data-00000-of-00001").write_bytes(b"weights")
    (world.serving / "notes.txt").write_text("not a version", encoding="utf-8")
    runs["better"] = world.run(models["better"], BeamDagRunner)
    runs["better again"] = world.run(models["better"], BeamDagRunner)
    runs["lopsided"] = world.run(models["lopsided"])
    return runs


def content(models: dict[str, str], name: str) -> str:
    return fingerprint(Path(models[name]) / "Format-Serving")


def failed(run: Run) -> set[tuple[str, str]]:
    return {(check.metric, check.slice) for check in run.verdict.failures}


def test_the_first_model_has_no_baseline(history: dict[str, Run]) -> None:
    assert (history["first"].baseline, history["first"].verdict.has_baseline) == (None, False)


def test_the_first_model_is_held_against_the_floor_alone(history: dict[str, Run]) -> None:
    [check] = history["first"].verdict.checks
    assert (check.metric, check.slice, check.bound, check.passed) == ("bleu", "overall", 10, True)


def test_a_blessed_model_is_pushed(history: dict[str, Run]) -> None:
    assert (history["first"].verdict.blessed, history["first"].pushed) == (True, 1)


@pytest.mark.parametrize("run", ["first again", "better again"])
def test_a_second_run_with_nothing_changed_is_answered_from_the_cache(
    history: dict[str, Run], run: str
) -> None:
    states = {
        node: history[run].states[node] for node in ("LiveModel", "RecordingEvaluator", "Pusher")
    }
    assert states == dict.fromkeys(states, "CACHED")


@pytest.mark.parametrize("run", ["first again", "better again"])
def test_nothing_is_pushed_twice(history: dict[str, Run], run: str) -> None:
    assert history[run].pushed == 0


def test_the_baseline_is_what_is_live(history: dict[str, Run], models: dict[str, str]) -> None:
    assert history["worse"].baseline == content(models, "first")


def test_a_worse_model_is_blocked(history: dict[str, Run]) -> None:
    assert (history["worse"].verdict.blessed, history["worse"].pushed) == (False, 0)


def test_the_verdict_names_every_reason(history: dict[str, Run]) -> None:
    assert failed(history["worse"]) == {
        (metric, where)
        for metric, where in (
            ("bleu_drop", "overall"),
            ("bleu_drop_p_value", "overall"),
            ("bleu_drop_p_value", "length_bucket=01-10"),
            ("bleu_drop_p_value", "length_bucket=11-20"),
        )
    }


def test_corrupt_and_foreign_versions_are_passed_over(
    history: dict[str, Run], models: dict[str, str]
) -> None:
    assert history["better"].baseline == content(models, "first")


def test_a_better_model_is_pushed(history: dict[str, Run]) -> None:
    assert (history["better"].verdict.blessed, history["better"].pushed) == (True, 1)


def test_the_pushed_model_becomes_the_next_baseline(
    history: dict[str, Run], models: dict[str, str]
) -> None:
    assert history["lopsided"].baseline == content(models, "better")


def test_a_model_that_is_better_over_all_and_worse_in_one_bucket_is_blocked(
    history: dict[str, Run],
) -> None:
    bucket = "length_bucket=11-20"
    overall = history["lopsided"].verdict.metrics["overall"]["candidate"]
    assert overall["bleu_drop"] < 0
    assert failed(history["lopsided"]) == {("bleu_drop_p_value", bucket)}
    assert history["lopsided"].pushed == 0


def test_the_verdict_says_where_such_a_model_collapsed(history: dict[str, Run]) -> None:
    verdict = history["lopsided"].verdict
    models = verdict.metrics["length_bucket=11-20"]
    [reason] = verdict.reasons
    assert reason.startswith("p-value of the drop (11–20 words) is 0.0")
    assert f"BLEU was {models['baseline']['bleu']:.2f}" in reason
    assert f"and is {models['candidate']['bleu']:.2f}" in reason
    assert verdict.difference is not None
    assert verdict.difference.outcome == "improved"


def test_a_better_model_is_said_to_be_improved(history: dict[str, Run]) -> None:
    difference = history["better"].verdict.difference
    assert difference is not None
    assert (difference.outcome, difference.low > 0) == ("improved", True)


def test_a_worse_model_is_said_to_be_worse(history: dict[str, Run]) -> None:
    difference = history["worse"].verdict.difference
    assert difference is not None
    assert (difference.outcome, difference.high < 0) == ("worse", True)


@pytest.mark.parametrize("run", ["first", "worse", "lopsided"])
def test_the_evaluation_holds_the_verdict_as_it_is_read_back(
    history: dict[str, Run], run: str
) -> None:
    assert Verdict.model_validate_json(history[run].recorded) == history[run].verdict


def test_the_blessing_has_every_check_as_a_property(history: dict[str, Run]) -> None:
    run = history["lopsided"]
    for check in run.verdict.checks:
        text = str(run.properties[f"check {check.metric} ({check.slice})"])
        assert text.startswith("pass" if check.passed else "FAIL")
    assert run.properties["outcome"] == "improved"
    assert str(run.properties["reasons"]).count("must be at least") == 1
    assert run.properties["blessed"] == 0


def test_what_the_evaluator_decided_is_what_the_checks_say(history: dict[str, Run]) -> None:
    for run in history.values():
        assert run.verdict.problems == ()
        assert run.verdict.blessed == (not run.verdict.failures)


def test_the_scores_are_those_of_sacrebleu(history: dict[str, Run]) -> None:
    table = spoiled(CANDIDATES["worse"])
    hypotheses = [table[example.source] for example in corpus()]
    references = [example.target for example in corpus()]
    numbers = history["worse"].verdict.metrics["overall"]["candidate"]
    assert numbers["bleu"] == sacrebleu.corpus_bleu(hypotheses, [references]).score
    assert numbers["chrf"] == sacrebleu.corpus_chrf(hypotheses, [references]).score


def world(folder: Path, **changes: object) -> World:
    return World(folder, SETTINGS.model_copy(update=changes), corpus())


def test_a_first_model_below_the_floor_is_blocked(models: dict[str, str], tmp_path: Path) -> None:
    run = world(tmp_path, min_bleu=99.0).run(models["useless"])
    assert (run.verdict.blessed, run.pushed, failed(run)) == (False, 0, {("bleu", "overall")})


def test_a_bucket_with_too_few_sentences_does_not_count(
    models: dict[str, str], tmp_path: Path
) -> None:
    small = world(tmp_path, min_slice_sentences=21)
    small.run(models["better"])
    run = small.run(models["lopsided"])
    assert (run.verdict.blessed, run.verdict.unjudged) == (True, {"length_bucket=11-20": 20})


def test_an_improvement_is_demanded_where_the_configuration_says_so(
    models: dict[str, str], tmp_path: Path
) -> None:
    demanding = world(tmp_path, require_improvement=True)
    first = demanding.run(models["first"])
    same = demanding.run(write_model(tmp_path / "same", spoiled(CANDIDATES["first"])))
    better = demanding.run(models["better"])
    assert [run.pushed for run in (first, same, better)] == [1, 0, 1]
    assert failed(same) == {("bleu_gain_p_value", "overall")}


def test_a_model_that_collapses_in_one_domain_is_blocked_and_the_domain_is_named(
    models: dict[str, str], tmp_path: Path
) -> None:
    sliced = world(tmp_path, slice_features=("domain",))
    first = sliced.run(models["first"])
    lawless = {
        example.source: half(example.target) if example.domain == "law" else example.target
        for example in corpus()
    }
    run = sliced.run(write_model(tmp_path / "lawless", lawless))
    overall = run.verdict.metrics["overall"]["candidate"]
    assert (first.pushed, run.pushed, overall["bleu_drop"] < 0) == (1, 0, True)
    assert failed(run) == {("bleu_drop_p_value", "domain=law")}
    assert [check.slice for check in run.verdict.checks if check.slice.startswith("domain=")] == [
        "domain=law",
        "domain=news",
    ]
    assert run.verdict.reasons[0].startswith("p-value of the drop (domain=law) is 0.0")


def test_a_feature_that_no_test_sentence_has_ends_the_evaluation(
    models: dict[str, str], tmp_path: Path
) -> None:
    asking = world(tmp_path, slice_features=("genre",))
    with pytest.raises(MissingFeatureError, match="No test sentence has the feature genre"):
        asking.run(models["first"])
    assert asking.served() == []


def interface() -> list[Example]:
    """Returns 40 strings of two words, as menus have them."""
    verbs = {"open": "Öffne", "save": "Sichere", "close": "Schließe", "print": "Drucke"}
    things = ("Datei", "Seite", "Tabelle", "Auswahl", "Ansicht", "Liste", "Zeile", "Spalte")
    return [
        Example(f"{verb} {number}", f"{verbs[verb]} {things[number]}", SHORT)
        for verb in verbs
        for number in range(len(things))
    ]


def chinese() -> list[Example]:
    """Returns 48 sentences without spaces."""
    places = ("今天", "在家里", "在河边", "在公园里")
    ones, others = ("安静的猫", "大的农民", "小的马", "红色的鸟"), ("老的狗", "快乐的孩子", "医生")
    return [
        Example(f"{place} {one} {other}", f"{places[place]}，{first}看见{second}。", SHORT)
        for place in range(len(places))
        for one, first in enumerate(ones)
        for other, second in enumerate(others)
    ]


def translating(examples: list[Example], wrong: str, every: int = 1) -> dict[str, str]:
    """Returns a translation table with one wrong answer for one of so many sentences."""
    return {
        example.source: example.target if place % every else wrong
        for place, example in enumerate(examples)
    }


@pytest.fixture
def run_all(tmp_path: Path) -> Callable[..., list[Run]]:
    def run(
        examples: list[Example], settings: dict[str, object], *tables: dict[str, str]
    ) -> list[Run]:
        there = World(tmp_path, SETTINGS.model_copy(update=settings), examples)
        return [
            there.run(write_model(tmp_path / str(place), table))
            for place, table in enumerate(tables)
        ]

    return run


def test_chrf_judges_strings_of_two_words_and_rubbish_is_blocked(
    run_all: Callable[..., list[Run]],
) -> None:
    texts = interface()
    perfect = {each.source: each.target for each in texts}
    rubbish = translating(texts, "die der")
    floors = {"min_bleu": 0, "min_chrf": 40}
    first, good, bad = run_all(texts, floors, rubbish, perfect, rubbish)
    assert [run.verdict.blessed for run in (first, good, bad)] == [False, True, False]
    assert [run.pushed for run in (first, good, bad)] == [0, 1, 0]
    assert {run.verdict.metric for run in (first, good, bad)} == {"chrf"}
    assert "the references have 2.0 tokens (13a) on the average, fewer than 5" in good.verdict.rule
    assert failed(first) == {("chrf", "overall")}
    assert {("chrf_drop", "overall"), ("chrf_drop_p_value", f"length_bucket={SHORT}")} <= failed(
        bad
    )
    assert good.properties["chrf"] == 100
    assert str(bad.properties["chrf_difference"]).startswith("-")


@pytest.mark.parametrize(
    ("texts", "floors", "metric", "name"),
    [
        (interface(), {"min_bleu": 0}, "chrf", "chrF"),
        (corpus(), {"min_bleu": None, "min_chrf": 0}, "bleu", "BLEU"),
    ],
)
def test_without_a_floor_for_the_metric_in_use_even_a_perfect_model_is_blocked(
    run_all: Callable[..., list[Run]],
    texts: list[Example],
    floors: dict[str, float | None],
    metric: str,
    name: str,
) -> None:
    [run] = run_all(texts, floors, {each.source: each.target for each in texts})
    assert (run.verdict.blessed, run.pushed, run.properties["blessed"]) == (False, 0, 0)
    [reason] = run.verdict.reasons
    assert reason.startswith(
        f"{name} judges and has no floor: set evaluation.min_{metric}, below the 100"
    )


def test_an_untrained_chinese_model_is_blocked_and_a_trained_one_is_not(
    run_all: Callable[..., list[Run]],
) -> None:
    texts = chinese()
    # What models write after an epoch: the most frequent characters.
    untrained, trained = translating(texts, "的的，看见。"), translating(texts, "老的狗。", 6)
    settings = {"tokeniser": "zh", "min_bleu": 15}
    first, good, bad = run_all(texts, settings, untrained, trained, untrained)
    assert [run.pushed for run in (first, good, bad)] == [0, 1, 0]
    assert failed(first) == {("bleu", "overall")}
    assert {("bleu", "overall"), ("bleu_drop", "overall")} <= failed(bad)
    assert good.verdict.metrics["overall"]["candidate"]["bleu"] > 60
    assert "|tok:zh|" in good.verdict.signatures["bleu"]
    references = [example.target for example in texts]
    expected = sacrebleu.corpus_bleu(
        [trained[example.source] for example in texts], [references], tokenize="zh"
    )
    assert good.verdict.metrics["overall"]["candidate"]["bleu"] == expected.score


def test_a_bleu_of_0_is_blocked_even_without_a_floor(run_all: Callable[..., list[Run]]) -> None:
    [run] = run_all(corpus(), {"min_bleu": 0}, translating(corpus(), "x y z x y z"))
    assert (run.verdict.blessed, run.pushed) == (False, 0)
    [reason] = run.verdict.reasons
    assert reason.startswith("BLEU is 0, so there is nothing to judge by")
