package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/rpc"
	"reflect"
	"strings"
	"time"
)

// Inner is a struct inside others.
type Inner struct {
	Name string
	N    int64
}

// Holder has one member of any type.
type Holder struct{ V interface{} }

// All has one member of each kind of value.
type All struct {
	I32   int32
	I64   int64
	I     int
	U32   uint32
	U64   uint64
	U     uint
	F     float64
	B     bool
	S     string
	By    []byte
	T     time.Time
	In    Inner
	PIn   *Inner
	NilP  *Inner
	If    interface{}
	NilIf interface{}
	MS    map[string]string
	SS    []string
	SI    []int64
	SIn   []Inner
	ES    []string
	NS    []string
	EM    map[string]string
	NM    map[string]string
	EB    []byte
	NB    []byte
}

var allBytes = func() []byte {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}()

var valueCases = []testCase{
	onClient("strings", func(c *rpc.Client) error {
		return echoEach(c, "Echo.String", "", "plain", "a\"b\\c/d", "line\nfeed\r\ttab\b\f", "<script>&amp;</script>",
			"\u2028\u2029", "null\x00byte", "\x01\x1f\x7f", "é ß 漢字 кириллица", "😀𝄞\U0010ffff", "\ufeffbom", "\ufffd")
	}),
	onClient("string_of_1_mib", func(c *rpc.Client) error {
		return echoEach(c, "Echo.String", strings.Repeat("0123456789abcdef", 1<<16), strings.Repeat("\"\\\n", 1<<18))
	}),
	onClient("bytes", func(c *rpc.Client) error {
		for _, want := range [][]byte{allBytes, {0}, {255, 254}, bytes.Repeat(allBytes, 1<<10)} {
			var got []byte
			if err := c.Call("Echo.Bytes", want, &got); err != nil {
				return err
			}
			if !bytes.Equal(got, want) {
				return fmt.Errorf("%d bytes came back as %d others", len(want), len(got))
			}
		}
		var got []byte
		if err := c.Call("Echo.Bytes", []byte{}, &got); err != nil || len(got) != 0 {
			return fmt.Errorf("empty: got %v, error %v", got, err)
		}
		return nil
	}),
	onClient("integers", func(c *rpc.Client) error {
		if err := echoEach(c, "Echo.Int", 0, 1, -1, math.MaxInt64, math.MinInt64); err != nil {
			return err
		}
		if err := echoEach(c, "Echo.Int64", int64(0), int64(math.MaxInt64), int64(math.MinInt64)); err != nil {
			return err
		}
		if err := echoEach(c, "Echo.Int32", int32(0), int32(math.MaxInt32), int32(math.MinInt32)); err != nil {
			return err
		}
		if err := echoEach(c, "Echo.Uint32", uint32(0), uint32(math.MaxUint32)); err != nil {
			return err
		}
		if err := echoEach(c, "Echo.Uint", uint(0), uint(math.MaxUint64)); err != nil {
			return err
		}
		return echoEach(c, "Echo.Uint64", uint64(0), uint64(math.MaxUint64), uint64(1)<<63)
	}),
	onClient("integers_out_of_range", func(c *rpc.Client) error {
		for method, arg := range map[string]interface{}{
			"Echo.Int32": int64(1) << 31, "Echo.Uint32": -1, "Echo.Uint64": -1, "Echo.Int64": uint64(math.MaxUint64),
		} {
			var reply interface{}
			if err := c.Call(method, arg, &reply); err == nil {
				return fmt.Errorf("%s(%v) gave %v", method, arg, reply)
			}
		}
		return multiply(c, 2, 2)
	}),
	onClient("floats", func(c *rpc.Client) error {
		return echoEach(c, "Echo.Float64", 0.0, 1.5, -2.25, 0.1, 1e300, 1e-300, math.MaxFloat64, math.SmallestNonzeroFloat64,
			math.Pi, 1e21, 123456789012345680.0)
	}),
	onClient("booleans", func(c *rpc.Client) error { return echoEach(c, "Echo.Bool", true, false) }),
	onClient("times", func(c *rpc.Client) error {
		east := time.FixedZone("", 5*3600+30*60)
		return echoEach(c, "Echo.Time", time.Unix(0, 0).UTC(), time.Date(2015, 1, 15, 12, 30, 45, 123456789, time.UTC),
			time.Date(2015, 1, 15, 12, 30, 45, 120000000, east), time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC),
			time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC))
	}),
	onClient("nested_structs", func(c *rpc.Client) error {
		if err := echoEach(c, "Echo.Inner", Inner{}, Inner{"näme", math.MinInt64}); err != nil {
			return err
		}
		return echoEach(c, "Echo.Inners", []Inner{{"a", 1}, {"", 0}, {"c", -3}})
	}),
	onClient("lists", func(c *rpc.Client) error {
		long := make([]int64, 10000)
		for i := range long {
			long[i] = int64(i) * int64(i) * 1000003
		}
		if err := echoEach(c, "Echo.Ints", []int64{}, []int64{1}, long); err != nil {
			return err
		}
		return echoEach(c, "Echo.Strings", []string{}, []string{"", "b", "\u00e9\n"})
	}),
	onClient("maps", func(c *rpc.Client) error {
		if err := echoEach(c, "Echo.MapStr", map[string]string{}, map[string]string{"": "empty key", "é\"": "<>"}); err != nil {
			return err
		}
		return echoEach(c, "Echo.Map", map[string]interface{}{}, map[string]interface{}{
			"nil": nil, "true": true, "number": 1.5, "text": "x", "list": []interface{}{1.0, "two", nil, []interface{}{}},
			"map": map[string]interface{}{"inner": map[string]interface{}{"deep": -1.0}},
		})
	}),
	onClient("any", func(c *rpc.Client) error {
		for _, v := range []interface{}{true, 1.25, "text", []interface{}{1.0, nil}, map[string]interface{}{"k": "v"}} {
			if err := echo(c, "Echo.Any", v); err != nil {
				return err
			}
			if err := echo(c, "Echo.Hold", Holder{v}); err != nil {
				return err
			}
		}
		return echo(c, "Echo.Hold", Holder{nil})
	}),
	onClient("empty_struct", func(c *rpc.Client) error { return echo(c, "Echo.Empty", struct{}{}) }),
	onClient("struct_of_all_kinds", func(c *rpc.Client) error {
		full := All{I32: math.MinInt32, I64: math.MinInt64, I: -7, U32: math.MaxUint32, U64: math.MaxUint64, U: 9, F: 0.1,
			B: true, S: "S \u2028 <é>", By: allBytes, T: time.Date(2015, 1, 15, 1, 2, 3, 4000000, time.UTC), In: Inner{"in", 1},
			PIn: &Inner{"pointer", 2}, If: "any", MS: map[string]string{"k": "v"}, SS: []string{"a", ""}, SI: []int64{1, -1},
			SIn: []Inner{{"x", 1}}, ES: []string{}, EM: map[string]string{}, EB: []byte{}}
		for _, want := range []All{full, {}} {
			var got All
			if err := c.Call("Echo.All", want, &got); err != nil {
				return err
			}
			// A nil list, map or byte string may come back empty.
			if err := equal(got.filled(), want.filled()); err != nil {
				return err
			}
		}
		return nil
	}),
}

