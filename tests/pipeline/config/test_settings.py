import time
from itertools import pairwise
from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.config.key_schema import KeySchema
from pipeline.config.settings import PipelineConfig, load_config, shipped_configs
from pipeline.errors import UserError
from text.languages import FORM
from trainer.scoring import Scoring

MINIMAL = "data:\n  corpus: mine\n  source_language: en\n  target_language: fr\n"


def _write(folder: Path, text: str, name: str = "mine.yaml") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def _refusal(source: str, *overrides: str) -> list[str]:
    with pytest.raises(UserError) as caught:
        load_config(source, overrides)
    return str(caught.value).splitlines()


def test_a_file_with_only_the_corpus_and_the_languages_is_complete(tmp_path: Path) -> None:
    config = load_config(_write(tmp_path, MINIMAL))
    assert config == PipelineConfig.model_validate(
        {
            "name": "mine",
            "data": {"corpus": "mine", "source_language": "en", "target_language": "fr"},
        }
    )


def test_a_file_without_a_name_is_called_by_its_stem(tmp_path: Path) -> None:
    assert load_config(_write(tmp_path, MINIMAL, "my-corpus.yml")).name == "my-corpus"


def test_a_stem_that_is_no_name_is_refused_and_says_where_it_came_from(tmp_path: Path) -> None:
    source = _write(tmp_path, MINIMAL, "My corpus.yaml")
    assert _refusal(source) == [
        f"{source} (a file without `name` is called by its own name): "
        'name is "My corpus", but it must be text that matches ^[a-z0-9][a-z0-9-]*$.'
    ]


def test_a_configuration_cannot_be_changed() -> None:
    config = load_config("debian")
    with pytest.raises(ValidationError, match="frozen"):
        config.training.epochs = 3  # type: ignore[misc]


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(MINIMAL, encoding="utf-8-sig")
    assert load_config(str(path)).data.corpus == "mine"


def test_the_printed_configuration_is_read_back_to_an_equal_one(tmp_path: Path) -> None:
    config = load_config("debian", ["data.target_language=no", "training.learning_rate=1e-5"])
    assert load_config(_write(tmp_path, config.as_yaml())) == config


def test_the_printed_configuration_explains_every_key() -> None:
    schema = KeySchema(PipelineConfig)
    lines = load_config("debian").as_yaml().splitlines()
    above = {line.partition(":")[0].strip(): before for before, line in pairwise(lines)}
    names = {key.rpartition(".")[2] for key in schema.keys + schema.sections}
    assert [name for name in names if "# " not in above.get(name, lines[0])] == []


def test_overrides_change_exactly_their_keys() -> None:
    changed = load_config("debian", ["training.epochs=3", "data.schema=my/schema.pbtxt", "seed=7"])
    expected = load_config("debian").model_dump()
    expected["training"]["epochs"] = 3
    expected["data"]["schema_path"] = "my/schema.pbtxt"
    expected["seed"] = 7
    assert changed.model_dump() == expected


def test_the_last_of_two_overrides_of_a_key_wins() -> None:
    assert load_config("debian", ["seed=2", "seed=3"]).seed == 3


def test_an_override_can_hold_a_list_and_equals_signs() -> None:
    config = load_config("debian", ["beam.pipeline_args=[--a=1, --b]"])
    assert config.beam.pipeline_args == ["--a=1", "--b"]


