package main

import (
	"fmt"
	"net/rpc"
	"strings"
	"time"

	"rpcwrap/interop/gobtypes"
)

// Other versions of gobtypes.Record, as other programs have it.
type (
	recordAdded struct {
		Before    string
		ID        int
		Blob      []byte
		Name      string
		Deep      map[string][]gobtypes.Tree
		Tags      []string
		Any       interface{}
		Scores    map[string]float64
		At        time.Time
		Inner     gobtypes.Inner
		Array     [4]uint16
		Ptr       *gobtypes.Inner
		Recursive *gobtypes.Ping
		Count     uint
		Complex   complex128
		Opaque    gobtypes.Version
		After     bool
	}
	recordRemoved   struct{ Name string }
	recordReordered struct {
		Count  uint
		Ptr    *gobtypes.Inner
		Inner  gobtypes.Inner
		Scores map[string]float64
		Tags   []string
		Name   string
		ID     int
	}
	recordPointers struct {
		ID     *int
		Name   **string
		Tags   *[]string
		Scores *map[string]float64
		Inner  *gobtypes.Inner
		Ptr    ***gobtypes.Inner
		Count  *uint
	}
	recordValues struct {
		Ptr   gobtypes.Inner
		Inner gobtypes.Inner
	}
	recordNarrow struct {
		ID     int8
		Scores map[string]float32
		Count  uint16
	}
	recordInside struct {
		ID    int
		Inner struct {
			N     int64
			Extra []string
			Name  string
		}
	}
)

var fullRecord = gobtypes.Record{ID: 7, Name: "name", Tags: []string{"a", ""}, Scores: map[string]float64{"x": 0.5},
	Inner: gobtypes.Inner{Name: "in", N: -1}, Ptr: &gobtypes.Inner{N: 2}, Count: 9}

var fullAdded = recordAdded{Before: "b", ID: 7, Blob: allBytes, Name: "name",
	Deep: map[string][]gobtypes.Tree{"t": {gobtypes.NewTree(4, 0)}}, Tags: []string{"a", ""},
	Any:    gobtypes.Square{Side: 1},
	Scores: map[string]float64{"x": 0.5}, At: utc, Inner: gobtypes.Inner{Name: "in", N: -1},
	Array: [4]uint16{1, 0, 3, 0},
	Ptr:   &gobtypes.Inner{N: 2}, Recursive: &gobtypes.Ping{N: 1, Pong: &gobtypes.Pong{S: "s"}}, Count: 9, Complex: 1i,
	Opaque: gobtypes.NewVersion(1, 1), After: true}

