"""Whole numbers as protobuf writes them: seven bits a byte, the lowest first, the last marked.

Source: https://protobuf.dev/programming-guides/encoding.
"""


def encode_varint(number: int) -> bytes:
    """Encodes a number that is not negative."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def read_varint(content: bytes, position: int) -> tuple[int, int]:
    """Returns the number that begins at a position, and the position behind it.

    Raises:
      IndexError: the content ends before the number does.
    """
    number = shift = 0
    while True:
        byte = content[position]
        position += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, position