def test_an_override_may_give_what_the_file_leaves_out(tmp_path: Path) -> None:
    source = _write(tmp_path, "seed: 2\n")
    overrides = ["data.corpus=x", "data.source_language=en", "data.target_language=de"]
    assert load_config(source, overrides).data.corpus == "x"


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("training.epoch=3", "unknown key training.epoch; did you mean training.epochs?"),
        ("trainig.epochs=3", "unknown key trainig.epochs; did you mean training.epochs?"),
        ("epochs=3", "unknown key epochs; did you mean training.epochs?"),
        ("model.dropout=0", "unknown key model.dropout; did you mean training.dropout?"),
        ("seeed=3", "unknown key seeed; did you mean seed?"),
        (
            "beam.zzz=3",
            "unknown key beam.zzz; beam has the keys runner, portable, dataflow, pipeline_args.",
        ),
        ("training=3", "training is a section; set one of its keys, for example training.epochs."),
        ("training.epochs", "write it as KEY=VALUE, for example --set training.epochs=3."),
        ("=3", "write it as KEY=VALUE, for example --set training.epochs=3."),
        ("seed=[", "not valid YAML: expected the node content, but found '<stream end>'."),
        ("seed=*x", "aliases (`*name`) are not allowed."),
        (
            "training.epochs=0",
            "training.epochs is 0, but it must be a whole number of at least 1.",
        ),
        (
            "training.epochs=2.5",
            "training.epochs is 2.5, but it must be a whole number of at least 1.",
        ),
        ("seed=true", "seed is true, but it must be a whole number from 0 to 2147483647."),
        ("seed=", "seed is null, but it must be a whole number from 0 to 2147483647."),
        (
            "training.dropout=1",
            "training.dropout is 1, but it must be a number of at least 0 and less than 1.",
        ),
        (
            "training.learning_rate=fast",
            'training.learning_rate is "fast", but it must be a number greater than 0.',
        ),
        (
            "evaluation.min_bleu=101",
            "evaluation.min_bleu is 101, but it must be a number from 0 to 100 or null.",
        ),
        (
            "training.precision=double",
            'training.precision is "double", but it must be auto, float32 or bfloat16.',
        ),
        (
            "beam.runner=samza",
            'beam.runner is "samza", but it must be direct, flink, spark or dataflow.',
        ),
        (
            "beam.portable.qqq=2",
            "unknown key beam.portable.qqq; beam.portable has the keys job_endpoint, master, "
            "job_server_jar, worker_pool, worker_processes, parallelism.",
        ),
        (
            "data.corpus=2024",
            "data.corpus is 2024, but it must be text that is not empty; "
            "text that looks otherwise needs quotes: '2024'.",
        ),
        (
            "data.corpus=2024-01-31",
            'data.corpus is "2024-01-31", but it must be text that is not empty; '
            "text that looks otherwise needs quotes: '2024-01-31'.",
        ),
        (
            "training.learning_rate=.inf",
            "training.learning_rate is Infinity, but it must be a number greater than 0.",
        ),
        ("data.corpus=''", 'data.corpus is "", but it must be text that is not empty.'),
        (
            "data.schema=true",
            "data.schema is true, but it must be text that is not empty or null; "
            "text that looks otherwise needs quotes: 'true'.",
        ),
        (
            "beam.pipeline_args=--x",
            'beam.pipeline_args is "--x", but it must be a list whose items are text.',
        ),
        (
            "beam.pipeline_args=[a, 1]",
            "item 2 of beam.pipeline_args is 1, "
            "but beam.pipeline_args must be a list whose items are text; "
            "text that looks otherwise needs quotes: '1'.",
        ),
        (
            "name=Mein Modell",
            'name is "Mein Modell", but it must be text that matches ^[a-z0-9][a-z0-9-]*$.',
        ),
    ],
)
def test_a_wrong_override_is_refused_with_its_key_and_what_is_allowed(
    override: str, sentence: str
) -> None:
    assert _refusal("debian", override) == [f"--set {override}: {sentence}"]


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (
            "attention: luong_dot\n  bidirectional: false\n  attend_embeddings: false\n",
            "luong_dot needs decoder_units (512) as wide as the encoder's states (256): make them "
            "equal, switch attend_embeddings off, or choose luong_general.",
        ),
        (
            "attention: luong_dot\n  decoder_units: 256\n",
            "luong_dot needs decoder_units (256) as wide as the encoder's states (768): make them "
            "equal, switch attend_embeddings off, or choose luong_general.",
        ),
        (
            "attention: multi_head\n  attention_heads: 3\n",
            "attention_heads (3) must divide attention_units (256).",
        ),
        (
            "encoder: self_attention\n  attention_heads: 3\n",
            "attention_heads (3) must divide encoder_units (256).",
        ),
        (
            "decoder: self_attention\n  embedding_size: 256\n",
            "decoder_units (512) must equal embedding_size (256) with decoder: self_attention.",
        ),
        (
            "decoder_layers: 2\n  attention_layer: 3\n",
            "attention_layer (3) must be one of the decoder's 2 layers.",
        ),
        (
            "attention_heads: 2\n  attention_head: 3\n",
            "attention_head (3) must be one of the 2 heads.",
        ),
    ],
)
def test_sizes_that_do_not_fit_are_refused_with_their_section_and_what_to_do(
    tmp_path: Path, model: str, sentence: str
) -> None:
    source = _write(tmp_path, f"{MINIMAL}model:\n  {model}")
    assert _refusal(source) == [f"{source}, line 5: model: {sentence}"]


