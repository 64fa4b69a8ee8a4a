// msgpackforms -addr HOST:PORT calls a server of the conformance services with go-msgpack 0.5.5, 1.1.5 and 2.1.2 and every
// setting of their handles, over CONNECT and without it. msgpackforms -listen HOST:PORT -version V serves some of them
// instead. Prints one line per connection, `ok NAME` or `FAIL NAME: reason`.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/rpc"
	"os"
	"reflect"
	"time"
)

const limit = 30 * time.Second

type Args struct{ A, B int }

type Inner struct {
	Name string
	N    int64
}

// Arith is served with -listen.
type Arith struct{}

func (Arith) Multiply(args Args, reply *int) error {
	*reply = args.A * args.B
	return nil
}

// Echo is served with -listen.
type Echo struct{}

func (Echo) Time(args time.Time, reply *time.Time) error { *reply = args; return nil }

func (Echo) String(args string, reply *string) error { *reply = args; return nil }

func (Echo) Bytes(args []byte, reply *[]byte) error { *reply = args; return nil }

func serve(addr string, h handle) error {
	for name, service := range map[string]interface{}{"Arith": Arith{}, "Echo": Echo{}} {
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
		go rpc.ServeCodec(newCodec(conn, h))
	}
}

// Bytes that came behind the answer to the CONNECT stay in the reader.
type buffered struct {
	net.Conn
	reader *bufio.Reader
}

func (b buffered) Read(p []byte) (int, error) { return b.reader.Read(p) }

func dial(addr string, connect bool, h handle) (*rpc.Client, error) {
	conn, err := net.DialTimeout("tcp", addr, limit)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(limit)); err != nil {
		return nil, err
	}
	stream := buffered{conn, bufio.NewReader(conn)}
	if connect {
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
	}
	return rpc.NewClientWithCodec(newCodec(stream, h)), nil
}

// What is called with has to come back.
func echo(client *rpc.Client, method string, value interface{}) error {
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

func cases(client *rpc.Client, h handle) error {
	var product int
	if err := client.Call("Arith.Multiply", Args{7, -8}, &product); err != nil || product != -56 {
		return fmt.Errorf("Arith.Multiply: %d, %v", product, err)
	}
	var ignored interface{}
	if err := client.Call("Arith.Divide", Args{1, 0}, &ignored); err == nil || err.Error() != "divide by zero" {
		return fmt.Errorf("Arith.Divide: %v", err)
	}
	east := time.FixedZone("", 90*60)
	for _, one := range []struct {
		method string
		value  interface{}
	}{
		{"Time", time.Unix(1700000000, 5).UTC()}, {"Time", time.Unix(1700000000, 0).In(east)}, {"Time", time.Unix(-1, 0)},
		{"Time", time.Time{}}, {"String", ""}, {"String", "zażółć"}, {"String", "not \xff UTF-8"},
		{"String", string(make([]byte, 300))}, {"String", string([]byte{0xFF, 39: 0xFE})}, {"Bytes", []byte("\x00\xff")},
		{"Bytes", make([]byte, 70000)}, {"Inner", Inner{"n", -5}}, {"Strings", []string{"a", "\xff"}},
		{"MapStr", map[string]string{"a": "b", "": "\xff"}}, {"Uint64", uint64(1<<64 - 1)}, {"Int", -1 << 63},
		{"Float64", 1.5}, {"Bool", true}, {"Inners", []Inner{{"x", 1}, {"y", 2}}},
	} {
		if err := echo(client, one.method, one.value); err != nil {
			return err
		}
	}
	// A text in an interface is what the handle makes of it, and comes back as what was sent.
	var text interface{}
	if err := client.Call("Echo.Any", "\xff", &text); err != nil {
		return fmt.Errorf("Echo.Any: %w", err)
	}
	var wanted interface{} = []byte("\xff")
	if h.rawToString || h.writeExt && h.version != "0.5.5" {
		wanted = "\xff"
	}
	if !reflect.DeepEqual(text, wanted) {
		return fmt.Errorf("Echo.Any: got %#v, wanted %#v", text, wanted)
	}
	return nil
}

func main() {
	addr := flag.String("addr", "", "the server to call")
	listen := flag.String("listen", "", "where to serve instead")
	version := flag.String("version", "0.5.5", "what to serve with")
	notOwn := flag.Bool("time-not-builtin", false, "serve with TimeNotBuiltin")
	flag.Parse()
	if *listen != "" {
		fmt.Fprintln(os.Stderr, serve(*listen, handle{version: *version, timeNotOwn: *notOwn}))
		os.Exit(1)
	}
	failed := false
	for _, connect := range []bool{false, true} {
		for _, h := range handles() {
			client, err := dial(*addr, connect, h)
			if err == nil {
				err = cases(client, h)
				client.Close()
			}
			name := fmt.Sprintf("connect=%v %+v", connect, h)
			if err != nil {
				failed = true
				fmt.Printf("FAIL %s: %v\n", name, err)
				continue
			}
			fmt.Println("ok", name)
		}
	}
	if failed {
		os.Exit(1)
	}
}
