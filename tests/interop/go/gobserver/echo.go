package main

import (
	"math/big"
	"time"

	"rpcwrap/interop/gobtypes"
)

// Echo returns its arguments.
type Echo struct{}

// The basic types.

func (*Echo) Int(value int, reply *int) error                      { *reply = value; return nil }
func (*Echo) Int8(value int8, reply *int8) error                   { *reply = value; return nil }
func (*Echo) Int16(value int16, reply *int16) error                { *reply = value; return nil }
func (*Echo) Int32(value int32, reply *int32) error                { *reply = value; return nil }
func (*Echo) Int64(value int64, reply *int64) error                { *reply = value; return nil }
func (*Echo) Uint(value uint, reply *uint) error                   { *reply = value; return nil }
func (*Echo) Uint8(value uint8, reply *uint8) error                { *reply = value; return nil }
func (*Echo) Uint16(value uint16, reply *uint16) error             { *reply = value; return nil }
func (*Echo) Uint32(value uint32, reply *uint32) error             { *reply = value; return nil }
func (*Echo) Uint64(value uint64, reply *uint64) error             { *reply = value; return nil }
func (*Echo) Float32(value float32, reply *float32) error          { *reply = value; return nil }
func (*Echo) Float64(value float64, reply *float64) error          { *reply = value; return nil }
func (*Echo) Complex64(value complex64, reply *complex64) error    { *reply = value; return nil }
func (*Echo) Complex128(value complex128, reply *complex128) error { *reply = value; return nil }
func (*Echo) Bool(value bool, reply *bool) error                   { *reply = value; return nil }
func (*Echo) String(value string, reply *string) error             { *reply = value; return nil }
func (*Echo) Bytes(value []byte, reply *[]byte) error              { *reply = value; return nil }

// Lists and arrays.

func (*Echo) Ints(value []int, reply *[]int) error             { *reply = value; return nil }
func (*Echo) Int8s(value []int8, reply *[]int8) error          { *reply = value; return nil }
func (*Echo) Uint16s(value []uint16, reply *[]uint16) error    { *reply = value; return nil }
func (*Echo) Floats(value []float64, reply *[]float64) error   { *reply = value; return nil }
func (*Echo) Bools(value []bool, reply *[]bool) error          { *reply = value; return nil }
func (*Echo) Strings(value []string, reply *[]string) error    { *reply = value; return nil }
func (*Echo) ByteSlices(value [][]byte, reply *[][]byte) error { *reply = value; return nil }
func (*Echo) Points(value []gobtypes.Point, reply *[]gobtypes.Point) error {
	*reply = value
	return nil
}
func (*Echo) Grid(value [][]gobtypes.Point, reply *[][]gobtypes.Point) error {
	*reply = value
	return nil
}
func (*Echo) Triple(value [3]int, reply *[3]int) error { *reply = value; return nil }
func (*Echo) Quad(value [4]byte, reply *[4]byte) error { *reply = value; return nil }
func (*Echo) Lists(value gobtypes.Lists, reply *gobtypes.Lists) error {
	*reply = value
	return nil
}
func (*Echo) Arrays(value gobtypes.Arrays, reply *gobtypes.Arrays) error {
	*reply = value
	return nil
}

// Maps.

func (*Echo) StringInts(value map[string]int, reply *map[string]int) error {
	*reply = value
	return nil
}
func (*Echo) IntStrings(value map[int]string, reply *map[int]string) error {
	*reply = value
	return nil
}
func (*Echo) Inners(value map[string]gobtypes.Inner, reply *map[string]gobtypes.Inner) error {
	*reply = value
	return nil
}
func (*Echo) PointStrings(value map[gobtypes.Point]string, reply *map[gobtypes.Point]string) error {
	*reply = value
	return nil
}
func (*Echo) Maps(value gobtypes.Maps, reply *gobtypes.Maps) error { *reply = value; return nil }

// Structs.

func (*Echo) Empty(value gobtypes.Empty, reply *gobtypes.Empty) error { *reply = value; return nil }
func (*Echo) Inner(value gobtypes.Inner, reply *gobtypes.Inner) error { *reply = value; return nil }
func (*Echo) Scalars(value gobtypes.Scalars, reply *gobtypes.Scalars) error {
	*reply = value
	return nil
}
func (*Echo) Nested(value gobtypes.Nested, reply *gobtypes.Nested) error { *reply = value; return nil }
func (*Echo) Pointers(value gobtypes.Pointers, reply *gobtypes.Pointers) error {
	*reply = value
	return nil
}
func (*Echo) Embedded(value gobtypes.Embedded, reply *gobtypes.Embedded) error {
	*reply = value
	return nil
}

// Types that have themselves inside.

func (*Echo) Node(value gobtypes.Node, reply *gobtypes.Node) error { *reply = value; return nil }
func (*Echo) Tree(value gobtypes.Tree, reply *gobtypes.Tree) error { *reply = value; return nil }
func (*Echo) Dir(value gobtypes.Dir, reply *gobtypes.Dir) error    { *reply = value; return nil }
func (*Echo) Ping(value gobtypes.Ping, reply *gobtypes.Ping) error { *reply = value; return nil }
func (*Echo) Rose(value gobtypes.Rose, reply *gobtypes.Rose) error { *reply = value; return nil }

// Named types and times.

func (*Echo) Level(value gobtypes.Level, reply *gobtypes.Level) error    { *reply = value; return nil }
func (*Echo) Labels(value gobtypes.Labels, reply *gobtypes.Labels) error { *reply = value; return nil }
func (*Echo) Raw(value gobtypes.Raw, reply *gobtypes.Raw) error          { *reply = value; return nil }
func (*Echo) Table(value gobtypes.Table, reply *gobtypes.Table) error    { *reply = value; return nil }
func (*Echo) Named(value gobtypes.Named, reply *gobtypes.Named) error    { *reply = value; return nil }
func (*Echo) Duration(value time.Duration, reply *time.Duration) error   { *reply = value; return nil }
func (*Echo) Time(value time.Time, reply *time.Time) error               { *reply = value; return nil }
func (*Echo) Times(value gobtypes.Times, reply *gobtypes.Times) error    { *reply = value; return nil }
func (*Echo) Celsius(value gobtypes.Celsius, reply *gobtypes.Celsius) error {
	*reply = value
	return nil
}
func (*Echo) Version(value gobtypes.Version, reply *gobtypes.Version) error {
	*reply = value
	return nil
}
func (*Echo) BigInt(value big.Int, reply *big.Int) error { reply.Set(&value); return nil }
func (*Echo) Opaques(value gobtypes.Opaques, reply *gobtypes.Opaques) error {
	*reply = value
	return nil
}

// Interfaces.

func (*Echo) Any(value interface{}, reply *interface{}) error            { *reply = value; return nil }
func (*Echo) Anys(value []interface{}, reply *[]interface{}) error       { *reply = value; return nil }
func (*Echo) Holder(value gobtypes.Holder, reply *gobtypes.Holder) error { *reply = value; return nil }
func (*Echo) Mixed(value gobtypes.Mixed, reply *gobtypes.Mixed) error    { *reply = value; return nil }
