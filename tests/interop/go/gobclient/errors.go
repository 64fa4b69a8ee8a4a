package main

import (
	"encoding/gob"
	"errors"
	"fmt"
	"math"
	"net/rpc"
	"strings"

	"rpcwrap/interop/gobtypes"
)

// stranger is of a name that the server has never heard.
type stranger struct{ N int }

func init() { gob.Register(stranger{}) }

var errorCases = []testCase{
	onClient("multiply", func(c *rpc.Client) error {
		for i := -200; i < 200; i++ {
			if err := multiply(c, i, i+1); err != nil {
				return err
			}
		}
		return multiply(c, math.MaxInt64, 3)
	}),
	onClient("divide", gives("Arith.Divide", gobtypes.Args{A: 17, B: 5}, gobtypes.Quotient{Quo: 3, Rem: 2})),
	onClient("divide_by_zero", fails("Arith.Divide", gobtypes.Args{A: 7}, "divide by zero")),
	onClient("error_text", all(fails("Fail.With", "app error: \"quoted\" <tag> é\n", "app error: \"quoted\" <tag> é\n"),
		fails("Fail.With", "EOS", "EOS"), fails("Fail.With", strings.Repeat("long ", 20000),
			strings.Repeat("long ", 20000)))),
	onClient("error_text_empty", all(gives("Fail.With", "", 0), gives("Fail.Empty", gobtypes.Empty{}, 0))),
	onClient("error_text_eos", fails("Fail.EOS", gobtypes.Empty{}, "EOS")),
	onClient("error_late", fails("Fail.Late", gobtypes.Empty{}, "too late")),
	onClient("error_leaves_the_reply_alone", func(c *rpc.Client) error {
		reply := gobtypes.Quotient{Quo: 1, Rem: 2}
		if err := c.Call("Arith.Divide", gobtypes.Args{A: 1}, &reply); err != rpc.ServerError("divide by zero") {
			return fmt.Errorf("error %v", err)
		}
		return equal(reply, gobtypes.Quotient{Quo: 1, Rem: 2})
	}),
	onClient("dotted_service", gives("ns.Arith.Multiply", gobtypes.Args{A: 7, B: 8}, 56)),
	onClient("unknown_service", fails("Nope.Multiply", gobtypes.Args{}, "rpc: can't find service Nope.Multiply")),
	onClient("unknown_service_case", fails("arith.Multiply", gobtypes.Args{A: 1},
		"rpc: can't find service arith.Multiply")),
	onClient("unknown_method", fails("Arith.Nope", gobtypes.Args{}, "rpc: can't find method Arith.Nope")),
	onClient("unknown_method_empty", fails("Arith.", gobtypes.Args{A: 1, B: 1}, "rpc: can't find method Arith.")),
	onClient("unknown_method_any_argument", all(
		fails("Nope.Nope", gobtypes.NewTree(5, 0), "rpc: can't find service Nope.Nope"),
		fails("Nope.Nope", gobtypes.Holder{V: []interface{}{gobtypes.Square{Side: 1}, utc}},
			"rpc: can't find service Nope.Nope"),
		fails("Nope.Nope", gobtypes.Mixed{Area: gobtypes.Square{}, List: []interface{}{stranger{1}}},
			"rpc: can't find service Nope.Nope"),
		fails("Nope.Nope", utc, "rpc: can't find service Nope.Nope"),
		fails("Nope.Nope", gobtypes.Arrays{}, "rpc: can't find service Nope.Nope"),
		fails("Nope.Nope", gobtypes.Maps{MapMap: map[string]map[string]int{"a": {"b": 1}}},
			"rpc: can't find service Nope.Nope"))),
	onClient("ill_formed_no_dot",
		fails("Multiply", gobtypes.Args{}, "rpc: service/method request ill-formed: Multiply")),
	onClient("ill_formed_empty", fails("", gobtypes.Args{}, "rpc: service/method request ill-formed: ")),
	onClient("ill_formed_two_dots", fails("A.B.C", gobtypes.Args{}, "rpc: service/method request ill-formed: A.B.C")),
	onClient("method_name_of_10000", fails("Arith."+strings.Repeat("x", 10000), gobtypes.Args{}, "")),
	onClient("connection_survives_errors", func(c *rpc.Client) error {
		for i := 0; i < 50; i++ {
			for _, method := range []string{"Arith.Divide", "Nope.X", "Arith.X", "X"} {
				err := c.Call(method, gobtypes.Args{A: 1}, new(int))
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
	return gives("Arith.Multiply", gobtypes.Args{A: a, B: b}, a*b)(c)
}

// fails wants the server's own error text, or any if that is empty, and the connection to live on.
func fails[A any](method string, arg A, text string) func(*rpc.Client) error {
	return func(c *rpc.Client) error {
		reply := new(gobtypes.Quotient)
		err := c.Call(method, arg, reply)
		if err == nil {
			return fmt.Errorf("%.60s(%.200s) succeeded", method, show(arg))
		}
		if _, ok := err.(rpc.ServerError); !ok {
			return fmt.Errorf("%.60s(%.200s): error %.200q of type %T", method, show(arg), err, err)
		}
		if text != "" && !errors.Is(err, rpc.ServerError(text)) {
			return fmt.Errorf("%.60s(%.200s): error %.200q, wanted %.200q", method, show(arg), err, text)
		}
		return multiply(c, 3, 4)
	}
}
