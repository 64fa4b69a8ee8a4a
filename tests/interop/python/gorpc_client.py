#!/usr/bin/env python3
"""gorpc_client.py HOST:PORT: a server of the conformance services as the Python client of vitess sees it.

Users of the recordings: `ala` with the secrets `ma kota` and `kot2`, `ola` with `p`.
"""
import datetime
import sys
import time

from cases import Failed, case, equal, fails, main
from gorpc import AppError, Client, GoRpcError, ProgrammingError, TimeoutError

PATH, AUTH_PATH = '/_bson_rpc_', '/_bson_rpc_/auth'
TIMEOUT = 10.0
# Go's kinds, which Java's client insists on: Binary, unsigned 64-bit integer, Binary.
HEADER_KINDS = [0x05, 0x3F, 0x05]


def dial(addr, timeout=TIMEOUT, path=PATH, **login):
    client = Client(addr, path, timeout, **login)
    client.dial()
    return client


def echo(client, method, value, want=None):
    equal(client.call(method, value).reply, value if want is None else want)


# ---------------------------------------------------------------- calls
@case
def multiply(addr):
    client = dial(addr)
    response = client.call('Arith.Multiply', {'A': 7, 'B': 8})
    equal(response.reply, 56)
    equal(response.sequence_id, 1)
    equal(response.method, b'Arith.Multiply')
    equal(response.error, b'')
    equal(list(response.header_kinds), HEADER_KINDS)
    equal(list(response.body_kinds), [0x12])


@case
def sequential_calls(addr):
    client = dial(addr)
    for n in range(500):
        equal(client.call('Arith.Multiply', {'A': n, 'B': 70000}).reply, n * 70000)
    equal(client.seq, 500)
    equal(client.is_closed(), False)


@case
def negative_int32_is_sign_extended(addr):
    client = dial(addr)
    equal(client.call('Arith.Multiply', {'A': -7, 'B': 8}).reply, -56)


@case
def divide(addr):
    equal(dial(addr).call('Arith.Divide', {'A': 17, 'B': 5}).reply, {'Quo': 3, 'Rem': 2})


# ---------------------------------------------------------------- errors
@case
def app_error_keeps_the_connection(addr):
    client = dial(addr)
    for _ in range(20):
        fails(AppError, client.call, 'Arith.Divide', {'A': 7, 'B': 0}, text='divide by zero')
        fails(AppError, client.call, 'Arith.Error', {}, text='app error: "quoted" <tag> é\n')
        equal(client.is_closed(), False)
        equal(client.call('Arith.Multiply', {'A': 3, 'B': 4}).reply, 12)
    equal(client.seq, 60)


@case
def empty_error_is_success(addr):
    equal(dial(addr).call('Arith.EmptyError', {}).reply, 0)


@case
def unknown_names(addr):
    client = dial(addr)
    for name, text in (('Nope.X', "rpc: can't find service Nope.X"), ('Arith.X', "rpc: can't find method Arith.X"),
                       ('Arith.', "rpc: can't find method Arith."),
                       ('Arith', 'rpc: service/method request ill-formed: Arith'),
                       ('', 'rpc: service/method request ill-formed: '),
                       ('A.B.C', 'rpc: service/method request ill-formed: A.B.C')):
        fails(AppError, client.call, name, {'A': 1}, text=text)
    equal(client.call('Arith.Multiply', {'A': 3, 'B': 4}).reply, 12)


@case
def error_replies_have_all_members(addr):
    client = dial(addr)
    response = client._once('Nope.X', {'A': 1})
    equal(list(response.header_kinds), HEADER_KINDS)
    equal(response.method, b'Nope.X')
    equal(response.reply, {})


@case
def argument_of_wrong_kind(addr):
    client = dial(addr)
    # Go's int and int64 are one type elsewhere.
    for value, text in ((b'text', 'unexpected kind 5 for int'), ('text', 'unexpected kind 2 for int')):
        fails(AppError, client.call, 'Arith.Multiply', {'A': value, 'B': 1}, text=(text, text + '64'))
    fails(AppError, client.call, 'Echo.Strings', b'text')
    equal(client.call('Arith.Multiply', {'A': 3, 'B': 4}).reply, 12)


# ---------------------------------------------------------------- values
@case
def strings_travel_as_binary(addr):
    client = dial(addr)
    for value in (b'', b'plain', bytes(range(256)), 'é漢😀'.encode(), b'\xff\xfe not utf-8', b'x' * (1 << 20)):
        response = client.call('Echo.String', value)
        equal(response.reply, value)
        equal(list(response.body_kinds), [0x05])
    echo(client, 'Echo.String', 'unicode é', 'unicode é'.encode())
    echo(client, 'Echo.String', None, b'')
    echo(client, 'Echo.Bytes', bytes(range(256)))


