"""Encodes and decodes protobuf's integers: seven bits per byte, the lowest first, the last marked.

Source: https://protobuf.dev/programming-guides/encoding.
"""


def encode_varint(number: int) -> bytes:
    """Encodes a non-negative number."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def read_varint(content: bytes, position: int) -> tuple[int, int]:
    """Returns the number at a position, and the position after it.

    Raises:
      IndexError: the content ends within the number.
    """
    number = shift = 0
    while True:
        byte = content[position]
        position += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, position
