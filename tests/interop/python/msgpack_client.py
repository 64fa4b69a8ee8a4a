#!/usr/bin/env python3
"""msgpack_client.py HOST:PORT: a server of the conformance services, with a MessagePack library that knows nothing of Go.

Every case runs over CONNECT and without it, with headers as maps and as lists. Replies have to unpack with msgpack's
strict defaults: strings are UTF-8, bytes are bytes, times are timestamps.
"""
import datetime
import socket
import sys

import msgpack

from cases import Failed, case, equal, fails, main

LIMIT = 30.0
UTC = datetime.timezone.utc


class AppError(Exception):
    """The reply was an error."""


class Client:
    """One connection; replies are matched by Seq."""

    def __init__(self, addr, connect=True, as_list=False):
        self.conn = socket.create_connection(addr, LIMIT)
        self.as_list = as_list
        if connect:
            self.conn.sendall(b'CONNECT /_msgpack_rpc_ HTTP/1.0\n\n')
            answer = b''
            while len(answer) < 34:
                answer += self._read(34 - len(answer))
            if answer != b'HTTP/1.0 200 Connected to Go RPC\n\n':
                raise Failed('no handshake: %r' % answer)
        self.unpacker = msgpack.Unpacker(timestamp=3)
        self.seq = 0

    def _read(self, size=65536):
        data = self.conn.recv(size)
        if not data:
            raise Failed('the server closed the connection')
        return data

    def send(self, method, arg, **members):
        self.seq += 1
        header = [method, self.seq] if self.as_list else {'ServiceMethod': method, 'Seq': self.seq, **members}
        self.conn.sendall(msgpack.packb(header) + msgpack.packb(arg, datetime=True))
        return self.seq

    def _value(self):
        while True:
            for value in self.unpacker:
                return value
            self.unpacker.feed(self._read())

    def receive(self):
        """-> (header, body)"""
        return self._value(), self._value()

    def call(self, method, arg, **members):
        seq = self.send(method, arg, **members)
        header, body = self.receive()
        error = header['Error']
        equal(header, {'ServiceMethod': method, 'Seq': seq, 'Error': error})
        if error:
            equal(body, None)
            raise AppError(error)
        return body


def each(function):
    """A case for every kind of connection."""
    def run(addr):
        for connect in (True, False):
            for as_list in (False, True):
                function(Client(addr, connect, as_list))
    run.__name__ = function.__name__
    return case(run)


def still_good(client):
    equal(client.call('Arith.Multiply', {'A': 7, 'B': 8}), 56)


@each
def multiply(client):
    still_good(client)
    equal(client.call('Arith.Multiply', {'A': -7, 'B': 8}), -56)
    equal(client.call('Arith.Multiply', {'A': 1 << 40, 'B': 3}), 3 << 40)
    equal(client.call('Arith.Multiply', [6, 7]), 42)
    equal(client.call('Arith.Multiply', None), 0)
    equal(client.call('Arith.Divide', {'A': 17, 'B': 5}), {'Quo': 3, 'Rem': 2})


@each
def errors(client):
    for method, text in (('Arith.Error', 'app error: "quoted" <tag> é\n'), ('Arith.EOSError', 'EOS'),
                         ('Nope.X', "rpc: can't find service Nope.X"), ('Arith.X', "rpc: can't find method Arith.X"),
                         ('X', 'rpc: service/method request ill-formed: X')):
        fails(AppError, client.call, method, {}, text=text)
        still_good(client)
    fails(AppError, client.call, 'Arith.Divide', {'A': 1, 'B': 0}, text='divide by zero')
    fails(AppError, client.call, 'Arith.Multiply', {'A': 'x'}, text='msgpack: cannot decode string into int')
    fails(AppError, client.call, 'Echo.Uint32', 1 << 32, text='msgpack: value 4294967296 out of range for uint32')
    still_good(client)


@each
def values(client):
    when = datetime.datetime(2015, 1, 15, 8, 11, 21, 500000, UTC)
    for method, value in (('Int', -(1 << 63)), ('Uint64', (1 << 64) - 1), ('Float64', 1.5), ('Float64', float('inf')),
                          ('Bool', True), ('String', 'zażółć'), ('String', ''), ('String', 'x' * 70000),
                          ('Bytes', b'\x00\xff'), ('Bytes', b''), ('Bytes', b'x' * 70000), ('Time', when),
                          ('Inner', {'Name': 'n', 'N': -5}), ('MapStr', {'a': 'b', '': ''}), ('Strings', ['a', '']),
                          ('Strings', []), ('Ints', list(range(100))), ('Inners', [{'Name': 'n', 'N': 1}] * 20),
                          ('Any', {'k': [None, True, -1, 1 << 63, 1.5, 'x', b'\xff', when, {}]}), ('Any', None),
                          ('Map', {'a': 1, 'b': [b'x']}), ('Hold', {'V': {'x': [1]}}), ('Empty', {})):
        equal(client.call('Echo.' + method, value), value)
    equal(client.call('Echo.Strings', None), [])
    equal(client.call('Echo.Inner', {'N': 5}), {'Name': '', 'N': 5})


@each
def everything_absent_is_zero(client):
    all_zero = client.call('Echo.All', {})
    equal(len(all_zero), 26)
    equal((all_zero['I64'], all_zero['S'], all_zero['By'], all_zero['SS'], all_zero['MS']), (0, '', b'', [], {}))


@case
def pipelined_calls(addr):
    client = Client(addr)
    wanted = {client.send('Arith.Multiply', {'A': n, 'B': n}): n * n for n in range(200)}
    wanted[client.send('Slow.Sleep', 50)] = 50
    for _ in range(201):
        header, body = client.receive()
        equal((header['Error'], body), ('', wanted.pop(header['Seq'])))


@each
def streams(client):
    client.send('Stream.Count', {'N': 3})
    for index in range(3):
        header, item = client.receive()
        equal((header['Error'], item), ('', {'C': 3, 'Index': index}))
    header, end = client.receive()
    equal((header['Error'], end), ('EOS', None))
    still_good(client)


@case
def limits_and_details(addr):
    client = Client(addr)
    seq = client.send('Slow.Sleep', 60000, Timeout=20, Details=True)
    header, body = client.receive()
    equal((header['Seq'], header['Code'], body), (seq, 'deadline', None))
    slow = client.send('Slow.Sleep', 60000)
    cancel = client.send('_goRPC_.Cancel', {'Seq': slow})
    answers = {header['Seq']: (header['Error'], body) for header, body in (client.receive(), client.receive())}
    equal(answers, {slow: ('context canceled', None), cancel: ('', True)})


@case
def broken_bytes_close(addr):
    for raw in (b'\xc1', b'\xc0', b'\xdf\xff\xff\xff\xff'):
        client = Client(addr)
        client.conn.sendall(raw)
        fails(Failed, client.receive)


if __name__ == '__main__':
    host, port = sys.argv[1].rsplit(':', 1)
    main((host, int(port)))
