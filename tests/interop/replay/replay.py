#!/usr/bin/env python3
"""Replay recorded Go-RPC exchanges against a server and report every difference.

    replay.py HOST:PORT [--http-rpc HOST:PORT] [--only SUBSTR] [--skip-codec CODEC] [--list] [--file PATH]
              [--recorded] [--strict-http] [--timeout SECONDS] [-v]

The server must expose the services of the example `conformance`. One line per difference
(name, wanted, got), then `N passed, N failed, N skipped`; exit status 1 if anything failed.

A reply has to be byte for byte the recorded one, except:
  * JSON is compared by value; the order of the members id, result, error is checked; a null inside a result
    (Go's nil list, map or []byte) may be [], {} or "" instead;
  * gob is compared by value and wire kind (type ids, type names and the order of definitions are free);
  * HTTP pages: status line, headers (order and case of names free, Date not looked at) and body;
    with --strict-http their bytes, Date blanked. The `200 Connected to Go RPC` line is always compared as bytes;
  * replies whose order the original leaves open are compared as a set (items of one stream stay in order);
  * documents that come from a map are compared without regard to the order of their keys;
  * the CRAM-MD5 challenge is random: the proof is computed from the challenge of the server under test;
  * error texts that name a Go type or come from Go's json and gob packages: see same_error();
  * the deliberate differences, numbered as in PROVENANCE.md beside this file:
    deliberate() replaces what was recorded by what is required. --recorded switches that off.
"""
import argparse, collections, decimal, hashlib, hmac, json, os, re, socket, struct, sys, time

HS = b'HTTP/1.0 200 Connected to Go RPC\n\n'
CREDS = {'ala': ['ma kota', 'kot2'], 'ola': ['p']}
MAX_MESSAGE = 64 << 20
ANY_ERROR = object()


class Bad(Exception):
    """Malformed or incomplete data."""


# ------------------------------------------------------------------ BSON, kinds kept
def bson_doc(b, p=0, end=None):
    """-> (elements, position after the document); elements = [(key, kind, value)]"""
    end = len(b) if end is None else end
    if end - p < 5:
        raise Bad('short document')
    n = struct.unpack_from('<I', b, p)[0]
    if n < 5 or p + n > end:
        raise Bad('document length %d' % n)
    stop, out = p + n, []
    p += 4
    while True:
        if p >= stop:
            raise Bad('no terminator')
        kind = b[p]
        p += 1
        if kind == 0:
            if p != stop:
                raise Bad('bytes after the terminator')
            return out, stop
        z = b.find(b'\0', p, stop)
        if z < 0:
            raise Bad('key not terminated')
        key, p = b[p:z], z + 1
        if kind == 0x01:
            v, p = b[p:p + 8], p + 8
        elif kind in (0x02, 0x05):
            n = struct.unpack_from('<I', b, p)[0] if p + 4 <= stop else stop
            p += 4
            if kind == 5:
                if p + 1 + n > stop:
                    raise Bad('binary length')
                v, p = (b[p], b[p + 1:p + 1 + n]), p + 1 + n
                v = v[1] if v[0] == 0 else v
            else:
                if n < 1 or p + n > stop or b[p + n - 1] != 0:
                    raise Bad('string length')
                v, p = b[p:p + n - 1], p + n
        elif kind in (0x03, 0x04):
            v, p = bson_doc(b, p, stop)
        elif kind == 0x08:
            v, p = b[p] if p < stop else None, p + 1
        elif kind == 0x0A:
            v = None
        elif kind in (0x09, 0x10, 0x12, 0x3F):
            f = {0x09: '<q', 0x10: '<i', 0x12: '<q', 0x3F: '<Q'}[kind]
            if p + struct.calcsize(f) > stop:
                raise Bad('short number')
            v, p = struct.unpack_from(f, b, p)[0], p + struct.calcsize(f)
        else:
            raise Bad('kind 0x%02x' % kind)
        out.append((key.decode('latin1'), kind, v))


def bson_msgs(b):
    """-> [(header elements, body elements)]"""
    p, docs = 0, []
    while p < len(b):
        d, p = bson_doc(b, p)
        docs.append(d)
    if len(docs) % 2:
        raise Bad('a header without a body')
    return list(zip(docs[::2], docs[1::2]))


def bson_sorted(doc):
    return sorted((k, t, bson_sorted(v) if t == 3 else [bson_sorted([e])[0] for e in v] if t == 4 else v)
                  for k, t, v in doc) if doc else []


def member(doc, key, default=(None, None)):
    hit = [(t, v) for k, t, v in doc if k == key]
    return hit[-1] if hit else default


