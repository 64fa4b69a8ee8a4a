package gobtypes

// Record is the type whose other versions the callers have.
type Record struct {
	ID     int
	Name   string
	Tags   []string
	Scores map[string]float64
	Inner  Inner
	Ptr    *Inner
	Count  uint
}

// Narrow has fields that larger numbers do not fit.
type Narrow struct {
	I8  int8
	I16 int16
	U8  uint8
	U32 uint32
	F32 float32
}

// CountArgs asks Stream.Count for items.
type CountArgs struct{ N, ErrorAt, BadAt int }

// CountReply is one of them.
type CountReply struct{ C, Index int }

// CancelArgs is what a client says that gave up, as github.com/keegancsmith/rpc sends it.
type CancelArgs struct{ Seq uint64 }
