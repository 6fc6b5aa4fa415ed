"""Texts as the history keeps them: compressed."""

import codecs
import zlib

_PIECE = 1 << 20  # bytes that are unpacked at once


def packed(text: str) -> bytes:
    """The text as a column keeps it."""
    return zlib.compress(text.encode())


def unpacked(data: "bytes | memoryview[int]", longest: int) -> str:
    """The text; of one with more than `longest` characters one more than that.

    So little data that hold a very long text cost no more. Raises ValueError for what is no packed
    text, or not a whole one.
    """
    try:
        return _beginning(data, longest)
    except (zlib.error, TypeError) as error:
        raise ValueError(str(error)) from error


def _beginning(data: "bytes | memoryview[int]", longest: int) -> str:
    unpacking = zlib.decompressobj()
    decoder = codecs.getincrementaldecoder("utf-8")()
    parts: list[str] = []
    length = 0
    while length <= longest and not unpacking.eof:
        piece = unpacking.decompress(data, _PIECE)
        data = unpacking.unconsumed_tail
        if not (piece or data or unpacking.eof):
            raise ValueError("its end is missing")
        parts.append(decoder.decode(piece, final=unpacking.eof))
        length += len(parts[-1])
    return "".join(parts)[: longest + 1]