# ------------------------------------------------------------------ gob, values with their wire kind
class Gob:
    def __init__(self, b):
        common = ('struct', [('Name', 6), ('Id', 2)])
        self.t = {16: ('struct', [('ArrayT', 17), ('SliceT', 19), ('StructT', 20), ('MapT', 23),
                                  ('GobEncoderT', 24), ('BinaryMarshalerT', 24), ('TextMarshalerT', 24)]),
                  17: ('struct', [('C', 18), ('Elem', 2), ('Len', 2)]), 18: common,
                  19: ('struct', [('C', 18), ('Elem', 2)]), 20: ('struct', [('C', 18), ('Field', 22)]),
                  21: common, 22: ('slice', 21), 23: ('struct', [('C', 18), ('Key', 2), ('Elem', 2)]),
                  24: ('struct', [('C', 18)])}
        self.b, self.p, self.values = b, 0, []
        while self.p < len(b):
            n = self.uint()
            end = self.p + n
            if end > len(b) or n == 0:
                raise Bad('gob message length %d' % n)
            i = self.int()
            if i < 0:
                self.define(-i)
                if self.p != end:
                    raise Bad('extra data after a definition')
            else:
                self.values.append(self.top(i))
                if self.p > end:
                    raise Bad('value longer than its message')
                self.p = end

    def uint(self):
        try:
            c = self.b[self.p]
        except IndexError:
            raise Bad('gob ends early')
        self.p += 1
        if c < 128:
            return c
        n = 256 - c
        if n > 8 or self.p + n > len(self.b):
            raise Bad('gob integer')
        v = int.from_bytes(self.b[self.p:self.p + n], 'big')
        self.p += n
        return v

    def int(self):
        u = self.uint()
        return ~(u >> 1) if u & 1 else u >> 1

    def raw(self):
        n = self.uint()
        v = self.b[self.p:self.p + n]
        if len(v) != n:
            raise Bad('gob ends early')
        self.p += n
        return v

    def define(self, i):
        w = self.value(16)
        if i < 64 or i in self.t:
            raise Bad('type id %d' % i)
        num = lambda d, k: d.get(k, ('i', 0))[1]
        if 'StructT' in w:
            self.t[i] = ('struct', [(num(f, 'Name').decode() if 'Name' in f else '', num(f, 'Id'))
                                    for f in w['StructT'].get('Field', [])[1:]])
        elif 'SliceT' in w:
            self.t[i] = ('slice', num(w['SliceT'], 'Elem'))
        elif 'ArrayT' in w:
            self.t[i] = ('slice', num(w['ArrayT'], 'Elem'))
        elif 'MapT' in w:
            self.t[i] = ('map', num(w['MapT'], 'Key'), num(w['MapT'], 'Elem'))
        else:
            self.t[i] = ('opaque',)

    def top(self, i):
        if self.t.get(i, ('',))[0] != 'struct' and self.uint() != 0:
            raise Bad('no zero byte before a top-level value')
        return self.value(i)

    def kind(self, i):
        return i if i < 16 else self.t[i][0] if i in self.t else '?'

    def value(self, i):
        if i == 1:
            return ('b', self.uint())
        if i == 2:
            return ('i', self.int())
        if i == 3:
            return ('u', self.uint())
        if i == 4:
            return ('f', self.uint())
        if i == 5:
            return ('y', self.raw())
        if i == 6:
            return ('s', self.raw())
        if i == 7:
            return ('c', self.uint(), self.uint())
        t = self.t.get(i)
        if t is None:
            raise Bad('gob type id %d' % i)
        if t[0] == 'struct':
            out, f = {}, -1
            while True:
                d = self.uint()
                if d == 0:
                    return out
                f += d
                if f >= len(t[1]):
                    raise Bad('gob field number')
                name, ft = t[1][f]
                v = self.value(ft)
                zero = len(v) == 1 if isinstance(v, list) else not v if isinstance(v, dict) else \
                    not v[3] if v[0] == 'm' else not any(v[1:])
                if not zero:                                             # zero value = absent
                    out[name] = v
        if t[0] == 'slice':
            n = self.uint()
            if n > len(self.b):
                raise Bad('gob count')
            return [('of', self.kind(t[1]))] + [self.value(t[1]) for _ in range(n)]
        if t[0] == 'map':
            n = self.uint()
            if n > len(self.b):
                raise Bad('gob count')
            return ('m', self.kind(t[1]), self.kind(t[2]),
                    sorted(((self.value(t[1]), self.value(t[2])) for _ in range(n)), key=repr))
        return ('o', self.raw())


def gob_msgs(b):
    v = Gob(b).values
    if len(v) % 2:
        raise Bad('a response without a body')
    return list(zip(v[::2], v[1::2]))


# ------------------------------------------------------------------ JSON
def jnum(s):
    return '#' + str(decimal.Decimal(s).normalize())


def json_msgs(b):
    out = []
    if b and not b.endswith(b'\n'):
        raise Bad('no newline at the end')
    for line in b.splitlines():
        try:
            order = [k for k, _ in json.loads(line, object_pairs_hook=list)]
            v = json.loads(line, parse_int=jnum, parse_float=jnum)
        except (ValueError, TypeError) as x:
            raise Bad('JSON: %s' % x)
        if not isinstance(v, dict):
            raise Bad('not an object')
        out.append((order, v))
    return out


