package main

import (
	"fmt"
	"net/rpc"
	"time"

	"rpcwrap/interop/cases"
)

var concurrencyCases = []testCase{
	onClient("replies_out_of_order", func(c *rpc.Client) error {
		var slow, quick int
		first := c.Go("Slow.Sleep", 400, &slow, make(chan *rpc.Call, 1))
		second := c.Go("Slow.Sleep", 1, &quick, make(chan *rpc.Call, 1))
		select {
		case <-first.Done:
			return fmt.Errorf("a call of 400 ms was answered before one of 1 ms (error %v)", first.Error)
		case <-second.Done:
		}
		if second.Error != nil || quick != 1 {
			return fmt.Errorf("quick call: %d, %v", quick, second.Error)
		}
		<-first.Done
		if first.Error != nil || slow != 400 {
			return fmt.Errorf("slow call: %d, %v", slow, first.Error)
		}
		return nil
	}),
	onClient("calls_run_at_the_same_time", func(c *rpc.Client) error {
		start := time.Now()
		calls := make([]*rpc.Call, 100)
		for i := range calls {
			calls[i] = c.Go("Slow.Sleep", 200, new(int), make(chan *rpc.Call, 1))
		}
		for _, call := range calls {
			if <-call.Done; call.Error != nil {
				return call.Error
			}
		}
		if took := time.Since(start); took > 5*time.Second {
			return fmt.Errorf("100 calls of 200 ms took %v", took)
		}
		return nil
	}),
	onClient("1000_concurrent_calls", func(c *rpc.Client) error {
		done := make(chan *rpc.Call, 1000)
		for i := 0; i < cap(done); i++ {
			switch i % 3 {
			case 0:
				c.Go("Arith.Multiply", Args{i, 3}, new(int), done)
			case 1:
				c.Go("Slow.Sleep", i%7, new(int), done)
			case 2:
				c.Go("Arith.Divide", Args{i, 0}, new(Quotient), done)
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
	onClient("one_client_for_64_goroutines", func(c *rpc.Client) error {
		return cases.Parallel(64, func(i int) error {
			for n := 0; n < 50; n++ {
				if err := multiply(c, i, n); err != nil {
					return err
				}
			}
			return nil
		})
	}),
	{"50_connections_of_100_calls", func(s server) error {
		return cases.Parallel(50, func(i int) error {
			return s.with(func(c *rpc.Client) error {
				for n := 0; n < 100; n++ {
					if err := multiply(c, i, n); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}},
}

// answered checks the reply of one of the 1000 calls.
func answered(call *rpc.Call) error {
	switch arg := call.Args.(type) {
	case int:
		if call.Error != nil {
			return call.Error
		}
		return equal(*call.Reply.(*int), arg)
	case Args:
		if arg.B == 0 {
			if call.Error != rpc.ServerError("divide by zero") {
				return fmt.Errorf("error %v", call.Error)
			}
			return nil
		}
		if call.Error != nil {
			return call.Error
		}
		return equal(*call.Reply.(*int), arg.A*arg.B)
	}
	return fmt.Errorf("unexpected argument")
}
