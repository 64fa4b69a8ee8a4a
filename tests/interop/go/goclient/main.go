// Goclient calls a server of the conformance services as a Go program does: net/rpc with the stock
// jsonrpc client codec, over CONNECT. It uses the standard library only.
//
// It prints one line per case, `ok NAME` or `FAIL NAME: reason`, and exits with 1 if any failed.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/rpc"
	"net/rpc/jsonrpc"
	"os"
	"time"

	"rpcwrap/interop/cases"
)

const (
	rpcPath = "/_json_rpc_"
	// caseLimit bounds one connection: every read and write on it fails after that time.
	caseLimit = 30 * time.Second
)

// server is the address under test.
type server string

// testCase is one statement about the server.
type testCase = cases.Case[server]

func main() {
	addr := flag.String("addr", "", "HOST:PORT of the server")
	run := flag.String("run", "", "run only the cases whose name matches this regular expression")
	skip := flag.String("skip", "^$", "leave out the cases whose name matches this regular expression")
	ca := flag.String("ca", "", "use TLS, and trust the CAs in this file")
	cert := flag.String("cert", "", "certificate to show to the server")
	key := flag.String("key", "", "its private key")
	flag.Parse()
	if *addr == "" {
		fmt.Fprintln(os.Stderr, "goclient: -addr is missing")
		os.Exit(2)
	}
	if *ca != "" {
		var err error
		if secure, err = trust(*ca, *cert, *key); err != nil {
			fmt.Fprintln(os.Stderr, "goclient:", err)
			os.Exit(2)
		}
	}
	cases.RunAll(server(*addr), 3*caseLimit, *run, *skip, callCases, valueCases, concurrencyCases, connectionCases, pageCases)
}

// secure is how all connections use TLS; nil if they do not.
var secure *tls.Config

// trust makes a TLS configuration of a CA's file and, if named, those of a client's certificate and key.
func trust(ca, cert, key string) (*tls.Config, error) {
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "localhost"}
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate in " + ca)
	}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// open connects without a handshake of net/rpc.
func (s server) open() (net.Conn, error) {
	conn, err := net.DialTimeout("tcp", string(s), caseLimit)
	if err != nil {
		return nil, err
	}
	if secure != nil {
		conn = tls.Client(conn, secure)
	}
	return conn, conn.SetDeadline(time.Now().Add(caseLimit))
}

// dial gives a connected client.
func (s server) dial() (*rpc.Client, error) {
	conn, err := s.open()
	if err != nil {
		return nil, err
	}
	if err := cases.Handshake(conn, rpcPath); err != nil {
		conn.Close()
		return nil, err
	}
	return jsonrpc.NewClient(conn), nil
}

// with runs f on a client of its own.
func (s server) with(f func(*rpc.Client) error) error {
	client, err := s.dial()
	if err != nil {
		return err
	}
	defer client.Close()
	return f(client)
}

// onClient is a case that needs nothing but a client.
func onClient(name string, f func(*rpc.Client) error) testCase {
	return testCase{name, func(s server) error { return s.with(f) }}
}
