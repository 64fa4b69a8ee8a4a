package main

import (
	"math"
	"math/big"
	"net/netip"
	"net/rpc"
	"net/url"
	"strings"
	"time"

	"rpcwrap/interop/gobtypes"
)

// ptr gives a pointer to a value of its own.
func ptr[T any](value T) *T { return &value }

var allBytes = func() []byte {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}()

var (
	negativeZero = math.Copysign(0, -1)
	// payloadNaN is not the NaN that arithmetic gives.
	payloadNaN = math.Float64frombits(0x7ff8_dead_beef_0001)
)

var basicCases = []testCase{
	onClient("int", echoes("Echo.Int", 0, 1, -1, 63, 64, -64, -65, 127, 128, -128, -129, 1<<31, math.MaxInt64,
		math.MinInt64)),
	onClient("int8", echoes("Echo.Int8", int8(0), 1, -1, math.MaxInt8, math.MinInt8)),
	onClient("int16", echoes("Echo.Int16", int16(0), 1, -1, math.MaxInt16, math.MinInt16)),
	onClient("int32", echoes("Echo.Int32", int32(0), 1, -1, math.MaxInt32, math.MinInt32)),
	onClient("int64", echoes("Echo.Int64", int64(0), 1, -1, math.MaxInt64, math.MinInt64)),
	onClient("uint", echoes("Echo.Uint", uint(0), 1, 127, 128, 255, 256, math.MaxUint64)),
	onClient("uint8", echoes("Echo.Uint8", uint8(0), 1, 127, 128, math.MaxUint8)),
	onClient("uint16", echoes("Echo.Uint16", uint16(0), 1, math.MaxUint16)),
	onClient("uint32", echoes("Echo.Uint32", uint32(0), 1, math.MaxUint32)),
	onClient("uint64", echoes("Echo.Uint64", uint64(0), 1, 1<<63, math.MaxUint64)),
	onClient("float32", echoes("Echo.Float32", float32(0), 1, -1.5, 0.1, math.MaxFloat32, math.SmallestNonzeroFloat32,
		float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), float32(negativeZero))),
	onClient("float64", echoes[float64]("Echo.Float64", 0, 1, -1.5, 0.1, 17, 1e300, math.MaxFloat64,
		math.SmallestNonzeroFloat64)),
	onClient("float64_specials", echoes("Echo.Float64", math.Inf(1), math.Inf(-1), math.NaN(), payloadNaN,
		negativeZero)),
	onClient("complex64", echoes("Echo.Complex64", complex64(0), 1+2i, complex(float32(math.Inf(1)), 0.5))),
	onClient("complex128", echoes[complex128]("Echo.Complex128", 0, 1.5-2i, complex(math.NaN(), negativeZero),
		complex(0, math.Inf(-1)))),
	onClient("bool", echoes("Echo.Bool", true, false)),
	onClient("string", echoes("Echo.String", "", "plain", "null\x00byte", "é ß 漢字 кириллица 😀", "line\nfeed",
		strings.Repeat("x", 127), strings.Repeat("y", 128))),
	onClient("string_not_utf8", echoes("Echo.String", "\xff", "caf\xe9", "\xed\xa0\x80", string(allBytes))),
	onClient("string_of_1_mib", echoes("Echo.String", strings.Repeat("0123456789abcdef", 1<<16))),
	onClient("bytes", echoes("Echo.Bytes", nil, []byte{}, []byte{0}, []byte("hello"), allBytes)),
	onClient("struct_of_all_basics", echoes("Echo.Scalars", gobtypes.Scalars{},
		gobtypes.Scalars{I: math.MinInt64, I8: math.MinInt8, I16: math.MinInt16, I32: math.MinInt32, I64: math.MinInt64,
			U: math.MaxUint64, U8: math.MaxUint8, U16: math.MaxUint16, U32: math.MaxUint32, U64: math.MaxUint64,
			F32: math.MaxFloat32, F64: math.NaN(), C64: -1i, C128: complex(math.Inf(1), 2), B: true, S: "\xffé",
			By: allBytes},
		gobtypes.Scalars{I: -1, F64: math.Inf(-1), By: []byte{}},
		gobtypes.Scalars{By: []byte{0}})),
	onClient("negative_zero_is_no_field", gives("Echo.Scalars", gobtypes.Scalars{F64: negativeZero, I: 1},
		gobtypes.Scalars{I: 1})),
}