# ------------------------------------------------------------------ comparison; every check returns None or a reason
def same_error(codec, want, got):
    """Two error texts: equal, or both of a kind that a server not written in Go cannot repeat."""
    if want is ANY_ERROR:
        return bool(got)
    if isinstance(want, tuple):
        return got in want
    if want == got or not want or not got:
        return want == got
    if codec == 'bson':          # `unexpected kind 5 for int`: int and int64 (uint and uint64) are one type elsewhere
        f = lambda t: re.sub(r'( for u?int)64$', r'\1', t)
        return f(want) == f(got)
    if codec == 'json':          # names Go types, varies with the Go version
        return want.startswith('json: cannot unmarshal') and 'Go struct field' in want
    return want.startswith('gob: ')


def like(w, g, inner=False):
    """JSON values; a null member (a nil list, map or byte string in Go) may come back empty instead."""
    if w == g or inner and w is None and g in ([], {}, ''):
        return True
    if isinstance(w, dict) and isinstance(g, dict):
        return w.keys() == g.keys() and all(like(w[k], g[k], True) for k in w)
    if isinstance(w, list) and isinstance(g, list):
        return len(w) == len(g) and all(like(a, b, True) for a, b in zip(w, g))
    return False


def split(b):
    """UTF-8 or latin1 text of a byte string, for messages."""
    return b.decode('utf8', 'backslashreplace') if isinstance(b, bytes) else b


class Stream:
    """Replies of one codec. msgs = list of (seq or id, method, error, body, whole) built by norm()."""

    def __init__(self, codec, want, ctx, loose=False, order=True, before=(b'', b'')):
        self.codec, self.raw, self.ctx, self.loose, self.order, self.before = codec, want, ctx, loose, order, before
        try:
            self.want = self.norm(want, before[0]) if isinstance(want, bytes) else want
        except Bad:
            self.want = None                     # recorded bytes that are no valid stream: compared as bytes

    def norm(self, b, before=b''):
        c, out = self.codec, []
        if c == 'bson':
            for h, body in bson_msgs(b):
                if [k for k, _, _ in h] != ['ServiceMethod', 'Seq', 'Error']:
                    raise Bad('header members %r' % [k for k, _, _ in h])
                (km, m), (ks, s), (ke, e) = [(t, v) for _, t, v in h]
                m8 = split(m)
                body = [self.mask(x) for x in body]
                if m8 in ('Echo.Map', 'Echo.MapStr', 'Echo.Hold', 'Echo.Any'):
                    body = bson_sorted(body)
                out.append(dict(seq=s, method=m, error=split(e), body=body, kinds=(km, ks, ke)))
        elif c == 'json':
            for order, v in json_msgs(b):
                if order != ['id', 'result', 'error']:
                    raise Bad('members %r' % order)
                r = v['result']
                if isinstance(r, dict):
                    r = {k: self.mask((k, 5, x))[2] for k, x in r.items()}
                if v['error'] is not None and r == {} and not self.ctx.recorded:
                    r = None if b is self.raw else r          # rule 5: what was recorded as {} has to be null
                out.append(dict(seq=json.dumps(v['id'], sort_keys=True), method=None, error=v['error'] or '', body=r,
                                kinds=v['error'] is None))
        else:
            for h, body in gob_msgs(before + b)[len(gob_msgs(before)):]:      # type definitions live on
                e = split(h.get('Error', ('s', b''))[1])
                out.append(dict(seq=h.get('Seq', ('u', 0))[1], method=h.get('ServiceMethod', ('s', b''))[1],
                                error=e, body=None if e else body, kinds=None))
        return out

    def mask(self, el):
        k, t, v = el
        if k == 'Challenge' and re.match(r'^<\d{1,10}\.\d+@[^>]+>$', split(v) or ''):
            return k, t, b'CHALLENGE'
        if k == 'Addr' and (split(v) == self.ctx.local or re.match(r'^127\.0\.0\.1:\d+$', split(v) or '') and not self.ctx.live):
            return k, t, b'ADDR'
        return el

    def one(self, w, g):
        if callable(w.get('test')):
            return w['test'](g)
        if w['seq'] != g['seq'] or w['method'] != g['method']:
            return 'Seq/id or ServiceMethod %r %r' % (g['seq'], split(g['method']))
        if not same_error(self.codec, w['error'], g['error']):
            return 'error text %r' % g['error']
        if w['kinds'] != g['kinds']:
            return 'element kinds (or error null) %r, wanted %r' % (g['kinds'], w['kinds'])
        if self.codec == 'json' and not self.ctx.recorded and like(w['body'], g['body']):
            return None
        return None if w['body'] == g['body'] else 'body %r, wanted %r' % (g['body'], w['body'])

    def check(self, got):
        if isinstance(self.raw, bytes) and got == self.raw and (self.ctx.recorded or self.codec != 'json'):
            return None
        if self.want is None:
            return 'bytes differ'
        try:
            g = self.norm(got, self.before[1])
        except (Bad, struct.error) as x:
            return str(x)
        if len(g) != len(self.want):
            return '%d replies, wanted %d' % (len(g), len(self.want))
        if self.order:
            for w, x in zip(self.want, g):
                r = self.one(w, x)
                if r:
                    return r
            return None
        left = list(g)                       # order free: first match; a stream's own items keep their order
        for w in self.want:
            for i, x in enumerate(left):
                if self.one(w, x) is None:
                    if self.loose and any(y['seq'] == x['seq'] and y['body'] != x['body'] for y in left[:i]):
                        return 'stream items out of order'
                    del left[i]
                    break
            else:
                return 'no reply like %s' % show(w)
        return None

    def text(self):
        return repr(self.raw[:400]) if isinstance(self.raw, bytes) and not getattr(self, 'rule', None) else \
            '; '.join(show(w) for w in self.want) or 'nothing'


