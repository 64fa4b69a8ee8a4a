package main

import (
	"errors"
	"fmt"
	"math"
	"net/rpc"
	"os"
	"sync/atomic"

	"rpcwrap/interop/cases"
	"rpcwrap/interop/gobtypes"
)

var keys int64

// key gives a name for a gate that no other call has, in this run or another.
func key() string { return fmt.Sprintf("%d-%d", os.Getpid(), atomic.AddInt64(&keys, 1)) }

// meeting is the argument of Gate.Meet.
type meeting struct {
	Key   string
	Calls int
}

var concurrencyCases = []testCase{
	onClient("replies_out_of_order", func(c *rpc.Client) error {
		gate := key()
		waits := make([]*rpc.Call, 3)
		for i := range waits {
			waits[i] = c.Go("Gate.Wait", gate, new(string), make(chan *rpc.Call, 1))
		}
		for i := 0; i < 20; i++ {
			if err := multiply(c, i, 3); err != nil {
				return err
			}
		}
		for i, wait := range waits {
			select {
			case <-wait.Done:
				return fmt.Errorf("wait %d was answered before its gate opened: %v", i, wait.Error)
			default:
			}
		}
		if err := c.Call("Gate.Open", gate, new(gobtypes.Empty)); err != nil {
			return err
		}
		for _, wait := range waits {
			if <-wait.Done; wait.Error != nil || *wait.Reply.(*string) != gate {
				return fmt.Errorf("wait gave %q, error %v", *wait.Reply.(*string), wait.Error)
			}
		}
		return nil
	}),
	onClient("calls_run_at_the_same_time", func(c *rpc.Client) error {
		const calls = 100
		together := meeting{key(), calls}
		done := make(chan *rpc.Call, calls)
		for i := 0; i < calls; i++ {
			c.Go("Gate.Meet", together, new(int), done)
		}
		for i := 0; i < calls; i++ {
			if call := <-done; call.Error != nil || *call.Reply.(*int) != calls {
				return fmt.Errorf("%d, error %v", *call.Reply.(*int), call.Error)
			}
		}
		return nil
	}),
	onClient("1000_concurrent_calls", func(c *rpc.Client) error {
		done := make(chan *rpc.Call, 1000)
		for i := 0; i < cap(done); i++ {
			switch i % 4 {
			case 0:
				c.Go("Arith.Multiply", gobtypes.Args{A: i, B: 3}, new(int), done)
			case 1:
				c.Go("Gate.Sleep", i%7, new(int), done)
			case 2:
				c.Go("Arith.Divide", gobtypes.Args{A: i, B: 0}, new(gobtypes.Quotient), done)
			case 3:
				c.Go("Echo.Holder", gobtypes.Holder{V: gobtypes.Square{Side: i}}, new(gobtypes.Holder), done)
			}
		}
		for i := 0; i < cap(done); i++ {
			call := <-done
			if err := answered(call); err != nil {
				return fmt.Errorf("%s(%v): %w", call.ServiceMethod, call.Args, err)
			}
		}
		return nil
	}),
	onClient("64_goroutines_of_every_type", func(c *rpc.Client) error {
		statements := []func(*rpc.Client) error{
			echoes("Echo.Scalars", gobtypes.Scalars{I: 1, F64: math.Inf(1)}),
			echoes("Echo.Tree", gobtypes.NewTree(4, 0)),
			echoes("Echo.Holder", gobtypes.Holder{V: []interface{}{1, gobtypes.Square{Side: 1}}}),
			echoes("Echo.Inners", map[string]gobtypes.Inner{"a": {}}),
			echoes("Echo.Times", gobtypes.Times{At: utc}), echoes("Evolve.Record", fullRecord),
			gives("Evolve.Record", fullAdded, fullRecord),
			echoes("Echo.Arrays", gobtypes.Arrays{Ints: [3]int{1}}),
		}
		return cases.Parallel(64, func(i int) error {
			for n := 0; n < 8; n++ {
				if err := statements[(i+n)%len(statements)](c); err != nil {
					return err
				}
			}
			return nil
		})
	}),
	{"50_connections_of_100_calls", func(t target) error {
		return cases.Parallel(50, func(i int) error {
			return t.with(func(c *rpc.Client) error {
				for n := 0; n < 100; n++ {
					if err := multiply(c, i, n); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}},
	onSession("1000_requests_in_one_write", func(s *session) error {
		const calls = 1000
		for i := 0; i < calls; i++ {
			if err := s.queue(Request{"Arith.Multiply", uint64(i)}, gobtypes.Args{A: i, B: 2}); err != nil {
				return err
			}
		}
		written := make(chan error, 1)
		go func() { written <- s.flush() }()
		seen := map[uint64]bool{}
		for len(seen) < calls {
			var header Response
			var product int
			if err := s.receive(&header, &product); err != nil {
				return err
			}
			if header.Error != "" || seen[header.Seq] || product != 2*int(header.Seq) {
				return fmt.Errorf("%+v %d", header, product)
			}
			seen[header.Seq] = true
		}
		return <-written
	}),
	{"close_with_calls_pending", func(t target) error {
		gate := key()
		for i := 0; i < 20; i++ {
			err := t.with(func(c *rpc.Client) error {
				call := c.Go("Gate.Wait", gate, new(string), make(chan *rpc.Call, 1))
				if err := multiply(c, 2, i); err != nil {
					return err
				}
				if err := c.Close(); err != nil {
					return err
				}
				if <-call.Done; call.Error == nil {
					return errors.New("the call was answered")
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		// Those calls run on: to their server the connections may be half closed ones.
		return t.with(func(c *rpc.Client) error { return c.Call("Gate.Open", gate, new(gobtypes.Empty)) })
	}},
}

// answered checks the reply of one of the 1000 calls.
func answered(call *rpc.Call) error {
	if args, ok := call.Args.(gobtypes.Args); ok && args.B == 0 {
		if call.Error != rpc.ServerError("divide by zero") {
			return fmt.Errorf("error %v", call.Error)
		}
		return nil
	}
	if call.Error != nil {
		return call.Error
	}
	switch arg := call.Args.(type) {
	case int:
		return equal(*call.Reply.(*int), arg)
	case gobtypes.Args:
		return equal(*call.Reply.(*int), arg.A*arg.B)
	case gobtypes.Holder:
		return equal(*call.Reply.(*gobtypes.Holder), arg)
	}
	return errors.New("unexpected argument")
}
