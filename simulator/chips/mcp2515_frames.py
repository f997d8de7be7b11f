"""How the MCP2515 lays a frame into a buffer, and how its filters choose (data sheet 3.2, 4.5, registers
3-3 to 4-16).

```
base+1 SIDH  SID 10..3
base+2 SIDL  SID 2..0, 0, (SRR | EXIDE), 0, EID 17..16
base+3 EID8  EID 15..8        base+4 EID0  EID 7..0
base+5 DLC   0, RTR (extended), 0, 0, length
base+6 ...   data
```

A frame is (arbitration_id, is_extended, is_remote, data).
"""


def buffer_start(base, is_data):
    """Where a READ RX BUFFER instruction begins: at the identifier or at the data."""
    return base + (6 if is_data else 1)


def identifier_at(r, at):
    """29 bits of a filter or mask: SID, EID 17..16, EID 15..8, EID 7..0."""
    return (r[at] << 3 | r[at + 1] >> 5) << 18 | (r[at + 1] & 3) << 16 | r[at + 2] << 8 | r[at + 3]


def frame_at(r, base):
    """The frame in a transmit buffer."""
    remote = r[base + 5] & 0x40 != 0
    length = min(r[base + 5] & 0x0F, 8)
    extended = r[base + 2] & 0x08 != 0
    identifier = identifier_at(r, base + 1)
    if not extended:
        identifier >>= 18
    data = b"" if remote else bytes(r[base + 6 : base + 6 + length])
    return identifier, extended, remote, data


def put_frame(r, base, frame):
    """Lay a frame into a receive buffer."""
    identifier, extended, remote, data = frame
    base_id = identifier >> 18 if extended else identifier
    r[base + 1] = base_id >> 3
    r[base + 2] = (base_id & 7) << 5
    r[base + 3] = r[base + 4] = 0
    if extended:
        r[base + 2] |= 0x08 | (identifier >> 16) & 3
        r[base + 3] = (identifier >> 8) & 0xFF
        r[base + 4] = identifier & 0xFF
    elif remote:
        r[base + 2] |= 0x10
    r[base + 5] = len(data) | (0x40 if remote and extended else 0)
    for i in range(8):
        r[base + 6 + i] = data[i] if i < len(data) else 0


def matches(r, frame, at, mask):
    """Does the filter at register `at`, under the mask at register `mask`, take a frame?"""
    identifier, extended, _, data = frame
    if bool(r[at + 1] & 0x08) != bool(extended):
        return False
    wanted = identifier_at(r, at)
    mask_bits = identifier_at(r, mask)
    if extended:
        return (identifier ^ wanted) & mask_bits == 0
    if (identifier ^ wanted >> 18) & mask_bits >> 18:
        return False
    # 4.5.1: for a standard frame the lower 16 bits of mask and filter apply to its first two data bytes.
    first = data[0] if len(data) > 0 else 0
    second = data[1] if len(data) > 1 else 0
    return ((first << 8 | second) ^ wanted) & mask_bits & 0xFFFF == 0