def show(w):
    if 'text' in w:
        return w['text']
    e = 'any error text' if w['error'] is ANY_ERROR else repr(w['error'])
    return 'Seq %s error %s body %r' % (w['seq'], e, w['body'])


class Quiet:
    def check(self, got):
        return 'unexpected bytes' if got else None

    def text(self):
        return 'nothing'


class Bytes(Quiet):
    def __init__(self, want):
        self.want = want

    def check(self, got):
        return None if got == self.want else 'bytes differ'

    def text(self):
        return repr(self.want[:400])


class Http:
    """A sequence of HTTP responses, possibly with the 200 Connected line among or after them."""

    def __init__(self, want, ctx, head=False, rpc=None, allow=None, page=None, then=None):
        self.want, self.ctx, self.head, self.rpc, self.allow, self.page, self.then = want, ctx, head, rpc, allow, page, then

    def parse(self, b):
        out = []
        while b:
            if b.startswith(HS):
                out.append('connected')
                b = b[len(HS):]
                if self.then and out == ['connected']:
                    out.append(b)
                    return out
                continue
            h, sep, b = b.partition(b'\r\n\r\n')
            if not sep:
                raise Bad('head not complete')
            lines = h.decode('latin1').split('\r\n')
            hdr = {}
            for x in lines[1:]:
                k, s, v = x.partition(': ')
                if not s:
                    raise Bad('header line %r' % x)
                hdr[k.lower()] = v
            n = len(b)
            if 'content-length' in hdr and not self.head:
                n = int(hdr['content-length'])
                if n > len(b):
                    raise Bad('body not complete')
            out.append((lines[0], hdr, b[:n]))
            b = b[n:]
        return out

    def check(self, got):
        blank = lambda x: re.sub(rb'Date: [^\r\n]*', b'Date: -', x)
        if not self.page and not self.allow and not self.then and (self.rpc is None or self.ctx.recorded) \
                and blank(got) == blank(self.want):
            return None
        if self.ctx.strict_http and not self.page and not self.allow and not self.then:
            return 'bytes differ'
        try:
            w, g = self.parse(self.want), self.parse(got)
        except Bad as x:
            return str(x)
        if self.then:
            return 'no 200 Connected line' if not g or g[0] != 'connected' else self.then.check(b''.join(g[1:]))
        if not self.ctx.recorded and w and len(g) == len(w) - 1 and w[-1][0].split(' ')[1] in ('400', '431', '505'):
            w = w[:-1]                                      # rule 14: or just the close
        if len(w) != len(g):
            return '%d responses, wanted %d' % (len(g), len(w))
        for a, b in zip(w, g):
            if a == 'connected' or b == 'connected':
                if a != b:
                    return 'not the 200 Connected line'
                continue
            code = a[0].split(' ')[1]
            if code in ('400', '431', '505') and not self.ctx.recorded:     # rule 14: our HTTP library's own words
                if b[0].split(' ')[1][:1] not in ('4', '5'):
                    return 'rule 14: status line %r' % b[0]
                continue
            if a[0] != b[0]:
                return 'status line %r' % b[0]
            # The last three keep browsers from taking a reply for something else.
            free = {'date', 'content-length', 'x-content-type-options', 'x-frame-options', 'referrer-policy'}
            for k, v in a[1].items():
                if k not in free and b[1].get(k) != v:
                    return 'header %s: %r' % (k, b[1].get(k))
            extra = set(b[1]) - set(a[1]) - free - {'connection'} - ({'allow'} if self.allow else set())
            if extra:
                return 'headers %s' % sorted(extra)
            if self.allow and not {x.strip() for x in b[1].get('allow', '').split(',')} >= {'CONNECT'}:
                return 'rule 9: no `Allow: CONNECT`'
            if self.page:
                r = self.page(b[2])
                if r:
                    return r
            elif self.rpc and a[2]:
                r = Stream(self.rpc, a[2], self.ctx).check(b[2])
                if r:
                    return r
            elif a[2] != b[2]:
                return 'body %r' % b[2][:200]
        return None

    def text(self):
        if self.then:
            return '200 Connected, then ' + self.then.text()
        return repr(self.want[:400]) + (' with `Allow: CONNECT`' if self.allow else '')


