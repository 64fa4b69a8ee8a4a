package main

import (
	"bufio"
	"io"
	"net/rpc"

	one "github.com/hashicorp/go-msgpack/codec"
	two "github.com/hashicorp/go-msgpack/v2/codec"
	half "rpcwrap.test/msgpack055/codec"
)

// What all versions of the library have in common.
type encoder interface{ Encode(value interface{}) error }
type decoder interface{ Decode(value interface{}) error }

// A version of the library and the settings of its handle.
type handle struct {
	version                                  string
	writeExt, lists, rawToString, timeNotOwn bool
}

func handles() []handle {
	var all []handle
	for _, version := range []string{"0.5.5", "1.1.5", "2.1.2"} {
		for bits := 0; bits < 16; bits++ {
			one := handle{version, bits&1 != 0, bits&2 != 0, bits&4 != 0, bits&8 != 0}
			// 0.5.5 knows times only as what they marshal themselves into.
			if version == "0.5.5" && one.timeNotOwn {
				continue
			}
			all = append(all, one)
		}
	}
	return all
}

func (h handle) pair(stream io.Reader, out io.Writer) (encoder, decoder) {
	switch h.version {
	case "0.5.5":
		handle := &half.MsgpackHandle{WriteExt: h.writeExt, RawToString: h.rawToString}
		handle.StructToArray = h.lists
		return half.NewEncoder(out, handle), half.NewDecoder(stream, handle)
	case "1.1.5":
		handle := &one.MsgpackHandle{WriteExt: h.writeExt}
		handle.RawToString, handle.StructToArray, handle.TimeNotBuiltin = h.rawToString, h.lists, h.timeNotOwn
		return one.NewEncoder(out, handle), one.NewDecoder(stream, handle)
	default:
		handle := &two.MsgpackHandle{WriteExt: h.writeExt}
		handle.RawToString, handle.StructToArray, handle.TimeNotBuiltin = h.rawToString, h.lists, h.timeNotOwn
		return two.NewEncoder(out, handle), two.NewDecoder(stream, handle)
	}
}

// rpcCodec is what net-rpc-msgpackrpc has, for every version of the library.
type rpcCodec struct {
	conn    io.Closer
	out     *bufio.Writer
	encoder encoder
	decoder decoder
}

func newCodec(stream io.ReadWriteCloser, h handle) *rpcCodec {
	out := bufio.NewWriter(stream)
	encoder, decoder := h.pair(bufio.NewReader(stream), out)
	return &rpcCodec{stream, out, encoder, decoder}
}

func (c *rpcCodec) write(header, body interface{}) error {
	if err := c.encoder.Encode(header); err != nil {
		return err
	}
	if err := c.encoder.Encode(body); err != nil {
		return err
	}
	return c.out.Flush()
}

func (c *rpcCodec) read(body interface{}) error {
	if body == nil {
		var ignored interface{}
		body = &ignored
	}
	return c.decoder.Decode(body)
}

func (c *rpcCodec) WriteRequest(r *rpc.Request, body interface{}) error   { return c.write(r, body) }
func (c *rpcCodec) ReadResponseHeader(r *rpc.Response) error              { return c.decoder.Decode(r) }
func (c *rpcCodec) ReadResponseBody(body interface{}) error               { return c.read(body) }
func (c *rpcCodec) ReadRequestHeader(r *rpc.Request) error                { return c.decoder.Decode(r) }
func (c *rpcCodec) ReadRequestBody(body interface{}) error                { return c.read(body) }
func (c *rpcCodec) WriteResponse(r *rpc.Response, body interface{}) error { return c.write(r, body) }
func (c *rpcCodec) Close() error                                          { return c.conn.Close() }
