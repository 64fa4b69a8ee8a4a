// Package gobtypes has what the gob client and the gob server here say to each other: one type for each way gob can
// write a value. Its names and fields are those of the Rust services in tests/support/gob_services.
package gobtypes

// Args are the factors, or dividend and divisor.
type Args struct{ A, B int }

// Quotient is the reply of Arith.Divide.
type Quotient struct{ Quo, Rem int }

// Empty has no field.
type Empty struct{}

// Point is two numbers.
type Point struct{ X, Y int }

// Inner is a struct inside others.
type Inner struct {
	Name string
	N    int64
}

// Scalars has one field of each basic kind.
type Scalars struct {
	I    int
	I8   int8
	I16  int16
	I32  int32
	I64  int64
	U    uint
	U8   uint8
	U16  uint16
	U32  uint32
	U64  uint64
	F32  float32
	F64  float64
	C64  complex64
	C128 complex128
	B    bool
	S    string
	By   []byte
}

// Lists has slices of one level and of two.
type Lists struct {
	Ints    []int
	Small   []int8
	Words   []uint16
	Floats  []float64
	Bools   []bool
	Strings []string
	Bytes   [][]byte
	Points  []Point
	Grid    [][]Point
	Maps    []map[string]int
	Options []*Inner
}

// Arrays has arrays; gob sends them even where they are all zeros.
type Arrays struct {
	Ints    [3]int
	Bytes   [4]byte
	Strings [2]string
	Points  [2]Point
	Grid    [2][2]float64
}

// Maps has maps of many keys and values.
type Maps struct {
	StringInt     map[string]int
	IntString     map[int]string
	StringInner   map[string]Inner
	IntPoint      map[int64]Point
	StringStrings map[string][]string
	MapMap        map[string]map[string]int
	BoolFloat     map[bool]float64
	ByteString    map[uint8]string
	PointString   map[Point]string
	PairString    map[[2]int]string
	StringPointer map[string]*Inner
}

// Nested has structs inside: by value, by pointer, in lists, in maps, and without a name.
type Nested struct {
	Name  string
	In    Inner
	Ptr   *Inner
	List  []Inner
	Map   map[string]Inner
	Empty Empty
	Deep  struct{ A struct{ B struct{ C int } } }
}

// Pointers has a pointer to each kind; one to a zero arrives as nil.
type Pointers struct {
	I  *int
	U  *uint8
	F  *float64
	B  *bool
	S  **string
	By *[]byte
	In *Inner
	L  *[]int
	M  *map[string]int
}

// Base is embedded.
type Base struct {
	ID   int
	Kind string
}

// Embedded has its embedded structs as fields named after their types.
type Embedded struct {
	Base
	*Inner
	Extra string
}