# ------------------------------------------------------------------ deliberate differences
def wanted(seq, method, body, error='', std=False, **k):
    kinds = (2, 0x12, 2) if std else (5, 0x3F, 5)
    return dict(seq=seq, method=method.encode(), error=error, body=body, kinds=kinds, **k)


def err(seq, method, text=ANY_ERROR):
    return wanted(seq, method, [], text)


def requests(b):
    """-> ([(method kind, method, seq, body elements)], rest, fault) - fault tells where framing rule 4 strikes."""
    out, p = [], 0
    while len(b) - p >= 4:
        n = struct.unpack_from('<I', b, p)[0]
        if n < 5 or n > MAX_MESSAGE:
            return out, b[p:], 'header'
        try:
            h, q = bson_doc(b, p)
        except Bad:
            return out, b[p:], None
        km, m = member(h, 'ServiceMethod', (5, b''))
        ks, s = member(h, 'Seq', (0x3F, 0))
        m = m.decode('latin1') if isinstance(m, bytes) else ''
        s = (s & 0xFFFFFFFF if ks == 0x10 else s) if isinstance(s, int) else 0
        if len(b) - q >= 4:
            n = struct.unpack_from('<I', b, q)[0]
            if n < 5 or n > MAX_MESSAGE:
                return out + [(km, m, s, None)], b[q:], 'body'
        try:
            body, q = bson_doc(b, q)
        except Bad as x:
            bad = 'body' if str(x) == 'string length' and b'\x02Name\0\0\0\0\0' in b[q:] else None
            return out + [(km, m, s, None)], b[q:], bad
        out.append((km, m, s, body))
        p = q
    return out, b[p:], None


def f64(x):
    return struct.pack('<d', x)


def fits(method, body):
    """The reply required of a call that rules 1 and 13 change: (rule, body or ANY_ERROR), or None."""
    if method == 'Arith.Multiply':
        (ka, a), (kb, x) = member(body, 'A'), member(body, 'B')
        if (ka == 0x10 and a < 0) or (kb == 0x10 and x < 0):
            return 1, [('_Val_', 0x12, a * x)]
        return None
    k, v = member(body, '_Val_')
    if method == 'Echo.Int' and k == 0x10 and v < 0:
        return 1, [('_Val_', 0x12, v)]
    if method == 'Echo.Int32' and k == 0x12:
        return 13, [('_Val_', 0x10, v)] if -2**31 <= v < 2**31 else ANY_ERROR
    if method == 'Echo.Uint32' and k in (0x12, 0x3F):
        ok = 0 <= v < 2**32
        return (13, [('_Val_', 0x3F, v)] if ok else ANY_ERROR) if k == 0x12 or not ok else None
    if method == 'Echo.Float64' and k in (0x10, 0x12, 0x3F):
        return 13, [('_Val_', 0x01, f64(v))]
    return None


def standard(doc):
    return [(k, 0x12 if t == 0x3F else t, standard(v) if t in (3, 4) else v) for k, t, v in doc]


def natural(method, body):
    """Body of a success for a method whose reply the original could not encode (rule 3), else None."""
    if method == 'Echo.Any':
        return [x for x in body if x[0] == '_Val_'] or None
    return {'Echo.Bad': [('X', 0x10, 1)], 'Echo.BadKey': [('1', 5, b'a')]}.get(method)


def either(seq, method, good):
    def test(g):
        if g['seq'] != seq or split(g['method']) != method or g['kinds'] != (5, 0x3F, 5):
            return 'header of another call'
        if g['error']:
            return None if g['body'] == [] else 'error reply with a body'
        return None if g['body'] == good else 'body %r' % g['body']
    return dict(seq=seq, test=test, text='Seq %d: an error reply, or %r' % (seq, good))


