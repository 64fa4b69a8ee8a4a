// go_msgpack -addr HOST:PORT calls a server of the conformance services with hashicorp/net-rpc-msgpackrpc, over CONNECT
// and without it, with structs as maps and as lists, in the older and the newer form of MessagePack. go_msgpack -listen
// HOST:PORT serves some of them. Prints one line per case, `ok NAME` or `FAIL NAME: reason`.
package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/rpc"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/go-msgpack/v2/codec"
	msgpackrpc "github.com/hashicorp/net-rpc-msgpackrpc/v2"

	"rpcwrap/interop/msgpack/peer"
)

type Args = peer.Args

type Inner = peer.Inner

type Quotient struct{ Quo, Rem int }

// Arith is served with -listen.
type Arith struct{}

func (Arith) Multiply(args Args, reply *int) error {
	*reply = args.A * args.B
	return nil
}

func (Arith) Divide(args Args, reply *Quotient) error {
	if args.B == 0 {
		return errors.New("divide by zero")
	}
	*reply = Quotient{args.A / args.B, args.A % args.B}
	return nil
}

// Echo is served with -listen.
type Echo struct{}

func (Echo) Inner(args Inner, reply *Inner) error { *reply = args; return nil }

func (Echo) Strings(args []string, reply *[]string) error { *reply = args; return nil }

func (Echo) Bytes(args []byte, reply *[]byte) error { *reply = args; return nil }

func (Echo) Time(args time.Time, reply *time.Time) error { *reply = args; return nil }

func (Echo) Map(args map[string]interface{}, reply *map[string]interface{}) error {
	*reply = args
	return nil
}

func serve(addr string) error {
	services := map[string]interface{}{"Arith": Arith{}, "Echo": Echo{}}
	return peer.Serve(addr, services, func(conn net.Conn) { msgpackrpc.ServeConn(conn) })
}

func dial(addr string, connect bool, handle *codec.MsgpackHandle) (*rpc.Client, error) {
	conn, err := peer.Dial(addr, connect)
	if err != nil {
		return nil, err
	}
	return rpc.NewClientWithCodec(msgpackrpc.NewCodecFromHandle(true, true, conn, handle)), nil
}

func multiply(client *rpc.Client, a, b int) error {
	var product int
	if err := client.Call("Arith.Multiply", Args{a, b}, &product); err != nil {
		return err
	}
	if product != a*b {
		return fmt.Errorf("%d * %d = %d", a, b, product)
	}
	return nil
}

func fails(client *rpc.Client, method string, args interface{}, text string) error {
	var reply interface{}
	err := client.Call(method, args, &reply)
	if _, ok := err.(rpc.ServerError); !ok || err.Error() != text {
		return fmt.Errorf("%s: error %v, wanted %q", method, err, text)
	}
	return multiply(client, 6, 7)
}

var cases = []struct {
	name string
	run  func(client *rpc.Client) error
}{
	{"multiply", func(client *rpc.Client) error {
		for _, args := range []Args{{7, 8}, {-7, 8}, {0, 0}, {1 << 40, 3}, {-1 << 40, -1}} {
			if err := multiply(client, args.A, args.B); err != nil {
				return err
			}
		}
		return nil
	}},
	{"divide", func(client *rpc.Client) error {
		var quotient Quotient
		err := client.Call("Arith.Divide", Args{17, 5}, &quotient)
		if err == nil && quotient != (Quotient{3, 2}) {
			err = fmt.Errorf("%+v", quotient)
		}
		return err
	}},
	{"errors", func(client *rpc.Client) error {
		for _, one := range []struct{ method, text string }{
			{"Arith.Error", "app error: \"quoted\" <tag> é\n"},
			{"Nope.X", "rpc: can't find service Nope.X"},
			{"Arith.X", "rpc: can't find method Arith.X"},
			{"X", "rpc: service/method request ill-formed: X"},
			{"Arith.Divide", "divide by zero"},
		} {
			if err := fails(client, one.method, Args{1, 0}, one.text); err != nil {
				return err
			}
		}
		return fails(client, "Arith.Multiply", map[string]string{"A": "x"}, "msgpack: cannot decode string into int")
	}},
	{"values", func(client *rpc.Client) error {
		for _, one := range []struct {
			method string
			value  interface{}
		}{
			{"Int", int(-1 << 63)}, {"Int32", int32(-5)}, {"Uint64", uint64(1<<64 - 1)}, {"Float64", 1.5}, {"Bool", true},
			{"String", ""}, {"String", "zażółć"}, {"String", string(make([]byte, 300))}, {"String", "not \xff UTF-8"},
			{"Bytes", []byte("\x00\xff")}, {"Bytes", make([]byte, 70000)}, {"Inner", Inner{"n", -5}}, {"Inner", Inner{}},
			{"Strings", []string{"a", ""}}, {"Ints", []int64{1, -1}}, {"Inners", []Inner{{"x", 1}, {"y", 2}}},
			{"MapStr", map[string]string{"a": "b", "": ""}}, {"Time", time.Unix(1421305881, 5e8).UTC()},
			{"Time", time.Unix(1421305881, 0).UTC()}, {"Time", time.Time{}}, {"Time", time.Unix(-1, 0).UTC()},
		} {
			if err := peer.Echo(client, one.method, one.value); err != nil {
				return err
			}
		}
		return nil
	}},
	{"concurrent", func(client *rpc.Client) error {
		failed := make(chan error, 200)
		var all sync.WaitGroup
		for n := 0; n < 200; n++ {
			all.Add(1)
			go func(n int) {
				defer all.Done()
				if err := multiply(client, n, n); err != nil {
					failed <- err
				}
			}(n)
		}
		all.Wait()
		select {
		case err := <-failed:
			return err
		default:
			return nil
		}
	}},
}

func main() {
	addr := flag.String("addr", "", "the server to call")
	listen := flag.String("listen", "", "where to serve instead")
	flag.Parse()
	if *listen != "" {
		fmt.Fprintln(os.Stderr, serve(*listen))
		os.Exit(1)
	}
	failed := 0
	for _, connect := range []bool{false, true} {
		for _, lists := range []bool{false, true} {
			for _, newer := range []bool{false, true} {
				handle := &codec.MsgpackHandle{WriteExt: newer}
				handle.StructToArray = lists
				name := fmt.Sprintf("connect=%v lists=%v newer=%v", connect, lists, newer)
				client, err := dial(*addr, connect, handle)
				if err != nil {
					fmt.Println("FAIL", name, err)
					os.Exit(1)
				}
				for _, one := range cases {
					if err := one.run(client); err != nil {
						failed++
						fmt.Printf("FAIL %s %s: %v\n", one.name, name, err)
					} else {
						fmt.Println("ok", one.name, name)
					}
				}
				client.Close()
			}
		}
	}
	if failed > 0 {
		os.Exit(1)
	}
}
