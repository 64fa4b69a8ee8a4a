"""BSON as the Python client of vitess reads and writes it; what that client refuses is refused here.

Python 2's `str` is `bytes` here and travels as Binary 0x05, its `unicode` is `str` and travels as String 0x02.
Integers are int32 if they fit, else int64, else Go's unsigned 0x3F; booleans are int32.
"""
import datetime
import struct

EPOCH = datetime.datetime(1970, 1, 1)


class Refused(Exception):
    """Bytes or values that the original would not take."""


class Kinds(list):
    """The kind byte of each member of the last document, for cases that look at them."""


# ---------------------------------------------------------------- encoding
def dumps(document):
    """One document."""
    return _document((key, value) for key, value in document.items())


def _document(members):
    body = b''.join(_element(key, value) for key, value in members)
    return struct.pack('<i', len(body) + 5) + body + b'\0'


def _element(key, value):
    name = (key if isinstance(key, bytes) else key.encode()) + b'\0'
    kind, body = _value(value)
    return bytes([kind]) + name + body


def _value(value):
    if value is None:
        return 0x0A, b''
    if isinstance(value, bytes):
        return 0x05, struct.pack('<iB', len(value), 0) + value
    if isinstance(value, str):
        text = value.encode() + b'\0'
        return 0x02, struct.pack('<i', len(text)) + text
    if isinstance(value, int):                                  # booleans too
        return _integer(int(value))
    if isinstance(value, float):
        return 0x01, struct.pack('<d', value)
    if isinstance(value, datetime.datetime):
        return 0x09, struct.pack('<q', (value - EPOCH) // datetime.timedelta(milliseconds=1))
    if isinstance(value, (list, tuple)):
        return 0x04, _document((str(i), item) for i, item in enumerate(value))
    if isinstance(value, dict):
        return 0x03, dumps(value)
    raise Refused('cannot encode %r' % (value,))


def _integer(value):
    if -1 << 31 <= value < 1 << 31:
        return 0x10, struct.pack('<i', value)
    if -1 << 63 <= value < 1 << 63:
        return 0x12, struct.pack('<q', value)
    if value < 1 << 64:
        return 0x3F, struct.pack('<Q', value)
    raise Refused('%d is over 64 bits' % value)


# ---------------------------------------------------------------- decoding
def decode_document(data, offset=0):
    """-> (position after the document, the document, its kinds). The document has to be in `data` whole."""
    if len(data) - offset < 4:
        raise Refused('no length')
    length, = struct.unpack_from('<i', data, offset)
    end = offset + length
    if length < 5 or end > len(data) or data[end - 1] != 0:
        raise Refused('document of %d bytes in %d' % (length, len(data) - offset))
    document, kinds, position = {}, Kinds(), offset + 4
    while data[position]:
        kind = data[position]
        stop = data.index(b'\0', position + 1)
        key = data[position + 1:stop].decode()
        document[key], position = _decode(kind, data, stop + 1)
        kinds.append(kind)
    if position + 1 != end:
        raise Refused('terminator at %d, length says %d' % (position + 1, end))
    return end, document, kinds


FIXED = {0x01: '<d', 0x09: '<q', 0x10: '<i', 0x12: '<q', 0x3F: '<Q'}


def _decode(kind, data, position):
    if kind in FIXED:
        value, = struct.unpack_from(FIXED[kind], data, position)
        if kind == 0x09:
            value = EPOCH + datetime.timedelta(milliseconds=value)
        return value, position + struct.calcsize(FIXED[kind])
    if kind in (0x03, 0x04):
        end, document, _ = decode_document(data, position)
        return (document if kind == 0x03 else list(document.values())), end
    if kind == 0x05:
        length, subtype = struct.unpack_from('<iB', data, position)
        value = data[position + 5:position + 5 + length]
        if subtype or length < 0 or len(value) != length:
            raise Refused('binary of subtype %d and %d bytes' % (subtype, length))
        return value, position + 5 + length
    if kind == 0x02:
        length, = struct.unpack_from('<i', data, position)
        value = data[position + 4:position + 4 + length]
        if length < 1 or len(value) != length or value[-1]:
            raise Refused('string of %d bytes' % length)
        return value[:-1].decode(), position + 4 + length
    if kind == 0x08:
        return bool(data[position]), position + 1
    if kind == 0x0A:
        return None, position
    raise Refused('unknown kind 0x%02x' % kind)
