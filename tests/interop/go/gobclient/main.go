// Gobclient calls a server of the services of gobtypes as Go programs do: rpc.DialHTTP, rpc.DialHTTPPath, rpc.Dial and
// jsonrpc.Dial, and with codecs of its own where a stock client cannot say what has to be said. It uses the standard
// library only.
//
// It prints one line per case, `ok NAME` or `FAIL NAME: reason`, then `N passed, N failed`, and exits with 1 if any
// failed.
package main

import (
	"flag"
	"fmt"
	"net"
	"net/rpc"
	"os"
	"runtime"
	"time"

	"rpcwrap/interop/cases"
)

// caseLimit bounds one case, and every read and write on the connections it opens itself.
const caseLimit = 20 * time.Second

// target is the server under test. Servers that cannot tell protocols apart by their first bytes have a port for
// each.
type target struct{ addr, raw, rawJSON string }

// testCase is one statement about the server.
type testCase = cases.Case[target]

func main() {
	var t target
	flag.StringVar(&t.addr, "addr", "", "HOST:PORT of the server")
	flag.StringVar(&t.raw, "raw", "", "HOST:PORT for gob without a handshake, by default the same")
	flag.StringVar(&t.rawJSON, "rawjson", "", "HOST:PORT for jsonrpc without a handshake, by default the same")
	run := flag.String("run", "", "run only the cases whose name matches this regular expression")
	skip := flag.String("skip", "^$", "leave out the cases whose name matches this regular expression")
	flag.Parse()
	if t.addr == "" {
		fmt.Fprintln(os.Stderr, "gobclient: -addr is missing")
		os.Exit(2)
	}
	if t.raw == "" {
		t.raw = t.addr
	}
	if t.rawJSON == "" {
		t.rawJSON = t.addr
	}
	fmt.Println("gobclient of", runtime.Version())
	cases.RunAll(t, caseLimit, *run, *skip, basicCases, listCases, mapCases, structCases, namedCases, interfaceCases, lookCases, errorCases, evolutionCases, concurrencyCases, connectionCases, headerCases, streamCases, pageCases, oddCases)
}

// open connects without a handshake.
func open(addr string) (net.Conn, error) {
	conn, err := net.DialTimeout("tcp", addr, caseLimit)
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(time.Now().Add(caseLimit))
}

// dialed runs f on a client that dial gives.
func dialed(dial func() (*rpc.Client, error), f func(*rpc.Client) error) error {
	client, err := dial()
	if err != nil {
		return err
	}
	defer client.Close()
	return f(client)
}

// with runs f on a client of its own, as rpc.DialHTTP gives it.
func (t target) with(f func(*rpc.Client) error) error {
	return dialed(func() (*rpc.Client, error) { return rpc.DialHTTP("tcp", t.addr) }, f)
}

// onClient is a case that needs nothing but a client.
func onClient(name string, f func(*rpc.Client) error) testCase {
	return testCase{name, func(t target) error { return t.with(f) }}
}

// all runs several statements about one connection.
func all(fs ...func(*rpc.Client) error) func(*rpc.Client) error {
	return func(c *rpc.Client) error {
		for _, f := range fs {
			if err := f(c); err != nil {
				return err
			}
		}
		return nil
	}
}
