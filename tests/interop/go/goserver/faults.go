package main

import (
	"bufio"
	"io"
	"net"
	"net/rpc"
	"net/rpc/jsonrpc"
)

// faults are servers that go wrong once they have the socket, by the last part of their path.
var faults = map[string]func(server *rpc.Server, conn net.Conn){
	// Goes with the first call unanswered.
	"close": func(_ *rpc.Server, conn net.Conn) {
		connected(conn, "")
		readLine(conn)
		_ = conn.Close()
	},
	// Answers the first call in another protocol.
	"garbage": func(_ *rpc.Server, conn net.Conn) {
		connected(conn, "")
		readLine(conn)
		_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n")
	},
	// Answers a call that was never made together with CONNECT, and then serves.
	"early": func(server *rpc.Server, conn net.Conn) {
		connected(conn, `{"id":77,"result":1,"error":null}`+"\n"+`{"id":78,"resu`)
		_, _ = io.WriteString(conn, `lt":2,"error":null}`+"\n")
		server.ServeCodec(jsonrpc.NewServerCodec(conn))
	},
	// Takes every call and answers none.
	"silent": func(_ *rpc.Server, conn net.Conn) {
		connected(conn, "")
		_, _ = io.Copy(io.Discard, conn)
	},
}

// connected answers CONNECT and, in the same write, says what it should not yet.
func connected(conn net.Conn, early string) {
	_, _ = io.WriteString(conn, "HTTP/1.0 200 Connected to Go RPC\n\n"+early)
}

func readLine(conn net.Conn) { _, _ = bufio.NewReader(conn).ReadString('\n') }