@case
def integers(addr):
    client = dial(addr)
    for value in (0, 1, -1, (1 << 31) - 1, -1 << 31, 1 << 31, (1 << 63) - 1, -1 << 63):
        response = client.call('Echo.Int64', value)
        equal(response.reply, value)
        equal(list(response.body_kinds), [0x12])
        echo(client, 'Echo.Int', value)
    for value in (0, 1, 1 << 31, (1 << 63) - 1, 1 << 63, (1 << 64) - 1):
        response = client.call('Echo.Uint64', value)
        equal(response.reply, value)
        equal(list(response.body_kinds), [0x3F])
    response = client.call('Echo.Int32', -5)
    equal((response.reply, list(response.body_kinds)), (-5, [0x10]))
    fails(AppError, client.call, 'Echo.Int32', 1 << 31)
    fails(AppError, client.call, 'Echo.Uint32', 1 << 32)


@case
def floats_and_booleans(addr):
    client = dial(addr)
    for value in (0.0, 1.5, -0.1, 1e300, float('inf'), float('nan')):
        echo(client, 'Echo.Float64', value)
    # Python's booleans are integers on the way there.
    echo(client, 'Echo.Bool', True)
    echo(client, 'Echo.Bool', False)
    echo(client, 'Echo.Bool', 7, True)


@case
def times(addr):
    client = dial(addr)
    for value in (datetime.datetime(1970, 1, 1), datetime.datetime(2015, 1, 15, 12, 30, 45, 123000),
                  datetime.datetime(1900, 2, 3, 4, 5, 6, 789000)):
        echo(client, 'Echo.Time', value)


@case
def structs_lists_maps(addr):
    client = dial(addr)
    echo(client, 'Echo.Inner', {'Name': 'n\0é'.encode(), 'N': -3})
    echo(client, 'Echo.Inner', {}, {'Name': b'', 'N': 0})
    # A list is the document itself, not wrapped: Python sees its keys.
    echo(client, 'Echo.Strings', [b'a', b'', b'c'], {'0': b'a', '1': b'', '2': b'c'})
    echo(client, 'Echo.Ints', [1, -1 << 40], {'0': 1, '1': -1 << 40})
    echo(client, 'Echo.Inners', [{'Name': b'x', 'N': 1}], {'0': {'Name': b'x', 'N': 1}})
    echo(client, 'Echo.Strings', [], {})
    echo(client, 'Echo.MapStr', {'k': b'v', 'é': b''})
    echo(client, 'Echo.Empty', {})


@case
def map_of_anything_keeps_kinds(addr):
    client = dial(addr)
    value = {'nil': None, 'i32': 5, 'i64': 1 << 40, 'u64': 1 << 63, 'f': 0.5, 'bytes': b'b', 'list': [1, [b'x'], {}],
             'map': {'m': {'m': None}}, 'time': datetime.datetime(2015, 1, 15)}
    echo(client, 'Echo.Map', value)
    echo(client, 'Echo.Map', {'text': 'é'}, {'text': 'é'.encode()})
    echo(client, 'Echo.Hold', {'V': value})


# ---------------------------------------------------------------- streams
def items(client):
    out = []
    while True:
        response = client.stream_next()
        if response is None:
            return out
        equal(list(response.header_kinds), HEADER_KINDS)
        out.append(response.reply)


@case
def stream_of_3(addr):
    client = dial(addr)
    client.stream_call('Stream.Count', {'N': 3})
    equal(items(client), [{'C': 3, 'Index': 0}, {'C': 3, 'Index': 1}, {'C': 3, 'Index': 2}])
    fails(ProgrammingError, client.stream_next, text='no request pending')
    equal(client.is_closed(), False)
    equal(client.call('Arith.Multiply', {'A': 3, 'B': 4}).reply, 12)


@case
def stream_of_0(addr):
    client = dial(addr)
    client.stream_call('Stream.Count', {'N': 0})
    equal(items(client), [])
    equal(client.call('Arith.Multiply', {'A': 3, 'B': 4}).reply, 12)


@case
def stream_of_10000(addr):
    client = dial(addr)
    client.stream_call('Stream.Count', {'N': 10000})
    equal([item['Index'] for item in items(client)], list(range(10000)))


@case
def stream_error_at_2(addr):
    client = dial(addr)
    client.stream_call('Stream.Count', {'N': 5, 'ErrorAt': 2})
    equal([client.stream_next().reply['Index'] for _ in range(2)], [0, 1])
    fails(AppError, client.stream_next, text='triggered error in middle')
    fails(ProgrammingError, client.stream_next, text='no request pending')
    # No end of stream follows the error.
    equal(client.call('Arith.Multiply', {'A': 3, 'B': 4}).reply, 12)
    equal(client.is_closed(), False)


@case
def stream_bad_type_at_1(addr):
    client = dial(addr)
    client.stream_call('Stream.Count', {'N': 5, 'BadAt': 1})
    equal(client.stream_next().reply, {'C': 5, 'Index': 0})
    fails(AppError, client.stream_next, text='rpc: passing wrong type to sendReply')
    equal(client.call('Arith.Multiply', {'A': 3, 'B': 4}).reply, 12)


