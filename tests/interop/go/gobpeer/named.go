package main

import "time"

// named are types that the other side has in its own language, not by description.
var named = map[string]interface{}{
	"Args":      Args{},
	"Scalars":   Scalars{},
	"Lists":     Lists{},
	"Maps":      Maps{},
	"Arrays":    Arrays{},
	"Nested":    Nested{},
	"Pointers":  Pointers{},
	"Node":      Node{},
	"Tree":      Tree{},
	"Left":      Left{},
	"Times":     Times{},
	"Mixed":     Mixed{},
	"Embedding": Embedding{},
	"Celsius":   Celsius(0),
	"IDs":       IDs(nil),
	"Page":      Page{},
}

type Args struct{ A, B int }

type Scalars struct {
	Bool    bool
	I8      int8
	I16     int16
	I32     int32
	I64     int64
	U8      uint8
	U16     uint16
	U32     uint32
	U64     uint64
	F32     float32
	F64     float64
	Complex complex128
	Text    string
	Raw     string
	Bytes   []byte
	Kind    string
	Celsius Celsius
}

type Celsius float64

type IDs []int64

type Lists struct {
	Ints    []int
	Texts   []string
	Lists   [][]string
	Structs []Args
	Bytes   [][]byte
	IDs     IDs
}

type Maps struct {
	Counts  map[string]int
	Names   map[int64]string
	Structs map[uint16]Args
	Maps    map[string]map[string]bool
	Lists   map[string][]float64
}

type Arrays struct {
	Ints  [3]int
	Bytes [4]uint8
	Args  [2]Args
	Lists [2][]string
	Pair  [2]float64
}

type Nested struct {
	Name   string
	Args   Args
	Lists  Lists
	Arrays Arrays
	Last   bool
}

type Pointers struct {
	Int  *int
	Text *string
	Args *Args
	List *[]string
	Deep **Args
	Map  *map[string]int
	Time *time.Time
}

type Node struct {
	Value int
	Next  *Node
}

type Tree []Tree

type Left struct {
	Name   string
	Rights []Right
}

type Right struct {
	Weight float64
	Lefts  map[string]Left
	Up     *Left
}

type Times struct {
	At    time.Time
	List  []time.Time
	Map   map[string]time.Time
	Until *time.Time
}

type Mixed struct {
	One  interface{}
	List []interface{}
	Map  map[string]interface{}
}

type Embedding struct {
	Args
	More string
}

type Page struct {
	Total int
	Rows  []Row
	Index map[string]Row
}

type Row struct {
	ID   uint64
	Name string
	Tags []string
	At   time.Time
	Args *Args
}
