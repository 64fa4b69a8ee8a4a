package main

import (
	"errors"
	"fmt"
	"math"
	"net/rpc"
)

// Args are the factors, or dividend and divisor.
type Args struct{ A, B int }

// Quotient is the reply of Arith.Divide.
type Quotient struct{ Quo, Rem int }

var callCases = []testCase{
	onClient("multiply", func(c *rpc.Client) error { return multiply(c, 7, 8) }),
	onClient("multiply_sequentially", func(c *rpc.Client) error {
		for i := -200; i < 200; i++ {
			if err := multiply(c, i, i+1); err != nil {
				return err
			}
		}
		return nil
	}),
	onClient("multiply_wraps", func(c *rpc.Client) error { return multiply(c, math.MaxInt64, 3) }),
	onClient("divide", func(c *rpc.Client) error {
		var q Quotient
		if err := c.Call("Arith.Divide", Args{17, 5}, &q); err != nil {
			return err
		}
		return equal(q, Quotient{3, 2})
	}),
	onClient("divide_by_zero", fails("Arith.Divide", Args{7, 0}, "divide by zero")),
	onClient("error_text_is_kept", fails("Arith.Error", Args{}, "app error: \"quoted\" <tag> é\n")),
	onClient("error_text_eos", fails("Arith.EOSError", Args{}, "EOS")),
	onClient("empty_error_is_success", func(c *rpc.Client) error {
		reply := -1
		if err := c.Call("Arith.EmptyError", Args{}, &reply); err != nil {
			return err
		}
		return equal(reply, 0)
	}),
	onClient("unknown_service", fails("Nope.Multiply", Args{}, "rpc: can't find service Nope.Multiply")),
	onClient("unknown_method", fails("Arith.Nope", Args{}, "rpc: can't find method Arith.Nope")),
	onClient("unknown_method_empty", fails("Arith.", Args{}, "rpc: can't find method Arith.")),
	onClient("ill_formed_no_dot", fails("Multiply", Args{}, "rpc: service/method request ill-formed: Multiply")),
	onClient("ill_formed_empty", fails("", Args{}, "rpc: service/method request ill-formed: ")),
	onClient("ill_formed_two_dots", fails("A.B.C", Args{}, "rpc: service/method request ill-formed: A.B.C")),
	onClient("argument_of_wrong_type", func(c *rpc.Client) error {
		for _, arg := range []interface{}{"text", map[string]string{"A": "x"}, []int{1}} {
			var reply int
			err := c.Call("Arith.Multiply", arg, &reply)
			if _, ok := err.(rpc.ServerError); !ok || err.Error() == "" {
				return fmt.Errorf("%v as Args: got %d, error %v", arg, reply, err)
			}
		}
		return multiply(c, 2, 3)
	}),
	onClient("unknown_member_is_skipped", func(c *rpc.Client) error {
		var reply int
		arg := map[string]interface{}{"A": 6, "B": 7, "C": []interface{}{map[string]int{"x": 1}}}
		if err := c.Call("Arith.Multiply", arg, &reply); err != nil {
			return err
		}
		return equal(reply, 42)
	}),
	onClient("missing_member_is_zero", func(c *rpc.Client) error {
		reply := -1
		if err := c.Call("Arith.Multiply", map[string]int{"A": 6}, &reply); err != nil {
			return err
		}
		return equal(reply, 0)
	}),
	onClient("connection_survives_errors", func(c *rpc.Client) error {
		for i := 0; i < 50; i++ {
			for _, method := range []string{"Arith.Divide", "Arith.Error", "Nope.X", "Arith.X", "X"} {
				var reply interface{}
				err := c.Call(method, Args{1, 0}, &reply)
				if _, ok := err.(rpc.ServerError); !ok {
					return fmt.Errorf("%s: error %v of type %T", method, err, err)
				}
			}
			if err := multiply(c, i, 2); err != nil {
				return err
			}
		}
		return nil
	}),
}

func multiply(c *rpc.Client, a, b int) error {
	var reply int
	if err := c.Call("Arith.Multiply", Args{a, b}, &reply); err != nil {
		return err
	}
	return equal(reply, a*b)
}

// fails wants the server's own error text, and the connection to live on.
func fails(method string, arg interface{}, text string) func(*rpc.Client) error {
	return func(c *rpc.Client) error {
		var reply interface{}
		err := c.Call(method, arg, &reply)
		if err == nil {
			return fmt.Errorf("succeeded with %v", reply)
		}
		if !errors.Is(err, rpc.ServerError(text)) {
			return fmt.Errorf("error %q of type %T, wanted %q", err, err, text)
		}
		return multiply(c, 3, 4)
	}
}
