// Goserver is Go's own net/rpc server, for clients to be tried against: gob at CONNECT /_goRPC_, the
// stock jsonrpc codec at CONNECT /_json_rpc_, a codec of its own at CONNECT /_framed_rpc_, the services
// page at /debug/rpc, and what goes wrong at CONNECT /faults/…. It uses the standard library only and
// prints `listening on ADDRESS` when it does.
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

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to listen on")
	flag.Parse()

	server := rpc.NewServer()
	for _, service := range []interface{}{Arith{}, Echo{}, Slow{}} {
		if err := server.Register(service); err != nil {
			log.Fatal(err)
		}
	}
	server.HandleHTTP(rpc.DefaultRPCPath, rpc.DefaultDebugPath)
	for path, codec := range map[string]func(io.ReadWriteCloser) rpc.ServerCodec{
		"/_json_rpc_":   jsonrpc.NewServerCodec,
		"/_framed_rpc_": newFramedCodec,
	} {
		codec := codec
		handleConnect(path, func(conn net.Conn) {
			// A failed write shows as a failed read of the first request.
			_, _ = io.WriteString(conn, "HTTP/1.0 200 Connected to Go RPC\n\n")
			server.ServeCodec(codec(conn))
		})
	}
	for name, fault := range faults {
		fault := fault
		handleConnect("/faults/"+name, func(conn net.Conn) { fault(server, conn) })
	}

	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening on", listener.Addr())
	log.Fatal(http.Serve(listener, nil))
}

// handleConnect is rpc.Server.ServeHTTP with another way to go on.
func handleConnect(path string, serve func(net.Conn)) {
	http.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			http.Error(w, "405 must CONNECT", http.StatusMethodNotAllowed)
			return
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			log.Print("rpc hijacking ", r.RemoteAddr, ": ", err)
			return
		}
		serve(conn)
	})
}
