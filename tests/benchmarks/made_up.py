"""Made-up systems with realistic records, without training."""

from benchmarks.common.systems import Epoch, System


def made_up_history(*, epochs: int = 3, steps: int = 100, seconds: float = 20.0) -> list[Epoch]:
    return [
        Epoch(
            epoch=number,
            step=steps * number,
            seconds=seconds,
            validation_seconds=seconds / 10,
            train_loss=5.0 / number,
            validation_loss=4.0 / number,
            validation_bleu=10.0 * number,
        )
        for number in range(1, epochs + 1)
    ]


def made_up_system(name: str, *, parameters: int = 4_694_128, **history: float) -> System:
    return System(
        name=name,
        export="nowhere",
        card={"machine": "CPU, bfloat16"},
        history=tuple(made_up_history(**history)),  # type: ignore[arg-type]
        parameters=parameters,
    )
