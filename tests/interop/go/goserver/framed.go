package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net/rpc"
)

// maxFrame bounds what a length may announce.
const maxFrame = 1 << 20

// framedCodec is an rpc.ServerCodec that only this program has: a message is two frames, the header and the value, each
// a length of four bytes, most significant first, and so many bytes of JSON.
type framedCodec struct {
	conn   io.ReadWriteCloser
	reader *bufio.Reader
	writer *bufio.Writer
}

func newFramedCodec(conn io.ReadWriteCloser) rpc.ServerCodec {
	return &framedCodec{conn, bufio.NewReader(conn), bufio.NewWriter(conn)}
}

func (c *framedCodec) ReadRequestHeader(request *rpc.Request) error {
	frame, err := c.frame()
	if err != nil {
		return err
	}
	return json.Unmarshal(frame, request)
}

func (c *framedCodec) ReadRequestBody(body interface{}) error {
	frame, err := c.frame()
	if err != nil || body == nil {
		return err
	}
	return json.Unmarshal(frame, body)
}

func (c *framedCodec) WriteResponse(response *rpc.Response, body interface{}) error {
	for _, value := range []interface{}{response, body} {
		frame, err := json.Marshal(value)
		if err != nil {
			return err
		}
		if err := binary.Write(c.writer, binary.BigEndian, uint32(len(frame))); err != nil {
			return err
		}
		if _, err := c.writer.Write(frame); err != nil {
			return err
		}
	}
	return c.writer.Flush()
}

func (c *framedCodec) Close() error { return c.conn.Close() }

func (c *framedCodec) frame() ([]byte, error) {
	var length uint32
	if err := binary.Read(c.reader, binary.BigEndian, &length); err != nil {
		return nil, err
	}
	if length > maxFrame {
		return nil, errors.New("frame too long")
	}
	frame := make([]byte, length)
	_, err := io.ReadFull(c.reader, frame)
	return frame, err
}
