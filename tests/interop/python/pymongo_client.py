#!/usr/bin/env python3
"""pymongo_client.py HOST:PORT: a server of the conformance services, with a BSON library that knows nothing of Go.

Requests have a header of standard kinds, {ServiceMethod: string, Seq: int64}. Every reply has to decode with PyMongo's
own `bson`, which refuses Go's unsigned 0x3F, and strings have to come back as strings.
"""
import datetime
import socket
import struct
import sys

import bson
from bson import Binary, Decimal128, Int64, ObjectId, Regex

from cases import Failed, case, equal, fails, main

LIMIT = 30.0
UTC = datetime.timezone.utc
OPTIONS = bson.CodecOptions(tz_aware=True)


class AppError(Exception):
    """The reply was an error."""


class Client:
    """One connection; replies are matched by Seq."""

    def __init__(self, addr):
        self.conn = socket.create_connection(addr, LIMIT)
        self.conn.sendall(b'CONNECT /_bson_rpc_ HTTP/1.0\n\n')
        self.read = self.conn.makefile('rb')
        if self.read.read(34) != b'HTTP/1.0 200 Connected to Go RPC\n\n':
            raise Failed('no handshake')
        self.seq = 0

    def send(self, method, body):
        self.seq += 1
        header = {'ServiceMethod': method, 'Seq': Int64(self.seq)}
        self.conn.sendall(bson.encode(header) + bson.encode(body))
        return self.seq

    def receive(self):
        """-> (header, body)"""
        return self._document(), self._document()

    def _document(self):
        length = self.read.read(4)
        if len(length) < 4:
            raise Failed('the server closed the connection')
        return bson.decode(length + self.read.read(struct.unpack('<i', length)[0] - 4), OPTIONS)

    def call(self, method, arg):
        seq = self.send(method, arg if isinstance(arg, dict) else {'_Val_': arg})
        header, body = self.receive()
        error = header['Error']
        equal(header, {'ServiceMethod': method, 'Seq': Int64(seq), 'Error': error})
        if not isinstance(error, str):
            raise Failed('Error is %r' % (error,))
        if error:
            equal(body, {})
            raise AppError(error)
        return body.get('_Val_', body)


def echo(client, method, value, want=None):
    equal(client.call(method, value), value if want is None else want)


def still_good(client):
    equal(client.call('Arith.Multiply', {'A': 7, 'B': 8}), Int64(56))


# ---------------------------------------------------------------- calls and errors
@case
def multiply(addr):
    client = Client(addr)
    still_good(client)
    equal(client.call('Arith.Multiply', {'A': -7, 'B': 8}), Int64(-56))
    equal(client.call('Arith.Multiply', {'A': Int64(1 << 40), 'B': 3}), Int64(3 << 40))


@case
def divide(addr):
    equal(Client(addr).call('Arith.Divide', {'A': 17, 'B': 5}), {'Quo': Int64(3), 'Rem': Int64(2)})


@case
def errors(addr):
    client = Client(addr)
    for method, text in (('Arith.Error', 'app error: "quoted" <tag> é\n'), ('Arith.EOSError', 'EOS'),
                         ('Nope.X', "rpc: can't find service Nope.X"), ('Arith.X', "rpc: can't find method Arith.X"),
                         ('X', 'rpc: service/method request ill-formed: X')):
        fails(AppError, client.call, method, {}, text=text)
        still_good(client)
    fails(AppError, client.call, 'Arith.Divide', {'A': 1, 'B': 0}, text='divide by zero')
    # Go's int and int64 are one type elsewhere.
    fails(AppError, client.call, 'Arith.Multiply', {'A': 'x'},
          text=('unexpected kind 2 for int', 'unexpected kind 2 for int64'))
    equal(client.call('Arith.EmptyError', {}), Int64(0))


@case
def pipelined_calls(addr):
    client = Client(addr)
    wanted = {client.send('Arith.Multiply', {'A': n, 'B': n}): n * n for n in range(200)}
    wanted[client.send('Slow.Sleep', {'_Val_': 50})] = 50
    for _ in range(201):
        header, body = client.receive()
        equal((header['Error'], int(body['_Val_'])), ('', wanted.pop(header['Seq'])))
    equal(wanted, {})


@case
def stream(addr):
    client = Client(addr)
    client.send('Stream.Count', {'N': 3})
    for index in range(3):
        header, body = client.receive()
        equal((header['Error'], body), ('', {'C': Int64(3), 'Index': Int64(index)}))
    header, body = client.receive()
    equal((header['Error'], body), ('EOS', {}))
    still_good(client)


# ---------------------------------------------------------------- values
@case
def integers(addr):
    client = Client(addr)
    for value in (0, -1, (1 << 31) - 1, -1 << 31, 1 << 31, (1 << 63) - 1, -1 << 63):
        echo(client, 'Echo.Int', Int64(value))
        echo(client, 'Echo.Int64', value, Int64(value))
    for value in (0, 1 << 31, (1 << 32) - 1):
        echo(client, 'Echo.Uint32', value, Int64(value))
    for value in (0, (1 << 63) - 1):
        echo(client, 'Echo.Uint64', value, Int64(value))
        echo(client, 'Echo.Uint', value, Int64(value))
    equal(int(client.call('Echo.Int32', -5)), -5)
    fails(AppError, client.call, 'Echo.Int32', 1 << 31)
    still_good(client)


