package main

import (
	"fmt"
	"math"
	"net/rpc"

	"rpcwrap/interop/gobtypes"
)

// held is a value of any type in a struct, in a list and in a map; twice, so that its type is known the second time.
func held(values ...interface{}) func(*rpc.Client) error {
	return func(c *rpc.Client) error {
		for _, v := range values {
			if err := echoes("Echo.Holder", gobtypes.Holder{V: v})(c); err != nil {
				return err
			}
			mixed := gobtypes.Mixed{List: []interface{}{v, v}, Map: map[string]interface{}{"v": v}}
			if err := echoes("Echo.Mixed", mixed)(c); err != nil {
				return err
			}
		}
		return nil
	}
}

var interfaceCases = []testCase{
	onClient("any_nil", echoes("Echo.Holder", gobtypes.Holder{})),
	onClient("any_int", held(0, -1, math.MaxInt64, int8(-1), int16(2), int32(3), int64(math.MinInt64))),
	onClient("any_uint", held(uint(0), uint8(255), uint16(1), uint32(2), uint64(math.MaxUint64))),
	onClient("any_float", held(0.0, 0.5, negativeZero, math.NaN(), math.Inf(1), float32(1.5))),
	onClient("any_complex", held(1+2i, complex64(-1i))),
	onClient("any_bool", held(true, false)),
	onClient("any_string", held("", "text", "\xff")),
	onClient("any_bytes", held([]byte{}, allBytes)),
	onClient("any_time", held(utc, west)),
	onClient("any_list", held([]interface{}{}, []interface{}{1, "two", []byte{3}, 4.5, true, utc})),
	onClient("any_map", held(map[string]interface{}{}, map[string]interface{}{"a": 1,
		"b": map[string]interface{}{"c": []interface{}{"d"}}})),
	onClient("any_typed_list", held([]string{}, []string{"a", ""}, [2]int{0, 1})),
	onClient("any_typed_map", held(map[string]int{}, map[string]int{"a": 0})),
	onClient("any_named", held(gobtypes.Level(3), gobtypes.Labels{"a"})),
	onClient("any_struct", held(gobtypes.Square{}, gobtypes.Square{Side: 2})),
	onClient("any_pointer", held(&gobtypes.Circle{}, &gobtypes.Circle{Radius: 2})),
	onClient("any_gob_encoder", held(gobtypes.NewCelsius(215))),
	onClient("any_struct_with_any_inside", held(gobtypes.Registered{Name: "outer", Ints: []int{0, 1},
		Inner: &gobtypes.Inner{N: 1},
		Any:   gobtypes.Registered{Any: gobtypes.Square{Side: 1}}})),
	onClient("interface_with_a_method", echoes("Echo.Mixed", gobtypes.Mixed{Area: gobtypes.Square{Side: 2}},
		gobtypes.Mixed{Area: &gobtypes.Circle{Radius: 1}})),
	onClient("list_with_every_type", echoes("Echo.Mixed", gobtypes.Mixed{List: []interface{}{1,
		gobtypes.Square{Side: 1}, "text",
		&gobtypes.Circle{Radius: 1}, utc, gobtypes.Square{Side: 2}, []string{"x"}, gobtypes.Registered{Name: "r"}},
		Area: gobtypes.Square{}})),
	onClient("any_at_the_top", echoes[interface{}]("Echo.Any", 5, "text", gobtypes.Square{Side: 3},
		[]interface{}{1, "a"})),
	onClient("anys_at_the_top", echoes("Echo.Anys", nil, []interface{}{},
		[]interface{}{1, gobtypes.Square{Side: 1}, "a"})),
	onClient("unknown_name", func(c *rpc.Client) error {
		// Registered here only: the server has no type of that name.
		var reply gobtypes.Holder
		err := c.Call("Echo.Holder", gobtypes.Holder{V: stranger{1}}, &reply)
		if _, ok := err.(rpc.ServerError); err != nil && !ok {
			return fmt.Errorf("error %v of type %T", err, err)
		}
		if err == nil && show(reply.V) != show(stranger{1}) {
			return fmt.Errorf("came back as %s", show(reply.V))
		}
		return multiply(c, 3, 4)
	}),
}
