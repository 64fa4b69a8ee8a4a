// Goload calls through a load balancer while the servers behind it come and go, as a Go program would that wants to
// lose nothing: net/rpc with the stock jsonrpc client codec, over CONNECT; it dials again when it is told that the
// server is draining, or finds the connection closed before it has sent its call. It uses the standard library only.
//
// It ends at SIGTERM, and prints `CALLS answered, REDIALS redials, FAILED failed`, behind a line for
// each of the first failed calls. It exits with 1 if any failed.
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
	"net/rpc/jsonrpc"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

const (
	limit    = 10 * time.Second
	draining = "rpc: server is draining"
	// redials is how often one call may be turned away before it counts as failed.
	redials = 20
)

// Args are those of Arith.Multiply.
type Args struct{ A, B int }

type counts struct {
	sync.Mutex
	calls, redials, failed int
}

func main() {
	addr := flag.String("addr", "", "HOST:PORT of the load balancer")
	callers := flag.Int("callers", 4, "connections at a time")
	pause := flag.Duration("pause", 0, "between the calls of a connection")
	flag.Parse()
	stop := make(chan struct{})
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	go func() {
		<-signals
		close(stop)
	}()
	var all counts
	var callersDone sync.WaitGroup
	for i := 0; i < *callers; i++ {
		callersDone.Add(1)
		go func() {
			defer callersDone.Done()
			load(*addr, *pause, stop, &all)
		}()
	}
	callersDone.Wait()
	fmt.Printf("%d answered, %d redials, %d failed\n", all.calls, all.redials, all.failed)
	if all.failed > 0 || all.calls == 0 {
		os.Exit(1)
	}
}

// load makes one call after the other until told to stop.
func load(addr string, pause time.Duration, stop chan struct{}, all *counts) {
	var client *rpc.Client
	for n := 0; ; n++ {
		select {
		case <-stop:
			if client != nil {
				client.Close()
			}
			return
		case <-time.After(pause):
		}
		turnedAway, err := call(addr, &client, n)
		all.Lock()
		all.redials += turnedAway
		if err != nil {
			all.failed++
			if all.failed <= 10 {
				fmt.Printf("call %d: %v\n", n, err)
			}
		} else {
			all.calls++
		}
		all.Unlock()
	}
}

// call makes one call, on another connection for as long as it is sure that nothing was done.
func call(addr string, client **rpc.Client, n int) (int, error) {
	for turnedAway := 0; ; turnedAway++ {
		if *client == nil {
			dialled, err := dial(addr)
			if err != nil {
				return turnedAway, fmt.Errorf("dial: %w", err)
			}
			*client = dialled
		}
		var product int
		err := (*client).Call("Arith.Multiply", Args{n, 2}, &product)
		switch {
		case err == nil && product == 2*n:
			return turnedAway, nil
		case err == nil:
			return turnedAway, fmt.Errorf("%d * 2 gave %d", n, product)
		}
		(*client).Close()
		*client = nil
		// rpc.ErrShutdown is what a client says that has found its connection closed; it has sent nothing then.
		safe := errors.Is(err, rpc.ErrShutdown) || err.Error() == draining
		if !safe || turnedAway >= redials {
			return turnedAway, err
		}
	}
}

// dial is rpc.DialHTTPPath with another codec.
func dial(addr string) (*rpc.Client, error) {
	conn, err := net.DialTimeout("tcp", addr, limit)
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(conn, "CONNECT /_json_rpc_ HTTP/1.0\n\n"); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: "CONNECT"})
	if err != nil {
		return nil, err
	}
	if resp.Status != "200 Connected to Go RPC" {
		return nil, errors.New("unexpected HTTP response: " + resp.Status)
	}
	return jsonrpc.NewClient(conn), nil
}