@case
def floats_and_booleans(addr):
    client = Client(addr)
    for value in (0.0, -0.5, 1e308, 5e-324, float('inf'), float('nan')):
        echo(client, 'Echo.Float64', value)
    echo(client, 'Echo.Float64', 3, 3.0)
    echo(client, 'Echo.Bool', True)
    echo(client, 'Echo.Bool', False)


@case
def strings(addr):
    client = Client(addr)
    for value in ('', 'plain', 'é漢😀', 'null\0byte', '"\\\n', 'x' * (1 << 20)):
        echo(client, 'Echo.String', value)


@case
def binaries(addr):
    client = Client(addr)
    for value in (b'', bytes(range(256)), b'\xff' * 100000):
        echo(client, 'Echo.Bytes', value)
    echo(client, 'Echo.Bytes', Binary(b'other subtype', 128), b'other subtype')


@case
def datetimes(addr):
    client = Client(addr)
    # From end to end of what Python can tell.
    for value in (datetime.datetime(1970, 1, 1, tzinfo=UTC), datetime.datetime(2015, 1, 15, 12, 30, 45, 123000, UTC),
                  datetime.datetime(1, 1, 1, tzinfo=UTC), datetime.datetime(9999, 12, 31, 23, 59, 59, 999000, UTC)):
        echo(client, 'Echo.Time', value)


@case
def structs_lists_maps(addr):
    client = Client(addr)
    echo(client, 'Echo.Inner', {'Name': 'é', 'N': Int64(-3)})
    echo(client, 'Echo.Inner', {'Name': None}, {'Name': '', 'N': Int64(0)})
    echo(client, 'Echo.Strings', ['a', '', 'c'], {'0': 'a', '1': '', '2': 'c'})
    echo(client, 'Echo.Ints', [1, 2], {'0': Int64(1), '1': Int64(2)})
    echo(client, 'Echo.Inners', [{'Name': 'x', 'N': 1}], {'0': {'Name': 'x', 'N': Int64(1)}})
    echo(client, 'Echo.Strings', [], {})
    echo(client, 'Echo.MapStr', {'k': 'v', 'é': ''})
    echo(client, 'Echo.Empty', {})


@case
def struct_of_all_kinds(addr):
    client = Client(addr)
    value = {'I32': -5, 'I64': Int64(-1 << 63), 'I': Int64(7), 'U32': Int64((1 << 32) - 1), 'U64': Int64(1 << 62),
             'U': Int64(9), 'F': 0.1, 'B': True, 'S': 'é', 'By': bytes(range(256)),
             'T': datetime.datetime(2015, 1, 15, 1, 2, 3, 4000, UTC), 'In': {'Name': 'in', 'N': Int64(1)},
             'PIn': {'Name': 'pointer', 'N': Int64(2)}, 'NilP': None, 'If': 'any', 'NilIf': None, 'MS': {'k': 'v'},
             'SS': ['a', ''], 'SI': [Int64(1), Int64(-1)], 'SIn': [{'Name': 'x', 'N': Int64(1)}], 'ES': [], 'NS': [],
             'EM': {}, 'NM': {}, 'EB': b'', 'NB': b''}
    echo(client, 'Echo.All', value)
    equal(client.call('Echo.All', {})['S'], '')


@case
def map_of_anything(addr):
    client = Client(addr)
    value = {'nil': None, 'i64': Int64(1 << 40), 'f': 0.5, 'bytes': b'b', 'text': 'é', 'true': True,
             'time': datetime.datetime(2015, 1, 15, tzinfo=UTC), 'list': ['x', ['y'], {}, None], 'map': {'m': {'m': 'deep'}}}
    echo(client, 'Echo.Map', value)
    echo(client, 'Echo.Hold', {'V': value})
    equal(int(client.call('Echo.Map', {'i32': 5})['i32']), 5)


@case
def kinds_go_has_no_type_for(addr):
    client = Client(addr)
    for value in (ObjectId(), Decimal128('1.5'), Regex('x'), bson.Timestamp(1, 2), bson.MinKey()):
        fails(AppError, client.call, 'Echo.Map', {'k': value})
        fails(AppError, client.call, 'Echo.String', value)
        still_good(client)


@case
def unsigned_over_int64_is_no_reply(addr):
    client = Client(addr)
    # Go's kind goes in; the standard dialect has no kind to give it back in.
    header = bson.encode({'ServiceMethod': 'Echo.Uint64', 'Seq': Int64(1)})
    body = b'\x3f_Val_\0' + struct.pack('<Q', (1 << 64) - 1)
    client.conn.sendall(header + struct.pack('<i', len(body) + 5) + body + b'\0')
    reply, rest = client.receive()
    if not reply['Error'] or rest != {}:
        raise Failed('answered %r %r' % (reply, rest))
    still_good(client)


if __name__ == '__main__':
    host, _, port = sys.argv[1].rpartition(':')
    main((host, int(port)))
