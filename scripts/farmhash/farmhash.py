"""The two FarmHash fingerprints needed by TensorFlow Data Validation, without a compiler.

The package pyfarmhash is published for Linux as C++ source only, and this project must install on
systems without a compiler. Here the 64-bit fingerprint is TensorFlow's, and the 32-bit one is
written in Python. Both give the values of pyfarmhash for every string.

Source of the 32-bit algorithm: FarmHash 1.1, Google, farmhashmk::Hash32.
"""

import struct

_MASK = 0xFFFFFFFF
_FACTOR_1 = 0xCC9E2D51
_FACTOR_2 = 0x1B873593
_BLOCK = 20


def fingerprint64(text: str) -> int:
    """Returns the 64-bit FarmHash fingerprint of a string's UTF-8 bytes, as an unsigned number."""
    import tensorflow as tf  # takes two seconds; the other function does not need it

    with tf.init_scope():
        digest = tf.fingerprint([text.encode("utf-8")], method="farmhash64")
    return int.from_bytes(bytes(digest.numpy()[0]), "little")


def fingerprint32(text: str) -> int:
    """Returns the 32-bit FarmHash fingerprint of a string's UTF-8 bytes, as an unsigned number."""
    data = text.encode("utf-8")
    if len(data) <= 4:
        return _hash_up_to_4_bytes(data)
    if len(data) <= 12:
        return _hash_5_to_12_bytes(data)
    if len(data) <= 24:
        return _hash_13_to_24_bytes(data)
    return _hash_long(data)


def _word(data: bytes, offset: int) -> int:
    value: int = struct.unpack_from("<I", data, offset)[0]
    return value


def _rotate(value: int, bits: int) -> int:
    value &= _MASK
    return (value >> bits | value << (32 - bits)) & _MASK


def _scramble(value: int) -> int:
    return _rotate(value * _FACTOR_1, 17) * _FACTOR_2 & _MASK


def _combine(value: int, state: int) -> int:
    return (_rotate((state & _MASK) ^ _scramble(value), 19) * 5 + 0xE6546B64) & _MASK


def _finish(state: int) -> int:
    state ^= state >> 16
    state = state * 0x85EBCA6B & _MASK
    state ^= state >> 13
    state = state * 0xC2B2AE35 & _MASK
    return state ^ state >> 16


def _hash_up_to_4_bytes(data: bytes) -> int:
    polynomial, parity = 0, 9
    for byte in struct.unpack(f"{len(data)}b", data):  # signed, as in the original
        polynomial = (polynomial * _FACTOR_1 + byte) & _MASK
        parity ^= polynomial
    return _finish(_combine(polynomial, _combine(len(data), parity)))


def _hash_5_to_12_bytes(data: bytes) -> int:
    length = len(data)
    state = _combine(length + _word(data, 0), length * 5)
    state = _combine(length * 5 + _word(data, length - 4), state)
    return _finish(_combine(9 + _word(data, length >> 1 & 4), state))


def _hash_13_to_24_bytes(data: bytes) -> int:
    length, middle = len(data), len(data) >> 1
    last = _word(data, length - 4)
    mixed = _rotate(_word(data, middle - 4), 12) + last
    state = _combine(_word(data, length - 8), _word(data, middle) * _FACTOR_1 + length) + mixed
    mixed = _rotate(mixed, 3) + _word(data, length - 8)
    state = _combine(_word(data, 0), state) + mixed
    mixed = _rotate(mixed + last, 12) + _word(data, middle)
    return _finish(_combine(_word(data, 4), state) + mixed & _MASK)


def _hash_long(data: bytes) -> int:
    length = len(data)
    first = _combine(_word(data, length - 16), _combine(_word(data, length - 4), length))
    second = _combine(
        _word(data, length - 12), _combine(_word(data, length - 8), length * _FACTOR_1)
    )
    third = _rotate(length * _FACTOR_1 + _scramble(_word(data, length - 20)), 19) + 113
    for offset in range(0, (length - 1) // _BLOCK * _BLOCK, _BLOCK):
        a, b, c, d, e = struct.unpack_from("<5I", data, offset)
        first, second, third = first + a, second + b, third + c
        first = _combine(d, first) + e
        second = _combine(c, second) + a
        third = _combine(b + e * _FACTOR_1, third) + d
        third += second
        second += third
    second = _rotate(_rotate(second, 11) * _FACTOR_1, 17) * _FACTOR_1
    third = _rotate(_rotate(third, 11) * _FACTOR_1, 17) * _FACTOR_1
    for other in (second, third):
        first = _rotate(_rotate(first + other, 19) * 5 + 0xE6546B64, 17) * _FACTOR_1
    return first & _MASK
