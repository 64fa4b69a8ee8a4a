package main

import (
	"bufio"
	"bytes"
	"encoding/gob"
	"fmt"
	"io"
	"net"
	"net/rpc"
	"reflect"
	"strings"

	"rpcwrap/interop/cases"
	"rpcwrap/interop/gobtypes"
)

// session is a connection whose headers this program writes and reads itself. Its Request is not the type of net/rpc:
// its number on the wire is another than a stock client's first.
type session struct {
	net.Conn
	out bytes.Buffer
	enc *gob.Encoder
	dec *gob.Decoder
}

// Request and Response are those of net/rpc.
type (
	Request struct {
		ServiceMethod string
		Seq           uint64
	}
	Response struct {
		ServiceMethod string
		Seq           uint64
		Error         string
	}
)

func newSession(conn net.Conn) *session {
	s := &session{Conn: conn, dec: gob.NewDecoder(bufio.NewReader(conn))}
	s.enc = gob.NewEncoder(&s.out)
	return s
}

// onSession runs f on a connection without a handshake.
func onSession(name string, f func(*session) error) testCase {
	return testCase{name, func(t target) error {
		conn, err := open(t.raw)
		if err != nil {
			return err
		}
		defer conn.Close()
		return f(newSession(conn))
	}}
}

// onConn runs f on a connection without anything, to the port for HTTP.
func onConn(name string, f func(net.Conn) error) testCase {
	return testCase{name, func(t target) error {
		conn, err := open(t.addr)
		if err != nil {
			return err
		}
		defer conn.Close()
		return f(conn)
	}}
}

// queue writes a request behind those that wait for flush.
func (s *session) queue(header, arg interface{}) error {
	if err := s.enc.Encode(header); err != nil {
		return err
	}
	return s.enc.Encode(arg)
}

func (s *session) flush() error {
	_, err := s.out.WriteTo(s.Conn)
	return err
}

func (s *session) send(method string, seq uint64, arg interface{}) error {
	if err := s.queue(Request{method, seq}, arg); err != nil {
		return err
	}
	return s.flush()
}

// receive reads a header of any type with Response's fields, and the body behind it: into reply, or away.
func (s *session) receive(header *Response, reply interface{}) error {
	*header = Response{}
	if err := s.dec.Decode(header); err != nil {
		return err
	}
	if header.Error != "" || reply == nil {
		return s.dec.DecodeValue(reflect.Value{})
	}
	return s.dec.Decode(reply)
}

// want receives one reply of that number.
func (s *session) want(method string, seq uint64, product int) error {
	var header Response
	var got int
	if err := s.receive(&header, &got); err != nil {
		return err
	}
	if want := (Response{method, seq, ""}); header != want || got != product {
		return fmt.Errorf("got %+v %d, wanted %+v %d", header, got, want, product)
	}
	return nil
}

// ended wants the end of the connection.
func (s *session) ended() error {
	var header Response
	if err := s.receive(&header, nil); err != io.EOF {
		return fmt.Errorf("%+v, error %v, wanted the end", header, err)
	}
	return nil
}

var headerCases = []testCase{
	onSession("seq_of_any_size", func(s *session) error {
		for i, seq := range []uint64{0, 1, 127, 128, 1 << 32, 1<<64 - 1, 5, 5, 0} {
			if err := s.send("Arith.Multiply", seq, gobtypes.Args{A: i, B: 2}); err != nil {
				return err
			}
			if err := s.want("Arith.Multiply", seq, 2*i); err != nil {
				return err
			}
		}
		return nil
	}),
	onSession("same_seq_twice_in_flight", func(s *session) error {
		for _, a := range []int{21, 21} {
			if err := s.queue(Request{"Arith.Multiply", 7}, gobtypes.Args{A: a, B: 2}); err != nil {
				return err
			}
		}
		if err := s.flush(); err != nil {
			return err
		}
		return firstError(s.want("Arith.Multiply", 7, 42), s.want("Arith.Multiply", 7, 42))
	}),
	onConn("header_fields_of_others", func(conn net.Conn) error {
		// Behind CONNECT: without a handshake a server knows gob by the usual header only.
		if err := cases.Handshake(conn, rpc.DefaultRPCPath); err != nil {
			return err
		}
		s := newSession(conn)
		type Request struct {
			Trace         []byte
			ServiceMethod string
			Meta          map[string]string
			Seq           uint64
			At            gobtypes.Point
			Next          interface{}
		}
		for i := 0; i < 2; i++ {
			header := Request{allBytes, "Arith.Multiply", map[string]string{"k": "v"}, 9, gobtypes.Point{X: 1},
				[]byte("any")}
			if err := s.queue(header, gobtypes.Args{A: 6, B: 7}); err != nil {
				return err
			}
			if err := s.flush(); err != nil {
				return err
			}
			if err := s.want("Arith.Multiply", 9, 42); err != nil {
				return err
			}
		}
		return nil
	}),
	onSession("header_of_another_integer_size", func(s *session) error {
		type Request struct {
			Seq           uint8
			ServiceMethod string
		}
		if err := s.queue(Request{200, "Arith.Multiply"}, gobtypes.Args{A: 6, B: 7}); err != nil {
			return err
		}
		if err := s.flush(); err != nil {
			return err
		}
		return s.want("Arith.Multiply", 200, 42)
	}),
	onSession("reply_header_is_go_s", func(s *session) error {
		// Without a word about extensions the header has the three fields of net/rpc, in their order.
		if err := s.send("Arith.Multiply", 1, gobtypes.Args{A: 6, B: 7}); err != nil {
			return err
		}
		var length [1]byte
		if _, err := io.ReadFull(s.Conn, length[:]); err != nil {
			return err
		}
		definition := make([]byte, length[0])
		if _, err := io.ReadFull(s.Conn, definition); err != nil {
			return err
		}
		fields := "\x01\x03\x01\rServiceMethod\x01\f\x00\x01\x03Seq\x01\x06\x00\x01\x05Error\x01\f\x00\x00\x00"
		if !strings.HasSuffix(string(definition), fields) {
			return fmt.Errorf("definition %q", definition)
		}
		return nil
	}),
	onSession("timeout_in_the_header", func(s *session) error {
		type Request struct {
			ServiceMethod string
			Seq           uint64
			Timeout       int64
		}
		if err := s.queue(Request{"Gate.Wait", 1, 50}, "timeout_in_the_header"); err != nil {
			return err
		}
		if err := s.flush(); err != nil {
			return err
		}
		var header Response
		if err := s.receive(&header, nil); err != nil {
			return err
		}
		return equal(header, Response{"Gate.Wait", 1, "rpc: deadline exceeded after 50 ms"})
	}),
	onSession("details_in_the_header", func(s *session) error {
		type Request struct {
			ServiceMethod string
			Seq           uint64
			Details       bool
		}
		type Response struct {
			ServiceMethod string
			Seq           uint64
			Error         string
			Code          string
		}
		if err := s.queue(Request{"Nope.Nope", 1, true}, gobtypes.Args{A: 1}); err != nil {
			return err
		}
		if err := s.flush(); err != nil {
			return err
		}
		var header Response
		if err := s.dec.Decode(&header); err != nil {
			return err
		}
		return equal(header, Response{"Nope.Nope", 1, "rpc: can't find service Nope.Nope", "unknown_service"})
	}),
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
