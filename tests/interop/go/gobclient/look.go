package main

import (
	"fmt"
	"math"
	"net/rpc"
	"sort"
	"time"

	"rpcwrap/interop/gobtypes"
)

// lookCases have one way only: the server says what it was given, or makes what it is told.
var lookCases = []testCase{
	onClient("look_at_floats", func(c *rpc.Client) error {
		for _, f := range []float64{0, 1, -0.1, negativeZero, math.NaN(), payloadNaN, math.Inf(-1), math.MaxFloat64,
			5e-324} {
			if err := gives("Look.Float", f, math.Float64bits(f))(c); err != nil {
				return err
			}
			if err := gives("Make.Float", math.Float64bits(f), f)(c); err != nil {
				return err
			}
		}
		return nil
	}),
	onClient("look_at_complex", all(gives("Look.Complex", 1.5-2i, [2]float64{1.5, -2}),
		gives("Make.Complex", [2]float64{1.5, -2}, 1.5-2i), gives("Make.Complex", [2]float64{}, 0i))),
	onClient("look_at_text", func(c *rpc.Client) error {
		for _, text := range []string{"", "plain", "\xff\x00é", string(allBytes)} {
			if err := gives("Look.Text", text, []byte(text))(c); err != nil {
				return err
			}
			if err := gives("Make.Text", []byte(text), text)(c); err != nil {
				return err
			}
		}
		return nil
	}),
	onClient("look_at_times", func(c *rpc.Client) error {
		for _, t := range []time.Time{utc, halfHour, west, inSeconds, {},
			time.Date(1900, 2, 28, 0, 0, 0, 1, time.UTC)} {
			if err := gives("Look.Time", t, gobtypes.MomentOf(t))(c); err != nil {
				return err
			}
			if err := gives("Make.Time", gobtypes.MomentOf(t), t)(c); err != nil {
				return err
			}
		}
		return nil
	}),
	onClient("look_at_a_tree", all(gives("Look.Tree", gobtypes.NewTree(6, 0), gobtypes.NewTree(6, 0).Shape()),
		gives("Make.Tree", 6, gobtypes.NewTree(6, 0)), gives("Look.Tree", gobtypes.Tree{},
			gobtypes.Shape{Nodes: 1, Depth: 1}))),
	onClient("look_at_a_list", all(gives("Look.Node", *gobtypes.NewNode(5), []int{5, 4, 3, 2, 1}),
		gives("Make.Node", 60, *gobtypes.NewNode(60)), gives("Make.Node", 0, gobtypes.Node{}))),
	onClient("look_at_maps", all(gives("Look.Sum", map[string][]int{"a": {1, 2, 3}, "none": {}, "b": {-5}},
		map[string]int{"a": 6, "b": -5}),
		gives("Look.Sum", map[string][]int{}, map[string]int{}))),
	onClient("look_at_interfaces", func(c *rpc.Client) error {
		for _, v := range []interface{}{nil, -5, int64(7), uint8(200), uint64(1) << 63, 2.5, true, "text",
			[]byte{0, 255}, utc, gobtypes.Square{Side: 4},
			[]interface{}{1, "two", []interface{}{}}, map[string]interface{}{"a": 1,
				"b": []interface{}{"deep", gobtypes.Square{Side: 1}}}} {
			if err := gives("Look.Holder", gobtypes.Holder{V: v}, gobtypes.Kind(v))(c); err != nil {
				return err
			}
		}
		return nil
	}),
	onClient("made_interfaces", func(c *rpc.Client) error {
		for _, kind := range []string{"nil", "int", "uint64", "float64", "bool", "string", "bytes", "time", "square",
			"circle", "list", "map"} {
			if err := gives("Make.Holder", kind, gobtypes.Holder{V: gobtypes.OfKind(kind)})(c); err != nil {
				return err
			}
		}
		return nil
	}),
	onClient("look_at_interfaces_loosely", func(c *rpc.Client) error {
		for _, v := range []interface{}{nil, -5, int8(7), uint8(200), uint64(1) << 63, 2.5, float32(0.5), 1.5 - 2i,
			true, "", "text",
			[]byte{0, 255}, utc, gobtypes.Square{Side: 4}, []string{"a", ""},
			[]interface{}{1, "two", nil, []interface{}{}},
			map[string]interface{}{"a": 1, "b": []interface{}{"deep", gobtypes.Square{Side: 1}}}} {
			if err := gives("Look.Any", gobtypes.Holder{V: v}, gobtypes.Loose(v))(c); err != nil {
				return err
			}
		}
		return nil
	}),
	onClient("made_interfaces_of_one_type_each", func(c *rpc.Client) error {
		for _, kind := range []string{"nil", "int", "uint", "float", "bool", "string", "bytes", "time", "list", "map"} {
			if err := gives("Make.Any", kind, gobtypes.Holder{V: gobtypes.AnyOfKind(kind)})(c); err != nil {
				return err
			}
		}
		return nil
	}),
	onClient("look_at_pointers", func(c *rpc.Client) error {
		var got []string
		arg := gobtypes.Pointers{I: ptr(1), U: ptr(uint8(0)), S: ptr(ptr("s")), In: &gobtypes.Inner{},
			M: ptr(map[string]int{"a": 1})}
		if err := c.Call("Look.Pointers", arg, &got); err != nil {
			return err
		}
		sort.Strings(got)
		return equal(got, []string{"I", "In", "M", "S"})
	}),
	onClient("big_replies", func(c *rpc.Client) error {
		for _, n := range []int{0, 1, 4096, 1 << 16, 8 << 20} {
			var got []byte
			if err := c.Call("Big.Bytes", n, &got); err != nil {
				return err
			}
			for i, b := range got {
				if b != byte(i) {
					return fmt.Errorf("byte %d of %d is %d", i, n, b)
				}
			}
			if len(got) != n {
				return fmt.Errorf("%d bytes of %d", len(got), n)
			}
		}
		var rows []gobtypes.Inner
		if err := c.Call("Big.Rows", 50000, &rows); err != nil {
			return err
		}
		for i, row := range rows {
			if row.N != int64(i) || len(row.Name) != i%10 {
				return fmt.Errorf("row %d is %v", i, row)
			}
		}
		return equal(len(rows), 50000)
	}),
	onClient("big_argument", all(gives("Big.Length", make([]byte, 8<<20), 8<<20), gives("Big.Length", []byte{}, 0))),
	onClient("reply_not_wanted", func(c *rpc.Client) error {
		if err := c.Call("Make.Tree", 5, nil); err != nil {
			return err
		}
		// Go does not skip every interface: "field numbers out of bounds" for one that holds a map of others.
		if err := c.Call("Make.Holder", "square", nil); err != nil {
			return err
		}
		return gives("Make.Tree", 5, gobtypes.NewTree(5, 0))(c)
	}),
	onClient("arguments_by_pointer", func(c *rpc.Client) error {
		arg := &gobtypes.Args{A: 6, B: 7}
		var reply *int
		if err := c.Call("Arith.Multiply", &arg, &reply); err != nil {
			return err
		}
		return equal(reply, ptr(42))
	}),
	onClient("every_type_on_one_connection", func(c *rpc.Client) error {
		for i := 0; i < 3; i++ {
			err := all(echoes("Echo.Maps", gobtypes.Maps{StringInt: map[string]int{"a": i}}),
				echoes("Echo.Holder", gobtypes.Holder{V: gobtypes.Square{Side: i}}),
				echoes("Echo.Tree", gobtypes.NewTree(3, i)), echoes("Echo.Times", gobtypes.Times{At: utc}),
				echoes("Echo.Nested", gobtypes.Nested{Name: "n"}),
				echoes("Echo.Arrays", gobtypes.Arrays{}), echoes("Echo.Lists", gobtypes.Lists{Ints: []int{i}}),
				echoes("Echo.Named", gobtypes.Named{Level: 1}),
				echoes("Echo.Opaques", gobtypes.Opaques{Celsius: gobtypes.NewCelsius(1)}),
				echoes("Echo.Pointers", gobtypes.Pointers{I: ptr(i + 1)}),
				echoes("Echo.Scalars", gobtypes.Scalars{I: i}), echoes("Echo.Embedded",
					gobtypes.Embedded{Extra: "x"}), echoes("Echo.Dir", gobtypes.Dir{}),
				fails("Arith.Divide", gobtypes.Args{A: 1}, "divide by zero"),
				echoes("Echo.Rose", gobtypes.Rose{nil}))(c)
			if err != nil {
				return err
			}
		}
		return nil
	}),
}
