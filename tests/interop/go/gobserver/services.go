package main

import (
	"errors"
	"math"
	"strings"
	"sync"
	"time"

	"rpcwrap/interop/gobtypes"
)

// Arith computes and fails.
type Arith struct{}

// Multiply gives A*B.
func (Arith) Multiply(args gobtypes.Args, reply *int) error {
	*reply = args.A * args.B
	return nil
}

// Divide fails for B = 0.
func (Arith) Divide(args *gobtypes.Args, reply *gobtypes.Quotient) error {
	if args.B == 0 {
		return errors.New("divide by zero")
	}
	*reply = gobtypes.Quotient{Quo: args.A / args.B, Rem: args.A % args.B}
	return nil
}

// Fail fails.
type Fail struct{}

// With fails with that text.
func (Fail) With(text string, _ *int) error { return errors.New(text) }

// Late fails after it has begun its reply.
func (Fail) Late(_ gobtypes.Empty, reply *gobtypes.Lists) error {
	reply.Strings = append(reply.Strings, "begun")
	return errors.New("too late")
}

// Empty fails without a text, which is a success on the wire.
func (Fail) Empty(_ gobtypes.Empty, _ *int) error { return errors.New("") }

// EOS fails with the text that ended a stream in the original.
func (Fail) EOS(_ gobtypes.Empty, _ *int) error { return errors.New("EOS") }

// Evolve is called with other versions of its types.
type Evolve struct{}

// Record returns it.
func (Evolve) Record(value gobtypes.Record, reply *gobtypes.Record) error { *reply = value; return nil }

// Narrow returns it.
func (Evolve) Narrow(value gobtypes.Narrow, reply *gobtypes.Narrow) error { *reply = value; return nil }

// Gate has calls that wait for one another.
type Gate struct{ waiting sync.Map }

// gate is what calls of one key wait for.
type gate struct {
	opened chan struct{}
	mutex  sync.Mutex
	inside int
}

func (g *Gate) of(key string) *gate {
	found, _ := g.waiting.LoadOrStore(key, &gate{opened: make(chan struct{})})
	return found.(*gate)
}

// Wait returns once Open was called with the same key, before or after.
func (g *Gate) Wait(key string, reply *string) error {
	<-g.of(key).opened
	*reply = key
	return nil
}

// Open lets the calls of that key go on, once.
func (g *Gate) Open(key string, _ *gobtypes.Empty) error {
	close(g.of(key).opened)
	return nil
}

// Meeting is a key, and how many calls of it wait for one another.
type Meeting struct {
	Key   string
	Calls int
}

// Meet returns when that many calls of the same key are inside.
func (g *Gate) Meet(meeting Meeting, reply *int) error {
	gate := g.of(meeting.Key)
	gate.mutex.Lock()
	gate.inside++
	if gate.inside == meeting.Calls {
		close(gate.opened)
	}
	gate.mutex.Unlock()
	<-gate.opened
	*reply = meeting.Calls
	return nil
}

// Sleep waits that many milliseconds and returns them.
func (g *Gate) Sleep(ms int, reply *int) error {
	time.Sleep(time.Duration(ms) * time.Millisecond)
	*reply = ms
	return nil
}

// Big has replies of any size.
type Big struct{}

// Bytes gives n bytes, counted round and round.
func (Big) Bytes(n int, reply *[]byte) error {
	*reply = make([]byte, n)
	for i := range *reply {
		(*reply)[i] = byte(i)
	}
	return nil
}

// Rows gives n structs.
func (Big) Rows(n int, reply *[]gobtypes.Inner) error {
	for i := 0; i < n; i++ {
		*reply = append(*reply, gobtypes.Inner{Name: strings.Repeat("x", i%10), N: int64(i)})
	}
	return nil
}

// Length of a byte string.
func (Big) Length(value []byte, reply *int) error { *reply = len(value); return nil }

// Look takes its arguments apart: what a server says of a value shows that it understood it.
type Look struct{}

// Float gives the bits.
func (Look) Float(value float64, reply *uint64) error { *reply = math.Float64bits(value); return nil }

// Complex gives both parts.
func (Look) Complex(value complex128, reply *[2]float64) error {
	*reply = [2]float64{real(value), imag(value)}
	return nil
}

// Text gives the bytes.
func (Look) Text(value string, reply *[]byte) error { *reply = []byte(value); return nil }

// Time gives the second, the nanosecond and the zone.
func (Look) Time(value time.Time, reply *gobtypes.Moment) error {
	*reply = gobtypes.MomentOf(value)
	return nil
}

// Tree gives its shape.
func (Look) Tree(value gobtypes.Tree, reply *gobtypes.Shape) error {
	*reply = value.Shape()
	return nil
}

// Node gives the values, first to last.
func (Look) Node(value gobtypes.Node, reply *[]int) error {
	for node := &value; node != nil; node = node.Next {
		*reply = append(*reply, node.Value)
	}
	return nil
}

// Holder says what it holds.
func (Look) Holder(value gobtypes.Holder, reply *string) error {
	*reply = gobtypes.Kind(value.V)
	return nil
}

// Any says it without the types of Go.
func (Look) Any(value gobtypes.Holder, reply *string) error {
	*reply = gobtypes.Loose(value.V)
	return nil
}

// Sum adds up the values of a map of lists.
func (Look) Sum(value map[string][]int, reply *map[string]int) error {
	*reply = make(map[string]int)
	for key, list := range value {
		for _, n := range list {
			(*reply)[key] += n
		}
	}
	return nil
}

// Pointers tells which are not nil, by name.
func (Look) Pointers(value gobtypes.Pointers, reply *[]string) error {
	for name, set := range map[string]bool{
		"I": value.I != nil, "U": value.U != nil, "F": value.F != nil, "B": value.B != nil, "S": value.S != nil,
		"By": value.By != nil, "In": value.In != nil, "L": value.L != nil, "M": value.M != nil,
	} {
		if set {
			*reply = append(*reply, name)
		}
	}
	return nil
}

// Make puts replies together.
type Make struct{}

// Float of those bits.
func (Make) Float(bits uint64, reply *float64) error { *reply = math.Float64frombits(bits); return nil }

// Complex of both parts.
func (Make) Complex(parts [2]float64, reply *complex128) error {
	*reply = complex(parts[0], parts[1])
	return nil
}

// Text of those bytes.
func (Make) Text(value []byte, reply *string) error { *reply = string(value); return nil }

// Time of that moment.
func (Make) Time(value gobtypes.Moment, reply *time.Time) error { *reply = value.Time(); return nil }

// Tree of that depth.
func (Make) Tree(depth int, reply *gobtypes.Tree) error {
	*reply = gobtypes.NewTree(depth, 0)
	return nil
}

// Node gives a list of n.
func (Make) Node(n int, reply *gobtypes.Node) error {
	if list := gobtypes.NewNode(n); list != nil {
		*reply = *list
	}
	return nil
}

// Holder of a value of that kind.
func (Make) Holder(kind string, reply *gobtypes.Holder) error {
	reply.V = gobtypes.OfKind(kind)
	return nil
}

// Any gives a Holder of the types that a server has which knows one of each kind.
func (Make) Any(kind string, reply *gobtypes.Holder) error {
	reply.V = gobtypes.AnyOfKind(kind)
	return nil
}
