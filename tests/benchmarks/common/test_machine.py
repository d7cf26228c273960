from benchmarks.common.machine import describe_processor

INFORMATION = """\
processor\t: 0
model name\t: AMD EPYC
flags\t\t: fpu avx2 avx512f avx512_bf16

processor\t: 1
model name\t: AMD EPYC
flags\t\t: fpu avx2 avx512f avx512_bf16
"""


def test_a_machine_is_its_cores_its_processor_and_its_fast_number_types() -> None:
    assert describe_processor(2, INFORMATION) == "2 cores, AMD EPYC, avx512_bf16"


def test_a_machine_without_such_information_is_described_all_the_same() -> None:
    assert describe_processor(1, "") == "1 core, unknown processor"
