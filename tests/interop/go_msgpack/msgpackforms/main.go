// msgpackforms -addr HOST:PORT calls a server of the conformance services with go-msgpack 0.5.5, 1.1.5 and 2.1.2 and every
// setting of their handles, over CONNECT and without it. msgpackforms -listen HOST:PORT -version V serves some of them
// instead. Prints one line per connection, `ok NAME` or `FAIL NAME: reason`.
package main

import (
	"flag"
	"fmt"
	"net"
	"net/rpc"
	"os"
	"reflect"
	"time"

	"rpcwrap/interop/msgpack/peer"
)

type Args = peer.Args

type Inner = peer.Inner

// Event has a time inside: at the top of a value go-msgpack reads and writes one in the form of its own, whatever
// TimeNotBuiltin says.
type Event struct{ When time.Time }

// Arith is served with -listen.
type Arith struct{}

func (Arith) Multiply(args Args, reply *int) error {
	*reply = args.A * args.B
	return nil
}

// Echo is served with -listen.
type Echo struct{}

func (Echo) Time(args time.Time, reply *time.Time) error { *reply = args; return nil }

func (Echo) Event(args Event, reply *Event) error { *reply = args; return nil }

func (Echo) String(args string, reply *string) error { *reply = args; return nil }

func (Echo) Bytes(args []byte, reply *[]byte) error { *reply = args; return nil }

func serve(addr string, h handle) error {
	services := map[string]interface{}{"Arith": Arith{}, "Echo": Echo{}}
	return peer.Serve(addr, services, func(conn net.Conn) { rpc.ServeCodec(newCodec(conn, h)) })
}

func dial(addr string, connect bool, h handle) (*rpc.Client, error) {
	conn, err := peer.Dial(addr, connect)
	if err != nil {
		return nil, err
	}
	return rpc.NewClientWithCodec(newCodec(conn, h)), nil
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
		if err := peer.Echo(client, one.method, one.value); err != nil {
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