def deliberate(e, sent, want, ctx, auth):
    """-> (rule number, check, closed?) replacing the recorded reply, or None."""
    codec, name = e['codec'], e['name']
    raw = name.startswith('raw/')
    B = lambda msgs: Stream('bson', msgs, ctx, order=False)
    if codec == 'http':
        head, sep, rest = sent.partition(b'\n\n')
        if sent.startswith(b'CONNECT /_bson_rpc_ ') and rest and want == HS:
            r = requests(rest)[0]
            if not r:
                return None
            return 2, Http(want, ctx, then=B([wanted(s, m, [('_Val_', 0x12, member(b, 'A')[1] * member(b, 'B')[1])])
                                             for _, m, s, b in r])), None
        if b' 405 ' in want[:14]:
            return 9, Http(want, ctx, head=sent.startswith(b'HEAD'), allow=True), None
        return None
    if codec == 'json':
        if b'"Slow.Sleep"' in sent and not want:
            q = json.loads(sent)
            return 6, Stream('json', [dict(seq=json.dumps(jnum(str(q['id']))), method=None, error='', kinds=True,
                                           body=jnum(str(q['params'][0])))], ctx), None
        if raw and not auth and re.search(rb'"method":"[\w.]+"(,"params":null)?,"id":\d+\}\n?$', sent):
            i = json.dumps(jnum(re.search(rb'"id":(\d+)\}\n?$', sent).group(1).decode()))
            no = dict(seq=i, method=None, error='jsonrpc: request body missing params', kinds=False, body=None)
            rest = [w for w in Stream('json', want, ctx).want if w['seq'] != i]
            return 5, Stream('json', rest + [no], ctx, order=False), None
        return None
    if codec == 'gob':
        if b'Slow.Sleep' in sent and not want:
            v = Gob(sent).values
            return 6, Stream('gob', [dict(seq=v[0].get('Seq', ('u', 0))[1], method=b'Slow.Sleep', error='', kinds=None,
                                          body=v[1])], ctx), None
        return None
    if codec != 'bson':
        return None
    reqs, rest, fault = requests(sent)
    if auth:
        if any(m.endswith('.Authenticate') and b and member(b, 'state')[0] for _, m, _, b in reqs) and not want:
            (_, m1, s1, _), (_, m2, s2, _) = reqs[:2]
            return 7, B([err(s1, m1, 'authentication error: authentication failed'),
                         wanted(s2, m2, [('Challenge', 5, b'CHALLENGE')])]), True
        return None
    if fault == 'header' and not reqs:
        return 4, Quiet(), True
    if fault == 'body':
        return 4, B([err(reqs[-1][2], reqs[-1][1])]), True
    if any(m in ('Echo.Any', 'Echo.Bad', 'Echo.BadKey') for _, m, _, _ in reqs):
        w = []
        for _, m, s, b in reqs:
            good = natural(m, b)
            w.append(either(s, m, good) if m.startswith('Echo.') else
                     wanted(s, m, [('_Val_', 0x12, member(b, 'A')[1] * member(b, 'B')[1])]))
        return 3, B(w), None
    if reqs and not want and not rest and ('halfclose' in name or not raw):
        w = []
        for _, m, s, b in reqs:
            if m == 'Slow.Sleep':
                w.append(wanted(s, m, [('_Val_', 0x12, member(b, '_Val_')[1])]))
            elif m == 'Arith.Multiply':
                w.append(wanted(s, m, [('_Val_', 0x12, member(b, 'A')[1] * member(b, 'B')[1])]))
        if len(w) == len(reqs):
            return 6, B(w), None
    if len(reqs) == 1 and reqs[0][3] is not None:
        k, m, s, b = reqs[0]
        if k == 0x02 and want:
            w = Stream('bson', want, ctx).want[0]
            w.update(kinds=(2, 0x12, 2), body=standard(w['body']))
            return 8, B([w]), None
        r = fits(m, b)
        if r:
            return r[0], B([err(s, m) if r[1] is ANY_ERROR else wanted(s, m, r[1])]), None
        if m == 'Echo.BadF32':
            return 13, B([wanted(s, m, [], ('', 'cannot unmarshal into float32'))]), None
    return None


# ------------------------------------------------------------------ running one exchange
class Ctx:
    live, local = False, None


def long_echo():
    el = lambda k, v: b'\x05' + k + b'\0' + struct.pack('<I', len(v)) + b'\0' + v
    doc = lambda b: struct.pack('<I', len(b) + 5) + b + b'\0'
    seq = b'\x3fSeq\0' + struct.pack('<Q', 1)
    m, body = el(b'ServiceMethod', b'Echo.String') + seq, doc(el(b'_Val_', b'x' * 100000))
    return doc(m) + body, doc(m + el(b'Error', b'')) + body


def plan(e):
    """-> (path to CONNECT to or None, [(sent, wanted bytes)], how it ends: fin | closed | open)"""
    phases, first = [], None
    for s in e['steps']:
        if 'hex' in s:
            if s['hex'] == '(long)':
                data = long_echo()[0 if s['dir'] == 'c2s' else 1]
            else:
                data = bytes.fromhex(s['hex'])
            if s['dir'] == 'c2s':
                phases.append([data, b''])
            elif phases:
                phases[-1][1] += data
        elif first is None and s.get('event') == 'FIN':
            first = s['dir']
    path = None
    if e.get('path') == 'after handshake':
        path = '/_%s_rpc_' % e['codec']
        if e['name'].startswith('raw/auth_') or e['name'].startswith('raw/json_auth'):
            path += '/auth'
    if 'after' in e:
        end = 'closed' if e['after'].startswith('closed') else 'open'
    else:
        broken = any(s.get('event', '').startswith('ERR') for s in e['steps'])
        end = 'closed' if first == 's2c' and not broken else 'fin'
    return path, phases, end


def proof_for(phases, path):
    """-> (recorded proof hex, user secret) when the recorded proof is right for the recorded challenge."""
    whole = b''.join(w for _, w in phases)
    c = re.search(rb'(?:<|\\u003c)(\d{1,10}\.\d+@\w[\w.-]*)(?:>|\\u003e)', whole)
    p = re.search(rb'(\w+) ([0-9a-f]{32})', b''.join(s for s, _ in phases))
    if not c or not p:
        return None
    for secret in CREDS.get(p.group(1).decode(), []):
        if hmac.new(secret.encode(), b'<' + c.group(1) + b'>', hashlib.md5).hexdigest().encode() == p.group(2):
            return p.group(2), secret
    return None


