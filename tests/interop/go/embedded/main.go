// Embedded -addr HOST:PORT calls with structs that embed one, by jsonrpc, which has the fields of both side by side, and
// by gob, which has a field named after the type; and with values in interfaces, which have to come back as the types
// they are. Prints one line per case, `ok NAME` or `FAIL NAME: reason`, and exits with 1 if any failed.
package main

import (
	"encoding/gob"
	"flag"
	"fmt"
	"net/rpc"
	"net/rpc/jsonrpc"
	"os"
	"reflect"
	"time"
)

type Base struct {
	ID   uint64
	Raw  []byte
	At   time.Time
	Note string
	Zero int
}

type Outer struct {
	Base
	Extra string
}

type Point struct {
	X, Y  int
	Name  string
	Inner *Point
	Any   interface{}
}

type Holder struct {
	V []interface{}
}

var failed bool

func report(name string, err error, want, got interface{}) {
	switch {
	case err != nil:
		fmt.Printf("FAIL %s: %v\n", name, err)
	case !reflect.DeepEqual(want, got):
		fmt.Printf("FAIL %s: %#v instead of %#v\n", name, got, want)
	default:
		fmt.Printf("ok %s\n", name)
		return
	}
	failed = true
}

func main() {
	addr := flag.String("addr", "", "the server")
	flag.Parse()
	gob.Register(Point{})
	gob.Register(map[string]int{})
	byJSON, err := jsonrpc.Dial("tcp", *addr)
	if err != nil {
		panic(err)
	}
	byGob, err := rpc.Dial("tcp", *addr)
	if err != nil {
		panic(err)
	}
	at := time.Date(2015, 1, 15, 8, 11, 21, 123456789, time.UTC)
	outer := Outer{Base{1 << 50, []byte("\x00abcd"), at, "note", 0}, "extra"}

	var flat Outer
	err = byJSON.Call("Embedded.Flat", outer, &flat)
	report("json", err, outer, flat)
	var nested Outer
	err = byGob.Call("Embedded.Nested", outer, &nested)
	report("gob, nested", err, outer, nested)
	var read Outer
	err = byGob.Call("Embedded.Read", outer, &read)
	report("gob, flattened", err, outer, read)

	values := []interface{}{
		5, int8(-5), int16(6), int32(7), int64(8), uint(9), uint8(0), uint16(1), uint32(2), uint64(3),
		float32(1.5), 2.5, true, "text", []byte("bytes"), []string{"a", ""}, []int{1, 2}, []float64{0.5},
		map[string]int{"k": 3}, Point{X: 1, Name: "p", Inner: &Point{Y: 2}, Any: uint(4)},
	}
	for round := 0; round < 2; round++ {
		for _, value := range values {
			holder := Holder{[]interface{}{value}}
			var got Holder
			err = byGob.Call("Embedded.Any", holder, &got)
			report(fmt.Sprintf("interface of %T", value), err, holder, got)
		}
	}
	var got Holder
	err = byGob.Call("Embedded.Any", Holder{values}, &got)
	report("all interfaces", err, Holder{values}, got)
	if failed {
		os.Exit(1)
	}
}