// filled is the value with every nil list, map and byte string replaced by an empty one.
func (a All) filled() All {
	v := reflect.ValueOf(&a).Elem()
	for i := 0; i < v.NumField(); i++ {
		f := v.Field(i)
		switch f.Kind() {
		case reflect.Slice:
			if f.IsNil() {
				f.Set(reflect.MakeSlice(f.Type(), 0, 0))
			}
		case reflect.Map:
			if f.IsNil() {
				f.Set(reflect.MakeMap(f.Type()))
			}
		}
	}
	return a
}

// echoEach calls method with each value and wants the same back.
func echoEach(c *rpc.Client, method string, values ...interface{}) error {
	for _, v := range values {
		if err := echo(c, method, v); err != nil {
			return err
		}
	}
	return nil
}

func echo(c *rpc.Client, method string, want interface{}) error {
	got := reflect.New(reflect.TypeOf(want))
	if err := c.Call(method, want, got.Interface()); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	return equal(got.Elem().Interface(), want)
}

// equal compares by value, and by what both look like in JSON: a time's zone counts, its *Location does not.
func equal(got, want interface{}) error {
	if reflect.DeepEqual(got, want) {
		return nil
	}
	g, err := json.Marshal(got)
	if err != nil {
		return err
	}
	w, err := json.Marshal(want)
	if err != nil {
		return err
	}
	if !bytes.Equal(g, w) {
		return fmt.Errorf("got %.200s, wanted %.200s", g, w)
	}
	return nil
}