var listCases = []testCase{
	onClient("ints", echoes("Echo.Ints", nil, []int{}, []int{0}, []int{1, 0, -1, math.MaxInt64, math.MinInt64})),
	onClient("ints_10000", func(c *rpc.Client) error {
		long := make([]int, 10000)
		for i := range long {
			long[i] = i * i * 1000003
		}
		return echoes("Echo.Ints", long)(c)
	}),
	onClient("int8s", echoes("Echo.Int8s", nil, []int8{-128, 0, 127})),
	onClient("uint16s", echoes("Echo.Uint16s", nil, []uint16{0, 255, 256, 65535})),
	onClient("floats", echoes("Echo.Floats", nil, []float64{0, negativeZero, math.NaN(), math.Inf(1), 0.1})),
	onClient("bools", echoes("Echo.Bools", nil, []bool{true, false, true})),
	onClient("strings", echoes("Echo.Strings", nil, []string{}, []string{""}, []string{"a", "", "\xff", "é"})),
	onClient("byte_slices", echoes("Echo.ByteSlices", nil, [][]byte{{}, {0}, allBytes})),
	onClient("structs", echoes("Echo.Points", nil, []gobtypes.Point{{}, {X: 1}, {Y: -1}, {}})),
	onClient("lists_of_lists", echoes("Echo.Grid", nil, [][]gobtypes.Point{{}, {{X: 1, Y: 2}, {}}, {}})),
	onClient("array", echoes("Echo.Triple", [3]int{}, [3]int{1, 0, math.MinInt64})),
	onClient("array_of_bytes", echoes("Echo.Quad", [4]byte{}, [4]byte{1, 0, 200, 255})),
	onClient("struct_of_lists", echoes("Echo.Lists", gobtypes.Lists{},
		gobtypes.Lists{Ints: []int{0}, Small: []int8{-1}, Words: []uint16{60000}, Floats: []float64{negativeZero},
			Bools: []bool{false}, Strings: []string{""}, Bytes: [][]byte{{}, {1}}, Points: []gobtypes.Point{{}},
			Grid: [][]gobtypes.Point{{}, {{X: 1}}}, Maps: []map[string]int{{}, {"a": 0}},
			Options: []*gobtypes.Inner{{}, {Name: "x"}}},
		gobtypes.Lists{Ints: []int{}, Strings: []string{}, Points: []gobtypes.Point{}})),
	onClient("struct_of_arrays", echoes("Echo.Arrays", gobtypes.Arrays{},
		gobtypes.Arrays{Ints: [3]int{1, 0, -1}, Bytes: [4]byte{0, 255, 128, 1}, Strings: [2]string{"", "b"},
			Points: [2]gobtypes.Point{{}, {X: 1}}, Grid: [2][2]float64{{0.5, negativeZero}, {}}})),
}

var mapCases = []testCase{
	onClient("map", echoes("Echo.StringInts", nil, map[string]int{}, map[string]int{"": 0},
		map[string]int{"a": 1, "é": -1, "\xff": 5})),
	onClient("map_of_10000", func(c *rpc.Client) error {
		large := make(map[string]int)
		for i := 0; i < 10000; i++ {
			large[strings.Repeat("k", i%5)+string(rune('a'+i%26))+time.Duration(i).String()] = i
		}
		return echoes("Echo.StringInts", large)(c)
	}),
	onClient("map_with_int_keys", echoes("Echo.IntStrings", nil, map[int]string{0: "zero", -1: "",
		math.MinInt64: "least"})),
	onClient("map_of_structs", echoes("Echo.Inners", nil, map[string]gobtypes.Inner{"": {}, "a": {Name: "n", N: 3}})),
	onClient("map_with_struct_keys", echoes("Echo.PointStrings", nil, map[gobtypes.Point]string{{}: "origin",
		{X: 1}: "", {Y: -1}: "y"})),
	onClient("struct_of_maps", echoes("Echo.Maps", gobtypes.Maps{},
		gobtypes.Maps{StringInt: map[string]int{"a": 1}, IntString: map[int]string{-7: "n"},
			StringInner: map[string]gobtypes.Inner{"x": {N: 1}}, IntPoint: map[int64]gobtypes.Point{1 << 40: {Y: 2}},
			StringStrings: map[string][]string{"none": {}, "two": {"", "b"}},
			MapMap:        map[string]map[string]int{"outer": {"inner": 1}, "empty": {}},
			BoolFloat:     map[bool]float64{true: 0.5, false: 0}, ByteString: map[uint8]string{0: "", 255: "last"},
			PointString: map[gobtypes.Point]string{{X: 1}: "x"}, PairString: map[[2]int]string{{}: "zero",
				{1, -1}: "one"},
			StringPointer: map[string]*gobtypes.Inner{"a": {Name: "pointed"}}},
		gobtypes.Maps{StringInt: map[string]int{}, MapMap: map[string]map[string]int{}})),
}

