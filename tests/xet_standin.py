"""As much of Xet's store as huggingface_hub's uploads use: xorbs (chunks in a row) and shards (which chunks a file is made of).

What is checked: that a xorb's chunks unpack to the lengths they claim, that a file's chunks were sent before its shard, that the
file put together of them has the SHA-256 which the shard names. What is not: the hashes of chunks and xorbs (blake3).
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

MAGIC = b"HFRepoMetaData\0"
END = b"\xff" * 32
VERIFIED, NAMED = 1 << 31, 1 << 30


@dataclass
class Xet:
    """The store. token: what its clients must show; xorbs: the chunks of each, by its name."""

    token: str = "xet-token"
    xorbs: dict[str, list[bytes]] = field(default_factory=dict[str, list[bytes]])
    files: int = 0

    def xorb(self, name: str, body: bytes) -> None:
        """Take some chunks."""
        self.xorbs[name] = list(chunks(body))

    def shard(self, body: bytes) -> dict[str, bytes]:
        """The files that a shard tells of, by SHA-256. ValueError where their chunks are not there, or make something else."""
        found: dict[str, bytes] = {}
        if body[: len(MAGIC)] != MAGIC:
            raise ValueError("no shard")
        at = 48
        while body[at : at + 32] != END:
            flags, count = (int.from_bytes(body[at + i : at + i + 4], "little") for i in (32, 36))
            if not flags & NAMED:
                raise ValueError("a file without its SHA-256")
            at += 48
            data = b""
            for _ in range(count):
                size, first, last = (int.from_bytes(body[at + i : at + i + 4], "little") for i in (36, 40, 44))
                part = b"".join(self.xorbs[spelt(body[at : at + 32])][first:last])
                if len(part) != size:
                    raise ValueError("a part of another length")
                data += part
                at += 48
            at += 48 * count if flags & VERIFIED else 0
            sha = spelt(body[at : at + 32])
            at += 48
            if hashlib.sha256(data).hexdigest() != sha:
                raise ValueError("a file that its chunks do not make")
            found[sha] = data
        self.files += len(found)
        return found


def spelt(raw: bytes) -> str:
    """A hash as addresses have it: four numbers of eight bytes, the lowest byte first."""
    return "".join(f"{int.from_bytes(raw[i : i + 8], 'little'):016x}" for i in range(0, 32, 8))


def chunks(xorb: bytes) -> Iterator[bytes]:
    """The chunks of a xorb, unpacked; what stands behind them is left."""
    at = 0
    while at + 8 <= len(xorb) and xorb[at] == 0:
        packed, kind, size = (
            int.from_bytes(xorb[at + 1 : at + 4], "little"),
            xorb[at + 4],
            int.from_bytes(xorb[at + 5 : at + 8], "little"),
        )
        body = xorb[at + 8 : at + 8 + packed]
        data = body if kind == 0 else unpacked(body)
        if kind == 2:  # first, second, third and fourth bytes of each four, one behind the other
            ends = [0]
            for i in range(4):
                ends.append(ends[-1] + (size - i + 3) // 4)
            woven = bytearray(size)
            for i in range(4):
                woven[i::4] = data[ends[i] : ends[i + 1]]
            data = bytes(woven)
        if len(data) != size:
            raise ValueError("a chunk of another length")
        yield data
        at += 8 + packed


def unpacked(frame: bytes) -> bytes:
    """What an LZ4 frame holds."""
    if frame[:4] != b"\x04\x22\x4d\x18":
        raise ValueError("no LZ4")
    flags = frame[4]
    at = 7 + (8 if flags & 8 else 0) + (4 if flags & 1 else 0)
    out = bytearray()
    while size := int.from_bytes(frame[at : at + 4], "little"):
        at += 4
        length = size & 0x7FFFFFFF
        block = frame[at : at + length]
        at += length + (4 if flags & 16 else 0)
        if size >> 31:
            out += block
        else:
            _block(block, out)
    return bytes(out)


def _block(block: bytes, out: bytearray) -> None:
    at = 0

    def more(length: int) -> int:
        nonlocal at
        while length >= 15 and (byte := block[at]) >= 0:
            at += 1
            length += byte
            if byte < 255:
                break
        return length

    while at < len(block):
        token = block[at]
        at += 1
        literals = more(token >> 4) if token >> 4 == 15 else token >> 4
        out += block[at : at + literals]
        at += literals
        if at >= len(block):
            return
        offset = int.from_bytes(block[at : at + 2], "little")
        at += 2
        length = 4 + (more(15) if token & 15 == 15 else token & 15)
        while length:
            piece = out[len(out) - offset : len(out) - offset + length]
            out += piece
            length -= len(piece)
