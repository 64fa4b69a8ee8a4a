// Command bench is the Go side of the benchmark: the standard library's net/rpc over HTTP CONNECT,
// gob on /_goRPC_ and JSON on /_json_rpc_. It prints its address as the first line of output.
//
// With -call it is a client instead: it keeps -in-flight JSON calls in flight on one connection and
// prints, for every line on its standard input, how many calls were answered so far.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/rpc"
	"net/rpc/jsonrpc"
	"os"
	"sync/atomic"
)

// Args are the arguments of Arith.Multiply.
type Args struct{ A, B int64 }

// Arith is the service of the net/rpc documentation.
type Arith struct{}

// Multiply sets reply to A times B.
func (Arith) Multiply(args *Args, reply *int64) error {
	*reply = args.A * args.B
	return nil
}

// serveJSON takes the connection over exactly as net/rpc does for gob, and serves JSON on it.
func serveJSON(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		http.Error(w, "405 must CONNECT", http.StatusMethodNotAllowed)
		return
	}
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		log.Print("hijacking ", r.RemoteAddr, ": ", err)
		return
	}
	if _, err := io.WriteString(conn, "HTTP/1.0 200 Connected to Go RPC\n\n"); err != nil {
		conn.Close()
		return
	}
	jsonrpc.ServeConn(conn)
}

// dialJSON connects as net/rpc's DialHTTPPath does for gob, and returns a JSON client.
func dialJSON(addr string) (*rpc.Client, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(conn, "CONNECT /_json_rpc_ HTTP/1.0\n\n"); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: http.MethodConnect})
	if err != nil {
		return nil, err
	}
	if resp.Status != "200 Connected to Go RPC" {
		return nil, fmt.Errorf("unexpected HTTP response: %s", resp.Status)
	}
	return jsonrpc.NewClient(conn), nil
}

// callServer calls until the standard input ends.
func callServer(addr string, inFlight int) {
	client, err := dialJSON(addr)
	if err != nil {
		log.Fatal(err)
	}
	var calls uint64
	for i := 0; i < inFlight; i++ {
		go func() {
			for {
				var product int64
				if err := client.Call("Arith.Multiply", &Args{7, 8}, &product); err != nil {
					log.Fatal(err)
				}
				if product != 56 {
					log.Fatal("7 × 8 is ", product)
				}
				atomic.AddUint64(&calls, 1)
			}
		}()
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fmt.Println(atomic.LoadUint64(&calls))
	}
}

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to listen on")
	call := flag.String("call", "", "address of a server to call instead")
	inFlight := flag.Int("in-flight", 64, "calls in flight")
	flag.Parse()
	if *call != "" {
		callServer(*call, *inFlight)
		return
	}
	if err := rpc.Register(Arith{}); err != nil {
		log.Fatal(err)
	}
	rpc.HandleHTTP()
	http.HandleFunc("/_json_rpc_", serveJSON)
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening on", listener.Addr())
	log.Fatal(http.Serve(listener, nil))
}