def receive(s, check, limit, quiet=0.015):
    """Reads until check() is content and the line has been quiet for a moment, or it closes, or time is up."""
    buf, end = b'', time.time() + limit
    while True:
        ok = check(buf) is None
        s.settimeout(max(0.001, quiet if ok else end - time.time()))
        try:
            x = s.recv(1 << 16)
        except socket.timeout:
            return buf, 'open'
        except OSError:
            return buf, 'closed'
        if not x:
            return buf, 'closed'
        buf += x
        if time.time() > end:
            return buf, 'open'


def send(s, data):
    try:
        s.sendall(data)
    except OSError:
        pass


def connect(s, path, limit):
    s.sendall(('CONNECT %s HTTP/1.0\n\n' % path).encode())
    got, _ = receive(s, lambda b: None if b == HS else 'x', limit, 0.0)
    if got != HS:
        raise Bad('handshake: %r' % got)


def live_challenge(b):
    m = re.search(rb'(?:<|\\u003c)(\d{1,10}\.\d+@[^>\\"]+)(?:>|\\u003e)', b)
    return b'<' + m.group(1) + b'>' if m else None


def run(e, args, ctx):
    """-> (None or (wanted, got), rule or None)"""
    name, codec = e['name'], e['codec']
    raw = name.startswith('raw/')
    httprpc = codec == 'http-rpc'
    path, phases, end = plan(e)
    nd = e.get('nondeterministic') or ''
    free_order = 'order' in nd or 'interleaving' in nd or 'timing' in nd
    auth = (path or '').endswith('/auth') or any(s.startswith(b'CONNECT') and b'/auth' in s.split(b'\n')[0]
                                                  for s, _ in phases)
    half = raw and any(x in name for x in ('eof', 'probe', 'garbage_text', 'halfclose'))
    swap = proof_for(phases, path) if auth else None
    limit, rule = args.timeout, None

    s = socket.create_connection(ctx.http_rpc if httprpc else ctx.addr, timeout=5)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    ctx.local, ctx.live = '%s:%d' % s.getsockname()[:2], False
    try:
        if path:
            connect(s, path, limit)
        if raw and swap:                       # split the one recorded packet: the proof depends on the first reply
            (data, want), = phases
            n = [len(x) for x in split_msgs(codec, data)]
            w = split_msgs(codec, want)
            phases, p = [], 0
            for i, k in enumerate(n):
                phases.append([data[p:p + k], w[i] if i < len(w) else b''])
                p += k
        seen, state, before = b'', 'open', (b'', b'')
        for i, (data, want) in enumerate(phases):
            last = i == len(phases) - 1
            if swap and swap[0] in data:
                c = live_challenge(seen) or b''
                data = data.replace(swap[0], hmac.new(swap[1].encode(), c, hashlib.md5).hexdigest().encode())
            ctx.live = False
            new = None
            chk = None
            if not ctx.recorded and not (not raw and data.startswith(b'CONNECT')):
                new = deliberate(e, data, want, ctx, auth)
            if new:
                rule, chk, closes = new
                if closes is not None:
                    end = 'closed' if closes else 'open'
                if isinstance(chk, Stream):
                    chk.rule = rule
                    if rule == 6:
                        limit = max(limit, 3.0)
            elif want.startswith(b'HTTP/') or codec in ('http', 'http-rpc') and want:
                page = None
                if nd == 'live':
                    page = live_page(data)
                inner = ('json' if b'/_json' in data[:40] else 'bson') if httprpc else None
                chk = Bytes(want) if want == HS else Http(want, ctx, head=data.startswith(b'HEAD'), rpc=inner, page=page)
            elif not want:
                chk = Quiet()
            else:
                chk = Stream(codec, want, ctx, loose='tream' in name, order=not free_order, before=before)
            ctx.live = True
            if 'byte_by_byte' in name:
                for c in data:
                    send(s, bytes([c]))
                    time.sleep(0.001)
            else:
                send(s, data)
            if half and rule != 4 or rule == 6 and last and not raw:
                s.shutdown(socket.SHUT_WR)
            quiet = isinstance(chk, Quiet) and not isinstance(chk, Bytes)
            if quiet and last and end == 'closed':
                got, state = receive(s, lambda b: 'wait', limit)
            elif quiet:
                got, state = receive(s, lambda b: 'wait', 0.2)
            else:
                got, state = receive(s, chk.check, limit)
            seen += got
            if codec == 'gob' and want != HS:
                before = before[0] + want, before[1] + got
            why = chk.check(got)
            if why:
                if rule is None and b'"result":{},"error":"' in want and not ctx.recorded:
                    rule = 5
                return (chk.text(), '%r (%s; connection %s)' % (got[:400], why, state)), rule
        if end == 'fin':
            if rule != 6:
                s.shutdown(socket.SHUT_WR)
            more, state = receive(s, lambda b: 'wait', limit) if state == 'open' else (b'', state)
            if more or state != 'closed':
                return ('the connection to be closed after our FIN', '%r (connection %s)' % (more[:200], state)), rule
        elif end == 'closed' or rule == 6:
            if state == 'open':
                more, state = receive(s, lambda b: 'wait', limit)
                if more:
                    return ('no more bytes', repr(more[:200])), rule
            if state != 'closed':
                return ('connection closed by the server', 'connection open'), rule
        elif state == 'closed':
            return ('connection left open', 'connection closed'), rule
        return None, rule
    except (OSError, Bad) as x:
        return ('the exchange to run', '%s: %s' % (type(x).__name__, x)), rule
    finally:
        s.close()