def test_attention_that_there_is_not_cannot_learn_to_align(tmp_path: Path) -> None:
    parts = "model:\n  attention: none\ntraining:\n  alignment_weight: 0.05\n"
    [problem] = _refusal(_write(tmp_path, f"{MINIMAL}{parts}"))
    assert problem.endswith(
        "training.alignment_weight needs attention, but model.attention is none."
    )


@pytest.mark.parametrize(
    ("attention", "sizes"),
    [
        ("bahdanau", "attention_heads: 3\n  decoder_units: 64\n"),
        ("luong_general", "decoder_units: 64\n"),
        ("luong_dot", "bidirectional: false\n  decoder_units: 512\n"),
        ("multi_head", "attention_heads: 8\n"),
        ("luong_dot", "decoder: self_attention\n  decoder_units: 256\n"),
    ],
)
def test_sizes_are_compared_only_where_they_must_fit(
    tmp_path: Path, attention: str, sizes: str
) -> None:
    source = _write(tmp_path, f"{MINIMAL}model:\n  attention: {attention}\n  {sizes}")
    assert load_config(source).model.attention == attention


def test_an_unknown_section_is_answered_with_all_that_exist() -> None:
    (line,) = _refusal("debian", "qqq.www=3")
    assert line.startswith("--set qqq.www=3: unknown key qqq.www; the keys and sections are name, ")


def test_every_problem_of_a_file_is_reported_with_its_line(tmp_path: Path) -> None:
    source = _write(
        tmp_path,
        "name: 7\n"
        "sead: 1\n"
        "data:\n"
        "  corpus: mine\n"
        "  source_language: English\n"
        "training:\n"
        "  epochs: 0\n"
        "  epoks: 3\n"
        "model: large\n"
        "decoding:\n",
    )
    assert set(_refusal(source)) == {
        f"{source}, line 1: name is 7, but it must be text that matches ^[a-z0-9][a-z0-9-]*$; "
        "text that looks otherwise needs quotes: '7'.",
        f"{source}, line 2: unknown key sead; did you mean seed?",
        f"{source}, line 5: data.source_language: 'English' is not a language code: write {FORM}.",
        f"{source}: data.target_language is missing; it must be a language code: {FORM}.",
        f"{source}, line 7: training.epochs is 0, but it must be a whole number of at least 1.",
        f"{source}, line 8: unknown key training.epoks; did you mean training.epochs?",
        f'{source}, line 9: model is "large", but it must be a section with the keys '
        f"{', '.join(_keys_of('model'))}.",
        f"{source}, line 10: decoding is null, but it must be a section with the keys "
        f"{', '.join(_keys_of('decoding'))}.",
    }


def _keys_of(section: str) -> list[str]:
    return [
        key.partition(".")[2]
        for key in KeySchema(PipelineConfig).keys
        if key.startswith(f"{section}.")
    ]


def test_an_override_below_a_broken_section_leaves_the_report_to_the_file(tmp_path: Path) -> None:
    source = _write(tmp_path, MINIMAL + "training: fast\n")
    (line,) = _refusal(source, "training.epochs=3")
    assert line.startswith(f'{source}, line 5: training is "fast", but it must be a section')


def test_problems_of_the_file_and_of_overrides_are_reported_together(tmp_path: Path) -> None:
    source = _write(tmp_path, MINIMAL + "seed: -1\n")
    override, file = _refusal(source, "training.epoch=3")
    assert override.startswith("--set training.epoch=3: unknown key")
    assert file.startswith(f"{source}, line 5: seed is -1")