var structCases = []testCase{
	onClient("empty_struct", echoes("Echo.Empty", gobtypes.Empty{})),
	onClient("struct", echoes("Echo.Inner", gobtypes.Inner{}, gobtypes.Inner{Name: "näme", N: math.MinInt64},
		gobtypes.Inner{N: 1})),
	onClient("nested", func(c *rpc.Client) error {
		full := gobtypes.Nested{Name: "outer", In: gobtypes.Inner{N: 1}, Ptr: &gobtypes.Inner{Name: "p"},
			List: []gobtypes.Inner{{}, {Name: "l"}}, Map: map[string]gobtypes.Inner{"m": {}}}
		full.Deep.A.B.C = -3
		return echoes("Echo.Nested", gobtypes.Nested{}, full, gobtypes.Nested{Ptr: &gobtypes.Inner{}})(c)
	}),
	onClient("recursive_list", echoes("Echo.Node", gobtypes.Node{}, gobtypes.Node{Value: 1, Next: &gobtypes.Node{}},
		*gobtypes.NewNode(80))),
	onClient("recursive_tree", echoes("Echo.Tree", gobtypes.Tree{}, gobtypes.NewTree(8, 0),
		gobtypes.Tree{Children: []gobtypes.Tree{{}, {Children: []gobtypes.Tree{{}}}}})),
	onClient("recursive_map", echoes("Echo.Dir", gobtypes.Dir{}, gobtypes.Dir{Files: []string{"a"},
		Sub: map[string]gobtypes.Dir{"empty": {},
			"deep": {Sub: map[string]gobtypes.Dir{"deeper": {Files: []string{""}}}}}})),
	onClient("mutually_recursive", echoes("Echo.Ping", gobtypes.Ping{}, gobtypes.Ping{N: 1, Pong: &gobtypes.Pong{S: "s",
		Ping: &gobtypes.Ping{N: 2, Pong: &gobtypes.Pong{}}}})),
	onClient("list_of_itself", echoes("Echo.Rose", nil, gobtypes.Rose{nil, {nil, nil}, {{nil}}})),
	onClient("pointers", echoes("Echo.Pointers", gobtypes.Pointers{},
		gobtypes.Pointers{I: ptr(5), U: ptr(uint8(255)), F: ptr(0.5), B: ptr(true), S: ptr(ptr("q")),
			By: ptr([]byte{1}),
			In: &gobtypes.Inner{Name: "s"}, L: ptr([]int{0}), M: ptr(map[string]int{"a": 0})},
		gobtypes.Pointers{In: &gobtypes.Inner{}})),
	onClient("pointer_to_zero_is_nil", gives("Echo.Pointers",
		gobtypes.Pointers{I: ptr(0), U: ptr(uint8(0)), F: ptr(0.0), B: ptr(false), S: ptr(ptr("")), By: ptr([]byte{}),
			L: ptr([]int{})},
		gobtypes.Pointers{})),
	onClient("embedded", echoes("Echo.Embedded", gobtypes.Embedded{},
		gobtypes.Embedded{Base: gobtypes.Base{ID: 1, Kind: "k"}, Extra: "e"},
		gobtypes.Embedded{Inner: &gobtypes.Inner{Name: "i"}})),
	onClient("unexported_fields_stay", func(c *rpc.Client) error {
		arg := struct {
			Name   string
			secret int
			F      func()
			C      chan int
			N      int64
		}{"n", 1, func() {}, make(chan int), 2}
		_ = arg.secret
		return gives("Echo.Inner", arg, gobtypes.Inner{Name: "n", N: 2})(c)
	}),
}

