import copy

import pytest

from pipeline.kubeflow.linter import problems

SOUND = {
    "schemaVersion": "2.1.0",
    "pipelineInfo": {"name": "nmt"},
    "root": {
        "inputDefinitions": {"parameters": {"corpus": {"parameterType": "STRING"}}},
        "dag": {
            "tasks": {
                "Trainer": {
                    "componentRef": {"name": "Trainer"},
                    "inputs": {
                        "parameters": {
                            "corpus": {"componentInputParameter": "corpus"},
                            "seed": {"runtimeValue": {"constant": 1}},
                        }
                    },
                }
            }
        },
    },
    "components": {"Trainer": {"executorLabel": "Trainer_executor"}},
    "deploymentSpec": {
        "executors": {
            "Trainer_executor": {
                "container": {
                    "image": "nmt",
                    "resources": {"accelerator": {"resourceType": "nvidia.com/gpu"}},
                }
            }
        }
    },
}


def task(specification):
    return specification["root"]["dag"]["tasks"]["Trainer"]


def executors(specification):
    return specification["deploymentSpec"]["executors"]


def container(specification):
    return executors(specification)["Trainer_executor"]["container"]


FAULTS = {
    "a resolver node": (
        lambda it: executors(it).update(Latest={"resolver": {}}),
        "Latest is a resolver node",
    ),
    "a condition": (
        lambda it: task(it).update(triggerPolicy={"condition": "true"}),
        "Trainer is a task with a condition",
    ),
    "an importer with a condition": (
        lambda it: (
            executors(it).update(Trainer_executor={"importer": {}}),
            task(it).update(triggerPolicy={"condition": "true"}),
        ),
        "Trainer is an importer with a condition",
    ),
    "a custom job": (
        lambda it: executors(it).update(Job={"customJob": {}}),
        "Job is a custom job of the managed service",
    ),
    "an executor without anything": (
        lambda it: executors(it).update(Empty={}),
        "Empty has no container",
    ),
    "a driver": (
        lambda it: container(it).update(lifecycle={"preCacheCheck": {}}),
        "Trainer_executor has a lifecycle hook",
    ),
    "an accelerator of the managed service": (
        lambda it: container(it).update(
            resources={"accelerator": {"type": "NVIDIA_TESLA_T4", "count": "1"}}
        ),
        "asks for the accelerator 'NVIDIA_TESLA_T4'",
    ),
    "a runtime configuration": (
        lambda it: it.update(runtimeConfig={"gcsOutputDirectory": "gs://x"}),
        "The field runtimeConfig belongs to the managed service",
    ),
    "a job of the managed service": (
        lambda it: it.update(pipelineSpec={}),
        "It is a PipelineJob",
    ),
    "the old schema": (
        lambda it: it.update(schemaVersion="2.0.0"),
        "The schema version is 2.0.0, not 2.1.0",
    ),
    "a name with capitals": (
        lambda it: it.update(pipelineInfo={"name": "NMT"}),
        "The pipeline's name 'NMT'",
    ),
    "no root": (lambda it: it.pop("root"), "It has no root"),
    "a missing executor": (
        lambda it: executors(it).clear(),
        "names the executor Trainer_executor, which is missing",
    ),
    "an exit handler": (
        lambda it: task(it)["inputs"]["parameters"].update(
            status={"taskFinalStatus": {"producerTask": "x"}}
        ),
        "Trainer asks for the final status",
    ),
    "a parameter of schema 2.0": (
        lambda it: task(it)["inputs"]["parameters"].update(
            epochs={"runtimeValue": {"runtimeParameter": "epochs"}}
        ),
        "Trainer.epochs is a runtime parameter in the notation of schema 2.0",
    ),
    "a parameter that the root lacks": (
        lambda it: task(it)["inputs"]["parameters"].update(
            epochs={"componentInputParameter": "epochs"}
        ),
        "Trainer.epochs wants the parameter epochs, which the root lacks",
    ),
}


def test_a_sound_pipeline_has_no_problem():
    assert problems(SOUND) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_and_nothing_else(fault):
    spoil, sentence = FAULTS[fault]
    specification = copy.deepcopy(SOUND)
    spoil(specification)
    found = problems(specification)
    assert len(found) == 1, found
    assert sentence in found[0]
