"""A Go-RPC client over CONNECT that behaves as gorpc.py and bsonrpc.py of vitess do, on Python 3.

One call at a time. Any timeout or lost byte closes the connection, an error from the application does not.
"""
import hashlib
import hmac
import select
import socket
import struct
import time

import gorpc_bson


class GoRpcError(Exception):
    """The connection is no good any more."""


class TimeoutError(GoRpcError):
    """No reply within the time; the connection was closed."""


class AppError(GoRpcError):
    """The server answered with an error; the connection is as good as before."""


class ProgrammingError(GoRpcError):
    """The caller did things in the wrong order."""


END_OF_STREAM = b'EOS'


class Response:
    """One header and one body."""

    def __init__(self, header, header_kinds, body, body_kinds):
        # A header without Error or Seq is a KeyError, as in the original.
        self.error, self.sequence_id = header['Error'], header['Seq']
        self.method = header.get('ServiceMethod')
        self.header_kinds, self.body_kinds = header_kinds, body_kinds
        self.reply = body.get('_Val_', body)


class Client:
    """`path` ends in `/auth` if `user` and `password` are given."""

    def __init__(self, addr, path, timeout, user=None, password=None):
        self.addr, self.path, self.timeout = addr, path, timeout
        self.user, self.password = user, password
        self.conn, self.data, self.seq, self.pending = None, b'', 0, None

    # ------------------------------------------------------------ connection
    def dial(self):
        if self.conn:
            self.close()
        # The socket's own timeout is shorter than the call's: the deadline is looked at between reads.
        self.conn = socket.create_connection(self.addr, self.timeout / 10)
        try:
            self.conn.sendall(b'CONNECT %s HTTP/1.0\n\n' % self.path.encode())
            self._handshake()
            if self.user is not None:
                self._authenticate()
        except socket.timeout as error:
            self.close()
            raise TimeoutError(error, self.timeout, 'dial')
        except (GoRpcError, OSError):
            self.close()
            raise

    def _handshake(self):
        """Only the two line feeds count; the status is never looked at, and what follows them is dropped."""
        answer = b''
        while b'\n\n' not in answer:
            some = self.conn.recv(1024)
            if not some:
                raise GoRpcError('Unexpected EOF in handshake to %s:%d %s' % (self.addr + (self.path,)))
            answer += some

    def _authenticate(self):
        challenge = self.call('AuthenticatorCRAMMD5.GetNewChallenge', b'').reply['Challenge']
        digest = hmac.new(self.password.encode(), challenge, hashlib.md5).hexdigest()
        self.call('AuthenticatorCRAMMD5.Authenticate', {'Proof': ('%s %s' % (self.user, digest)).encode()})

    def close(self):
        if self.conn:
            self.conn.close()
        self.conn, self.data, self.pending = None, b'', None

    def is_closed(self):
        """Anything to read between calls, and the end of the stream is that, means the connection is of no use."""
        if not self.conn:
            return True
        poll = select.poll()
        poll.register(self.conn, select.POLLIN | select.POLLHUP | select.POLLERR)
        return bool(poll.poll(0))

    # ------------------------------------------------------------ calls
    def call(self, method, request):
        response = self._once(method, request)
        self.pending = None
        if response.error:
            raise AppError(text(response.error), method)
        return response

    def stream_call(self, method, request):
        self._send(method, request, self.timeout * 10)

    def stream_next(self):
        """The next item, or None at the end of the stream."""
        if self.pending is None:
            raise ProgrammingError('no request pending')
        method = self.pending[0]
        response = self._receive()
        if not response.error:
            return response
        self.pending = None
        if response.error == END_OF_STREAM:
            return None
        raise AppError(text(response.error), method)

    def _once(self, method, request):
        self._send(method, request, self.timeout)
        return self._receive()

    def _send(self, method, request, timeout):
        if not self.conn:
            raise GoRpcError('closed client', method)
        self.seq += 1
        self.pending = (method, self.seq, time.monotonic() + timeout)
        body = request if isinstance(request, dict) else {'_Val_': request}
        header = {'ServiceMethod': method.encode(), 'Seq': self.seq}
        try:
            self.conn.sendall(gorpc_bson.dumps(header) + gorpc_bson.dumps(body))
        except OSError as error:
            self.close()
            raise GoRpcError(error, method)

    def _receive(self):
        if not self.conn:
            raise GoRpcError('closed client')
        method, seq, deadline = self.pending
        try:
            response = self._decode()
            while response is None:
                self._read(deadline)
                response = self._decode()
        except socket.timeout as error:
            self.close()
            raise TimeoutError(error, self.timeout, method)
        except (OSError, gorpc_bson.Refused) as error:
            self.close()
            raise GoRpcError(error, method)
        if response.sequence_id != seq:
            self.close()
            raise GoRpcError('request sequence mismatch', response.sequence_id, seq, method)
        return response

    def _read(self, deadline):
        try:
            some = self.conn.recv(65536)
            if not some:
                raise OSError('unexpected EOF')
            self.data += some
        except socket.timeout:
            if time.monotonic() > deadline:
                raise
        if time.monotonic() > deadline:
            raise socket.timeout('deadline exceeded')

    def _decode(self):
        """Takes one response from what was read, or None if it is not all there."""
        end = 0
        for _ in range(2):
            if len(self.data) < end + 4:
                return None
            end += struct.unpack_from('<i', self.data, end)[0]
        if len(self.data) < end:
            return None
        body_at, header, header_kinds = gorpc_bson.decode_document(self.data)
        end, body, body_kinds = gorpc_bson.decode_document(self.data, body_at)
        self.data = self.data[end:]
        return Response(header, header_kinds, body, body_kinds)


def text(value):
    """An error's text: bytes from Go, a string from others."""
    return value.decode() if isinstance(value, bytes) else value