var (
	utc       = time.Date(2015, 1, 15, 12, 30, 45, 123456789, time.UTC)
	halfHour  = utc.In(time.FixedZone("", 5*3600+1800))
	west      = utc.In(time.FixedZone("PST", -8*3600))
	inSeconds = utc.In(time.FixedZone("LMT", 1172))
)

var namedCases = []testCase{
	onClient("named_int", echoes("Echo.Level", gobtypes.Level(0), 9, -9)),
	onClient("named_strings", echoes("Echo.Labels", nil, gobtypes.Labels{"a", ""})),
	onClient("named_bytes", echoes("Echo.Raw", nil, gobtypes.Raw{}, gobtypes.Raw(allBytes))),
	onClient("named_map", echoes("Echo.Table", nil, gobtypes.Table{"a": 1, "": 0})),
	onClient("struct_of_named", echoes("Echo.Named", gobtypes.Named{},
		gobtypes.Named{Level: -1, Label: "l", Flags: 255, Ratio: 0.5, Yes: true, Labels: gobtypes.Labels{"x"},
			Raw:   gobtypes.Raw{0},
			Table: gobtypes.Table{"t": 2}, Pair: gobtypes.Pair{0, 1}, Duration: -time.Hour, Weekday: time.Friday})),
	onClient("duration", echoes("Echo.Duration", time.Duration(0), 90*time.Minute, math.MinInt64)),
	onClient("time", echoes("Echo.Time", utc, time.Unix(0, 0).UTC(), time.Date(9999, 12, 31, 23, 59, 59, 999999999,
		time.UTC))),
	onClient("time_zero", echoes("Echo.Time", time.Time{})),
	onClient("time_zones", echoes("Echo.Time", halfHour, west, utc.In(time.FixedZone("", 14*3600)),
		utc.In(time.FixedZone("", 0)))),
	onClient("time_zone_with_seconds", echoes("Echo.Time", inSeconds)),
	onClient("time_far_away", echoes("Echo.Time", time.Date(-1000, 2, 3, 4, 5, 6, 7, time.UTC),
		time.Date(200000, 1, 1, 0, 0, 0, 1, time.UTC),
		time.Unix(-1<<40, 1).UTC())),
	onClient("struct_of_times", echoes("Echo.Times", gobtypes.Times{},
		gobtypes.Times{At: utc, Ptr: ptr(west), List: []time.Time{{}, halfHour, inSeconds},
			Map: map[string]time.Time{"a": utc, "zero": {}}})),
	onClient("gob_encoder", echoes("Echo.Celsius", gobtypes.NewCelsius(0), gobtypes.NewCelsius(-1),
		gobtypes.NewCelsius(215))),
	onClient("binary_marshaler", echoes("Echo.Version", gobtypes.NewVersion(0, 0), gobtypes.NewVersion(1, 255))),
	onClient("big_int", func(c *rpc.Client) error {
		for _, digits := range []string{"0", "-1", strings.Repeat("9", 100)} {
			want, _ := new(big.Int).SetString(digits, 10)
			got := new(big.Int)
			if err := c.Call("Echo.BigInt", want, got); err != nil {
				return err
			}
			if err := equal(got.String(), digits); err != nil {
				return err
			}
		}
		return nil
	}),
	onClient("struct_of_opaques", echoes("Echo.Opaques", gobtypes.Opaques{},
		gobtypes.Opaques{Celsius: gobtypes.NewCelsius(215), Version: gobtypes.NewVersion(1, 2),
			Ptr:  ptr(gobtypes.NewVersion(3, 4)),
			List: []gobtypes.Celsius{gobtypes.NewCelsius(0), gobtypes.NewCelsius(-5)},
			Map:  map[string]gobtypes.Version{"v": gobtypes.NewVersion(0, 0)}, Color: gobtypes.Color{R: 255},
			Int: big.NewInt(-1 << 62), Addr: netip.MustParseAddr("fe80::1%lo"),
			Location: url.URL{Scheme: "https", Host: "example.org", Path: "/a b"}})),
}
