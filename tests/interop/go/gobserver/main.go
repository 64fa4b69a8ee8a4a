// Gobserver is Go's own net/rpc server with the services of gobtypes: gob at CONNECT /_goRPC_, /_gob_rpc_ and
// /_custom_rpc_, and the services page at /debug/rpc, on one port; gob without a handshake on a second, jsonrpc on a
// third. Behind CONNECT /_odd_rpc_ a peer of its own making writes gob that is right but not Go's.
//
// It uses the standard library only and prints `listening on`, `raw on` and `rawjson on` with the addresses.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/rpc"
	"net/rpc/jsonrpc"
)

func main() {
	server := rpc.NewServer()
	for _, service := range []interface{}{Arith{}, Fail{}, &Echo{}, Look{}, Make{}, Evolve{}, &Gate{}, Big{}} {
		if err := server.Register(service); err != nil {
			log.Fatal(err)
		}
	}
	if err := server.RegisterName("ns.Arith", Arith{}); err != nil {
		log.Fatal(err)
	}
	server.HandleHTTP(rpc.DefaultRPCPath, rpc.DefaultDebugPath)
	http.Handle("/_gob_rpc_", server)
	http.Handle("/_custom_rpc_", server)
	http.HandleFunc("/_odd_rpc_", serveOdd)

	raw, rawJSON, listener := listen(), listen(), listen()
	fmt.Println("raw on", raw.Addr())
	fmt.Println("rawjson on", rawJSON.Addr())
	fmt.Println("listening on", listener.Addr())
	go server.Accept(raw)
	go accept(rawJSON, func(conn net.Conn) { server.ServeCodec(jsonrpc.NewServerCodec(conn)) })
	log.Fatal(http.Serve(listener, nil))
}

func listen() net.Listener {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	return listener
}

func accept(listener net.Listener, serve func(net.Conn)) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(conn)
	}
}

// serveOdd is rpc.Server.ServeHTTP for the odd peer.
func serveOdd(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		log.Print(err)
		return
	}
	defer conn.Close()
	// A failed write shows as a failed read of the first request.
	_, _ = io.WriteString(conn, "HTTP/1.0 200 Connected to Go RPC\n\n")
	if err := odd(conn); err != nil && err != io.EOF {
		log.Print("odd: ", err)
	}
}