@case
def stream_of_unknown_method(addr):
    client = dial(addr)
    client.stream_call('Stream.Nope', {'N': 3})
    fails(AppError, client.stream_next, text="rpc: can't find method Stream.Nope")
    equal(client.call('Arith.Multiply', {'A': 3, 'B': 4}).reply, 12)


@case
def plain_call_of_a_stream_gets_the_first_item(addr):
    client = dial(addr)
    equal(client.call('Stream.Count', {'N': 1}).reply, {'C': 1, 'Index': 0})
    # What is left of the stream answers the next call, which has another number: this client gives up there.
    error = fails(GoRpcError, client.call, 'Arith.Multiply', {'A': 3, 'B': 4})
    equal(error.args[0], 'request sequence mismatch')
    equal(client.is_closed(), True)


# ---------------------------------------------------------------- login
def login(addr, user, password):
    return dial(addr, path=AUTH_PATH, user=user, password=password)


@case
def auth_with_each_secret(addr):
    for user, password in (('ala', 'ma kota'), ('ala', 'kot2'), ('ola', 'p')):
        client = login(addr, user, password)
        equal(client.call('Ctx.Who', b'').reply['User'], user.encode())
        equal(client.call('Arith.Multiply', {'A': 3, 'B': 4}).reply, 12)
        fails(AppError, client.call, 'AuthenticatorCRAMMD5.GetNewChallenge', b'',
              text="rpc: can't find service AuthenticatorCRAMMD5.GetNewChallenge")


@case
def auth_refused(addr):
    for user, password in (('ala', 'wrong'), ('ala', ''), ('ola', 'ma kota'), ('unknown', 'p'), ('', '')):
        client = Client(addr, AUTH_PATH, TIMEOUT, user, password)
        fails(AppError, client.dial, text='authentication error: authentication failed')
        equal(client.is_closed(), True)


@case
def auth_is_not_skipped(addr):
    client = dial(addr, path=AUTH_PATH)
    fails(AppError, client.call, 'Arith.Multiply', {'A': 3, 'B': 4}, text="rpc: can't find service Arith.Multiply")
    wait_closed(client)


@case
def plain_path_has_no_user(addr):
    client = dial(addr)
    who = client.call('Ctx.Who', b'').reply
    equal(who, {'Addr': b'%s:%d' % (client.conn.getsockname()[0].encode(), client.conn.getsockname()[1]), 'User': b''})
    fails(AppError, client.call, 'AuthenticatorCRAMMD5.GetNewChallenge', b'')


# ---------------------------------------------------------------- connection
def wait_closed(client):
    deadline = time.monotonic() + TIMEOUT
    while not client.is_closed():
        if time.monotonic() > deadline:
            raise Failed('the server did not close the connection')
        time.sleep(0.005)


@case
def unknown_path_never_connects(addr):
    # The reply to it has no two line feeds in a row: the client waits for them until the server closes.
    client = Client(addr, '/_nothing_', TIMEOUT)
    error = fails(GoRpcError, client.dial)
    if not error.args[0].startswith('Unexpected EOF in handshake to '):
        raise Failed(error)
    equal(client.is_closed(), True)


@case
def timeout_closes_and_redial_works(addr):
    client = dial(addr, timeout=0.4)
    start = time.monotonic()
    fails(TimeoutError, client.call, 'Slow.Sleep', 3000)
    took = time.monotonic() - start
    if not 0.4 <= took < 2:
        raise Failed('timed out after %.2f s, wanted 0.4' % took)
    equal(client.is_closed(), True)
    error = fails(GoRpcError, client.call, 'Arith.Multiply', {'A': 3, 'B': 4}, text='closed client')
    equal(error.args, ('closed client', 'Arith.Multiply'))
    client.dial()
    equal(client.call('Arith.Multiply', {'A': 3, 'B': 4}).reply, 12)


@case
def slow_call_within_the_time(addr):
    # Longer than the socket's own timeout, shorter than the call's.
    client = dial(addr, timeout=3)
    equal(client.call('Slow.Sleep', 700).reply, 700)


@case
def is_closed_means_of_no_use(addr):
    client = Client(addr, PATH, TIMEOUT)
    equal(client.is_closed(), True)
    client.dial()
    equal(client.is_closed(), False)
    client.call('Arith.Multiply', {'A': 3, 'B': 4})
    equal(client.is_closed(), False)
    # A reply no call waits for makes it readable.
    client._send('Arith.Multiply', {'A': 1, 'B': 1}, TIMEOUT)
    wait_closed(client)
    client.close()
    equal(client.is_closed(), True)


@case
def broken_frame_closes(addr):
    client = dial(addr)
    client.conn.sendall(b'\x02\0\0\0')
    wait_closed(client)
    fails(GoRpcError, client.call, 'Arith.Multiply', {'A': 3, 'B': 4})
    equal(dial(addr).call('Arith.Multiply', {'A': 3, 'B': 4}).reply, 12)


if __name__ == '__main__':
    host, _, port = sys.argv[1].rpartition(':')
    main((host, int(port)))
