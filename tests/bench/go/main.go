// Command bench is the Go side of the benchmark: the standard library's net/rpc over HTTP CONNECT,
// gob on /_goRPC_ and JSON on /_json_rpc_. It prints its address as the first line of output.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/rpc"
	"net/rpc/jsonrpc"
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

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to listen on")
	flag.Parse()
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
