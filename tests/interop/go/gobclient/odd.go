package main

import (
	"fmt"
	"net/rpc"

	"rpcwrap/interop/gobtypes"
)

// oddCases judge the odd peer of gobserver: what it sends has to be what Go takes.
var oddCases = []testCase{
	odd("odd_inner_first", func(c *rpc.Client) error {
		want := struct {
			In gobtypes.Inner
			N  int
		}{gobtypes.Inner{Name: "odd", N: -1}, 5}
		return firstError(gives("Odd.InnerFirst", gobtypes.Empty{}, want)(c),
			gives("Odd.InnerFirst", gobtypes.Empty{}, want)(c),
			gives("Odd.SameName", gobtypes.Empty{}, gobtypes.Point{X: 1, Y: 2})(c))
	}),
	odd("odd_redefined", func(c *rpc.Client) error {
		return firstError(gives("Odd.Redefined", gobtypes.Empty{}, gobtypes.Quotient{Quo: 3})(c),
			gives("Odd.Redefined", gobtypes.Empty{}, gobtypes.Quotient{Quo: 3, Rem: 2})(c),
			gives("Odd.Redefined", gobtypes.Empty{}, gobtypes.Quotient{Quo: 4})(c))
	}),
	odd("odd_structs", func(c *rpc.Client) error {
		for method, want := range map[string]gobtypes.Point{"Odd.Unnamed": {X: 1, Y: 2}, "Odd.ExplicitZero": {},
			"Odd.LongNumbers": {X: 3, Y: 4},
			"Odd.Trailing":    {X: 1, Y: 2}, "Odd.TwoNumbers": {X: 1, Y: 2}, "Odd.Unused": {X: 1, Y: 2}} {
			if err := gives(method, gobtypes.Empty{}, want)(c); err != nil {
				return err
			}
		}
		return nil
	}),
	odd("odd_interfaces", func(c *rpc.Client) error {
		want := gobtypes.Holder{V: gobtypes.Square{Side: 4}}
		return firstError(gives("Odd.Split", gobtypes.Empty{}, want)(c), gives("Odd.Whole", gobtypes.Empty{}, want)(c))
	}),
	odd("odd_others", func(c *rpc.Client) error {
		return firstError(gives("Odd.Int", gobtypes.Empty{}, 5)(c), gives("Odd.Strings", gobtypes.Empty{},
			[]string{"a", ""})(c),
			gives("Odd.Stranger", gobtypes.Empty{}, 6)(c), gives("Odd.Stranger", gobtypes.Empty{}, 7)(c))
	}),
	odd("odd_errors", func(c *rpc.Client) error {
		for _, text := range []string{"odd: with a body", "odd: with a body", "odd: with a body"} {
			if err := c.Call("Odd.ErrorWithBody", gobtypes.Empty{}, new(int)); err != rpc.ServerError(text) {
				return fmt.Errorf("error %v", err)
			}
		}
		if err := c.Call("Odd.Nothing", gobtypes.Empty{},
			new(int)); err != rpc.ServerError("odd: nothing more for Odd.Nothing") {
			return fmt.Errorf("error %v", err)
		}
		return nil
	}),
}

func odd(name string, f func(*rpc.Client) error) testCase {
	return testCase{name, func(t target) error {
		return dialed(func() (*rpc.Client, error) { return rpc.DialHTTPPath("tcp", t.addr, "/_odd_rpc_") }, f)
	}}
}