var evolutionCases = []testCase{
	onClient("record", echoes("Evolve.Record", gobtypes.Record{}, fullRecord)),
	onClient("fields_added", all(gives("Evolve.Record", fullAdded, fullRecord),
		gives("Evolve.Record", fullAdded, fullRecord))),
	onClient("fields_added_all_zero", gives("Evolve.Record", recordAdded{ID: 1}, gobtypes.Record{ID: 1})),
	onClient("nil_interface_added", gives("Evolve.Record", recordAdded{ID: 1, After: true}, gobtypes.Record{ID: 1})),
	onClient("fields_removed", gives("Evolve.Record", recordRemoved{"only"}, gobtypes.Record{Name: "only"})),
	onClient("fields_reordered", gives("Evolve.Record", recordReordered{9, &gobtypes.Inner{N: 2},
		gobtypes.Inner{Name: "in", N: -1},
		map[string]float64{"x": 0.5}, []string{"a", ""}, "name", 7}, fullRecord)),
	onClient("fields_behind_pointers", gives("Evolve.Record", recordPointers{ptr(7), ptr(ptr("name")),
		ptr([]string{"a", ""}),
		ptr(map[string]float64{"x": 0.5}), &gobtypes.Inner{Name: "in", N: -1}, ptr(ptr(&gobtypes.Inner{N: 2})),
		ptr(uint(9))}, fullRecord)),
	onClient("pointers_by_value", gives("Evolve.Record", recordValues{gobtypes.Inner{N: 2}, gobtypes.Inner{}},
		gobtypes.Record{Ptr: &gobtypes.Inner{N: 2}})),
	onClient("fields_narrower", gives("Evolve.Record", recordNarrow{-7, map[string]float32{"x": 0.5}, 9},
		gobtypes.Record{ID: -7, Scores: map[string]float64{"x": 0.5}, Count: 9})),
	onClient("inner_fields_changed", func(c *rpc.Client) error {
		arg := recordInside{ID: 1}
		arg.Inner.N, arg.Inner.Name, arg.Inner.Extra = 5, "in", []string{"x"}
		return gives("Evolve.Record", arg, gobtypes.Record{ID: 1, Inner: gobtypes.Inner{Name: "in", N: 5}})(c)
	}),
	onClient("two_versions_in_turn", func(c *rpc.Client) error {
		for i := 0; i < 5; i++ {
			err := all(gives("Evolve.Record", fullRecord, fullRecord), gives("Evolve.Record", recordRemoved{"only"},
				gobtypes.Record{Name: "only"}),
				gives("Evolve.Record", fullAdded, fullRecord), gives("Evolve.Record", recordNarrow{ID: -7},
					gobtypes.Record{ID: -7}))(c)
			if err != nil {
				return err
			}
		}
		return nil
	}),
	onClient("reply_fields_removed", gives("Evolve.Record", fullRecord, recordRemoved{"name"})),
	onClient("reply_fields_reordered", gives("Evolve.Record", fullRecord, recordReordered{9, &gobtypes.Inner{N: 2},
		gobtypes.Inner{Name: "in", N: -1}, map[string]float64{"x": 0.5}, []string{"a", ""}, "name", 7})),
	onClient("reply_fields_behind_pointers", gives("Evolve.Record", fullRecord,
		recordPointers{ptr(7), ptr(ptr("name")), ptr([]string{"a", ""}),
			ptr(map[string]float64{"x": 0.5}), &gobtypes.Inner{Name: "in", N: -1}, ptr(ptr(&gobtypes.Inner{N: 2})),
			ptr(uint(9))})),
	onClient("reply_fields_narrower", gives("Evolve.Record", fullRecord,
		recordNarrow{7, map[string]float32{"x": 0.5}, 9})),
	onClient("reply_merges_into_what_is_there", func(c *rpc.Client) error {
		reply := recordAdded{Before: "kept", Name: "kept", Blob: []byte{1}, After: true}
		if err := c.Call("Evolve.Record", gobtypes.Record{ID: 3}, &reply); err != nil {
			return err
		}
		return equal(reply, recordAdded{Before: "kept", ID: 3, Name: "kept", Blob: []byte{1}, After: true})
	}),
	onClient("reply_type_does_not_fit", func(c *rpc.Client) error {
		// Go's client takes this for the end of the connection.
		err := c.Call("Arith.Multiply", gobtypes.Args{A: 1, B: 1}, new(string))
		if err == nil || !strings.HasPrefix(err.Error(), "reading body gob: ") {
			return fmt.Errorf("error %v", err)
		}
		return nil
	}),
	onClient("wrong_type_of_a_field", all(
		misfits("ID", "Evolve.Record", struct{ ID string }{"7"}),
		misfits("ID", "Evolve.Record", struct{ ID uint }{7}),
		misfits("ID", "Evolve.Record", struct{ ID float64 }{7}),
		misfits("ID", "Evolve.Record", struct{ ID []int }{[]int{7}}),
		misfits("ID", "Evolve.Record", struct{ ID gobtypes.Inner }{gobtypes.Inner{N: 7}}),
		misfits("Count", "Evolve.Record", struct{ Count int }{7}),
		misfits("Name", "Evolve.Record", struct{ Name []byte }{[]byte("7")}),
		misfits("Name", "Evolve.Record", struct{ Name bool }{true}),
		misfits("Tags", "Evolve.Record", struct{ Tags []int }{[]int{7}}),
		misfits("Tags", "Evolve.Record", struct{ Tags [2]string }{[2]string{"7"}}),
		misfits("Tags", "Evolve.Record", struct{ Tags map[string]string }{map[string]string{"7": ""}}),
		misfits("Scores", "Evolve.Record", struct{ Scores map[string]int }{map[string]int{"x": 7}}),
		misfits("Scores", "Evolve.Record", struct{ Scores map[int]float64 }{map[int]float64{7: 7}}),
		misfits("Scores", "Evolve.Record", struct{ Scores []float64 }{[]float64{7}}),
		misfits("Inner", "Evolve.Record", struct{ Inner string }{"7"}),
		misfits("Inner", "Evolve.Record", struct{ Ptr []gobtypes.Inner }{[]gobtypes.Inner{{N: 7}}}))),
	onClient("wrong_type_beside_right_ones", misfits("Count", "Evolve.Record", struct {
		ID    int
		Name  string
		Count string
	}{7, "name", "9"})),
	onClient("wrong_type_of_the_whole", all(
		misfits("", "Arith.Multiply", "text"), misfits("", "Arith.Multiply", 5),
		misfits("", "Arith.Multiply", []int{1, 2}),
		misfits("", "Arith.Multiply", map[string]int{"A": 1}), misfits("", "Arith.Multiply", utc),
		misfits("", "Echo.Int", "text"), misfits("", "Echo.Int", uint(5)), misfits("", "Echo.Int", 5.0),
		misfits("", "Echo.Uint", 5), misfits("", "Echo.Float64", 5), misfits("", "Echo.String", []byte("text")),
		misfits("", "Echo.Bytes", "text"), misfits("", "Echo.Ints", [3]int{}),
		misfits("", "Echo.Triple", []int{1, 2, 3}),
		misfits("", "Echo.Triple", [4]int{}), misfits("", "Echo.Strings", []int{1}),
		misfits("", "Echo.StringInts", map[int]int{1: 1}),
		misfits("", "Echo.Int", gobtypes.Args{A: 1}), misfits("", "Echo.Time", "2015-01-15"),
		misfits("", "Echo.Bool", 1))),
	onClient("nothing_in_common", all(
		misfits("no fields matched", "Arith.Multiply", gobtypes.Inner{Name: "n", N: 3}),
		misfits("no fields matched", "Evolve.Record", struct{ Id, NAME string }{"7", "n"}))),
	onClient("nothing_sent", all(gives("Evolve.Record", gobtypes.Empty{}, gobtypes.Record{}),
		gives("Arith.Multiply", gobtypes.Empty{}, 0))),
	onClient("out_of_range", all(
		misfits("out of range", "Evolve.Narrow", struct{ I8 int }{128}),
		misfits("out of range", "Evolve.Narrow", struct{ I8 int64 }{-129}),
		misfits("out of range", "Evolve.Narrow", struct{ I16 int32 }{1 << 15}),
		misfits("out of range", "Evolve.Narrow", struct{ U8 uint }{256}),
		misfits("out of range", "Evolve.Narrow", struct{ U32 uint64 }{1 << 32}),
		misfits("out of range", "Evolve.Narrow", struct{ F32 float64 }{1e300}),
		misfits("out of range", "Echo.Int8", 128), misfits("out of range", "Echo.Uint16", uint(1<<16)))),
	onClient("in_range_of_a_narrower_type", gives("Evolve.Narrow", struct {
		I8, I16  int64
		U8, U32  uint64
		F32      float64
		NotThere string
	}{127, -1 << 15, 255, 1<<32 - 1, 0.5, "x"}, gobtypes.Narrow{I8: 127, I16: -1 << 15, U8: 255, U32: 1<<32 - 1,
		F32: 0.5})),
}

// misfits wants an error text that says the word, and the connection to live on, for the same type too.
func misfits[A any](word, method string, arg A) func(*rpc.Client) error {
	return func(c *rpc.Client) error {
		for i := 0; i < 2; i++ {
			err := c.Call(method, arg, new(gobtypes.Quotient))
			if _, ok := err.(rpc.ServerError); !ok || err.Error() == "" {
				return fmt.Errorf("%s(%T %s): error %v of type %T", method, arg, show(arg), err, err)
			}
			if !strings.Contains(err.Error(), word) {
				return fmt.Errorf("%s(%T %s): error %q does not say %q", method, arg, show(arg), err, word)
			}
			if err := multiply(c, 3, 4); err != nil {
				return fmt.Errorf("behind %s(%T %s): %w", method, arg, show(arg), err)
			}
		}
		return nil
	}
}