def speaks(e, codec):
    """Whether an exchange is in this codec, or is an HTTP request to the path where it is served."""
    path = {'gob': '_goRPC_'}.get(codec, '_%s_rpc_' % codec)
    sent = b''.join(s for s, _ in plan(e)[1])
    return e['codec'] == codec or re.match(rb'[A-Za-z]+ /%s[ ?/]' % path.encode(), sent) is not None


def split_msgs(codec, b):
    if codec == 'json':
        return [x + b'\n' for x in b.splitlines()]
    out, p, n = [], 0, 0
    while p < len(b):
        q = p
        for _ in range(2):
            q += struct.unpack_from('<I', b, q)[0]
        out.append(b[p:q])
        p = q
    return out


def live_page(data):
    if b'/debug/vars' in data:
        def page(body):
            try:
                v = json.loads(body)
            except ValueError as x:
                return '/debug/vars is not JSON: %s' % x
            no = [k for k in ('connection-count', 'connection-accepted') if not isinstance(v.get(k), int)]
            return '/debug/vars lacks %s' % no if no else None
    else:
        def page(body):
            no = [t for t in (b'Services', b'Arith', b'Multiply') if t not in body]
            return 'page lacks %s' % no if no else None
    return page


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('addr', nargs='?', metavar='HOST:PORT')
    a.add_argument('--http-rpc', metavar='HOST:PORT', help='port that serves the HTTP-RPC POST mode (else those are skipped)')
    a.add_argument('--only', metavar='SUBSTR', action='append', help='only exchanges whose name contains this')
    a.add_argument('--skip-codec', metavar='CODEC', action='append', default=[],
                   help='count the exchanges of this codec (bson, json, gob), and requests to its path, as skipped')
    a.add_argument('--list', action='store_true', help='print the names and the rule that changes each, run nothing')
    a.add_argument('--file', default=os.path.join(here, 'go_rpc_exchanges.json'))
    a.add_argument('--recorded', action='store_true', help='want what was recorded, without the deliberate differences')
    a.add_argument('--strict-http', action='store_true', help='compare HTTP pages as bytes')
    a.add_argument('--timeout', type=float, default=1.5)
    a.add_argument('-v', action='store_true', help='print every name')
    args = a.parse_args()
    with open(args.file) as f:
        todo = [e for e in json.load(f) if not args.only or any(x in e['name'] for x in args.only)]
    ctx = Ctx()
    ctx.recorded, ctx.strict_http = args.recorded, args.strict_http
    hp = lambda t: (t.rpartition(':')[0], int(t.rpartition(':')[2])) if t else None
    if args.list:
        for e in todo:
            path, phases, _ = plan(e)
            auth = (path or '').endswith('/auth') or any(b'/auth' in s[:40] for s, _ in phases)
            r = [deliberate(e, s, w, ctx, auth) for s, w in phases if e['name'].startswith('raw/') or not s.startswith(b'CONNECT')]
            r = [x[0] for x in r if x]
            if not r and e['codec'] in ('json', 'http-rpc') and any(b'"result":{},"error":"' in w for _, w in phases):
                r = [5]
            print(e['name'] + (' [rule %d]' % r[0] if r and not args.recorded else ''))
        return 0
    if not args.addr:
        a.error('HOST:PORT is missing')
    ctx.addr, ctx.http_rpc = hp(args.addr), hp(args.http_rpc)
    n = collections.Counter()
    for e in todo:
        if any(speaks(e, c) for c in args.skip_codec) or e['codec'] == 'http-rpc' and not ctx.http_rpc or args.recorded and any(
                x in e['name'] for x in ('halfclose', 'close_with_pending', 'marshal_failure_then')):   # races
            n['skipped'] += 1
            continue
        diff, rule = run(e, args, ctx)
        tag = e['name'] + (' [rule %d]' % rule if rule else '')
        n['failed' if diff else 'passed'] += 1
        if diff:
            print('%s | wanted %s | got %s' % (tag, diff[0], diff[1]))
        elif args.v:
            print(tag, 'ok')
    print('%d passed, %d failed, %d skipped' % (n['passed'], n['failed'], n['skipped']))
    return 1 if n['failed'] else 0


if __name__ == '__main__':
    sys.exit(main())
