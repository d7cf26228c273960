import json

import pytest

from pipeline.config.settings import load_config
from pipeline.errors import UserError
from pipeline.kubeflow.runtime_parameters import RUNTIME_PARAMETERS, applied, defaults

TRAINER = {
    "run_fn": "trainer.run_fn.run_fn",
    "custom_config": json.dumps(
        {
            "training": {"epochs": 10, "dropout": 0.2},
            "record": {
                "corpus_checksum": "old",
                "configuration": {"training": {"epochs": 10, "dropout": 0.2}},
            },
        }
    ),
}


def test_every_parameter_has_a_default():
    config = load_config("debian", ["training.epochs=7", "evaluation.min_bleu=12.5"])
    assert defaults(config, "/nmt/corpora/debian", "abc") == {
        "corpus": "/nmt/corpora/debian",
        "corpus_checksum": "abc",
        "epochs": 7,
        "min_bleu": 12.5,
        "min_chrf": -1.0,
        "max_bleu_drop": 1.0,
    }
    assert {each.name for each in RUNTIME_PARAMETERS} == defaults(config, "", "").keys()


def test_what_is_no_parameter_of_the_run_stays():
    assert applied({"seed": 1, "x": "y"}) == {"seed": 1, "x": "y"}


def example_gen_config(checksum):
    settings = {"corpus_checksum": checksum, "max_words": 200}
    return json.dumps({"custom_config": {"@type": "Struct", "value": settings}})


def test_the_corpus_is_where_example_gen_reads():
    own = {"custom_config": example_gen_config("old"), "input_base": "/old"}
    given = {**own, "corpus": "gs://bucket/corpus", "corpus_checksum": ""}
    assert applied(given) == {
        "custom_config": example_gen_config(""),
        "input_base": "gs://bucket/corpus",
    }


def test_the_epochs_are_trained_and_recorded():
    # A pipeline's specification knows floating-point numbers only.
    config = json.loads(applied({**TRAINER, "epochs": 3.0})["custom_config"])
    assert config["training"] == {"epochs": 3, "dropout": 0.2}
    assert config["record"]["configuration"]["training"] == {"epochs": 3, "dropout": 0.2}


def test_the_checksum_is_recorded_on_the_model():
    config = json.loads(applied({**TRAINER, "corpus_checksum": "new"})["custom_config"])
    assert config["record"]["corpus_checksum"] == "new"


@pytest.mark.parametrize("value", [0.0, -1.0, 2.5])
def test_a_number_of_epochs_that_is_none_is_refused(value):
    with pytest.raises(UserError, match="The run's parameter epochs is"):
        applied({**TRAINER, "epochs": value})


def test_a_floor_beyond_the_scale_is_refused():
    with pytest.raises(UserError, match="The run's parameter min_bleu is 101"):
        applied({"gate_settings": "{}", "min_bleu": 101.0})


@pytest.mark.parametrize("name", ["min_bleu", "min_chrf"])
def test_a_floor_may_be_none_and_is_still_a_number_of_the_run(name):
    config = load_config("debian", [f"evaluation.{name}=null"])
    value = defaults(config, "", "")[name]
    assert isinstance(value, float)
    given = applied({"gate_settings": json.dumps({name: 20.0}), name: value})
    assert json.loads(given["gate_settings"]) == {name: None}
    with pytest.raises(UserError, match=f"The run's parameter {name} is -2"):
        applied({"gate_settings": "{}", name: -2.0})


def test_a_new_bound_is_also_what_the_verdict_is_read_back_with():
    given = {
        "eval_config": "{}",
        "gate_settings": json.dumps({"min_bleu": 15.0, "seed": 1}),
        "min_bleu": 20.0,
    }
    assert json.loads(applied(given)["gate_settings"]) == {"min_bleu": 20.0, "seed": 1}
