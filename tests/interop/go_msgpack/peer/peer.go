// Package peer is what both programs need of a connection and of the conformance services.
package peer

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/rpc"
	"reflect"
	"time"
)

const limit = 30 * time.Second

type Args struct{ A, B int }

type Inner struct {
	Name string
	N    int64
}

// Serve registers the services and has serve answer each connection to addr. It returns with an error only.
func Serve(addr string, services map[string]interface{}, serve func(net.Conn)) error {
	for name, service := range services {
		if err := rpc.RegisterName(name, service); err != nil {
			return err
		}
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Println("listening on", listener.Addr())
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go serve(conn)
	}
}

// Bytes that came behind the answer to the CONNECT stay in the reader.
type buffered struct {
	net.Conn
	reader *bufio.Reader
}

func (b buffered) Read(p []byte) (int, error) { return b.reader.Read(p) }

// Dial opens a connection for MessagePack, by CONNECT or without it.
func Dial(addr string, connect bool) (net.Conn, error) {
	conn, err := net.DialTimeout("tcp", addr, limit)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(limit)); err != nil {
		return nil, err
	}
	stream := buffered{conn, bufio.NewReader(conn)}
	if !connect {
		return stream, nil
	}
	if _, err := io.WriteString(conn, "CONNECT /_msgpack_rpc_ HTTP/1.0\n\n"); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(stream.reader, &http.Request{Method: "CONNECT"})
	if err != nil {
		return nil, err
	}
	if answer.Status != "200 Connected to Go RPC" {
		return nil, errors.New(answer.Status)
	}
	return stream, nil
}

// Echo calls a method of Echo: what it is called with has to come back.
func Echo(client *rpc.Client, method string, value interface{}) error {
	reply := reflect.New(reflect.TypeOf(value))
	if err := client.Call("Echo."+method, value, reply.Interface()); err != nil {
		return fmt.Errorf("Echo.%s of %#v: %w", method, value, err)
	}
	got := reply.Elem().Interface()
	if when, ok := value.(time.Time); ok && when.Equal(got.(time.Time)) {
		return nil
	}
	if !reflect.DeepEqual(got, value) {
		return fmt.Errorf("Echo.%s: got %#v, wanted %#v", method, got, value)
	}
	return nil
}