def test_a_long_value_is_cut_in_the_refusal() -> None:
    (line,) = _refusal("debian", f"seed={'x' * 1000}")
    assert len(line.partition("seed is ")[2]) < 130


def test_a_repeated_key_is_refused(tmp_path: Path) -> None:
    source = _write(tmp_path, MINIMAL + "seed: 1\nseed: 2\n")
    assert _refusal(source) == [f'{source}, line 6: found duplicate key "seed"; keep one of them.']


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    source = _write(tmp_path, "")
    assert _refusal(source) == [
        f"{source}: the file is empty; `nmt config show` prints a complete one."
    ]


def test_broken_yaml_is_refused_with_its_line(tmp_path: Path) -> None:
    source = _write(tmp_path, "name: a\ndata: [\n")
    (line,) = _refusal(source)
    assert line.startswith(f"{source}, line 3: not valid YAML: ")


def test_an_unknown_name_is_answered_with_the_names_that_exist() -> None:
    assert _refusal("klingon") == [
        "There is no configuration 'klingon': give the path of a YAML file "
        f"or one of the names {', '.join(shipped_configs())}. "
        "`nmt corpus` makes one for each further corpus."
    ]


def test_a_configuration_of_the_workspace_is_found_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "configurations").mkdir()
    made = _write(tmp_path / "configurations", MINIMAL)
    assert load_config("mine", workspace=str(tmp_path)) == load_config(made)


def test_a_shipped_configuration_wins_over_one_of_the_workspace(tmp_path: Path) -> None:
    (tmp_path / "configurations").mkdir()
    _write(tmp_path / "configurations", MINIMAL, "debian.yaml")
    assert load_config("debian", workspace=str(tmp_path)) == load_config("debian")


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    (line,) = _refusal(str(tmp_path))
    assert line.startswith(f"{str(tmp_path)!r} is a folder: ")


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes("name: für\n".encode("latin-1"))
    assert _refusal(str(path)) == [f"{path} is not UTF-8 text: save it as UTF-8."]


def test_a_name_that_no_file_can_have_is_refused() -> None:
    assert _refusal("a\0b") == ["'a\\x00b' cannot be read: embedded null byte."]


@pytest.mark.parametrize("content", ["# " + "x" * 50_000_000, "k: 1\n" * 200_000])
def test_a_file_that_is_no_configuration_is_refused_by_its_size(tmp_path, content):
    path = tmp_path / "large.yaml"
    path.write_text(content, encoding="utf-8")
    started = time.monotonic()
    with pytest.raises(UserError, match="is larger than 128 KiB, so it is no configuration"):
        load_config(str(path))
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    ("code", "tag"), [("zh_CN", "zh-CN"), ("pt-br", "pt-BR"), ("sr@latin", "sr-Latn")]
)
def test_a_language_may_be_written_as_debian_and_posix_write_it(code: str, tag: str) -> None:
    assert load_config("debian", [f"data.target_language={code}"]).data.target_language == tag


@pytest.mark.parametrize("code", ["English", "../../x"])
def test_what_is_no_language_code_is_refused_with_what_one_looks_like(code: str) -> None:
    (line,) = _refusal("debian", f"data.target_language={code}")
    place = f"--set data.target_language={code}: data.target_language"
    assert line == f"{place}: {code!r} is not a language code: write {FORM}."


@pytest.mark.parametrize(
    ("overrides", "tokeniser"),
    [
        ([], "13a"),
        (["data.target_language=zh_TW"], "zh"),
        (["data.target_language=th", "evaluation.tokeniser=flores200"], "flores200"),
    ],
)
def test_the_score_is_by_the_tokeniser_of_the_target_language_or_the_chosen_one(
    overrides: list[str], tokeniser: str
) -> None:
    assert load_config("debian", overrides).scoring == Scoring("bleu", tokeniser)


def test_chrf_needs_a_floor_to_judge() -> None:
    (line,) = _refusal("debian", "evaluation.metric=chrf")
    assert "evaluation: metric is chrf, so min_chrf must be set: the lowest chrF" in line
    chosen = load_config("debian", ["evaluation.metric=chrf", "evaluation.min_chrf=45"])
    assert chosen.scoring.metric == "chrf"
