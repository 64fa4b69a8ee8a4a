package main

import (
	"errors"
	"time"
)

// Args are the factors, or dividend and divisor.
type Args struct{ A, B int }

// Quotient is the reply of Arith.Divide.
type Quotient struct{ Quo, Rem int }

// Inner is a struct inside others.
type Inner struct {
	Name string
	N    int64
}

// Holder has one member of any type.
type Holder struct{ V interface{} }

// Empty has no member.
type Empty struct{}

// Arith computes and fails.
type Arith struct{}

// Multiply gives A*B.
func (Arith) Multiply(args Args, reply *int) error {
	*reply = args.A * args.B
	return nil
}

// Divide fails for B = 0.
func (Arith) Divide(args Args, reply *Quotient) error {
	if args.B == 0 {
		return errors.New("divide by zero")
	}
	*reply = Quotient{args.A / args.B, args.A % args.B}
	return nil
}

// Error always fails.
func (Arith) Error(_ Args, _ *int) error {
	return errors.New("app error: \"quoted\" <tag> é\n")
}

// EOSError fails with the text that ended a stream in the original.
func (Arith) EOSError(_ Args, _ *int) error { return errors.New("EOS") }

// EmptyError fails without a text, which is a success on the wire.
func (Arith) EmptyError(_ Args, _ *int) error { return errors.New("") }

// Echo returns its arguments.
type Echo struct{}

// String returns a string.
func (Echo) String(value string, reply *string) error { *reply = value; return nil }

// Bytes returns a byte string.
func (Echo) Bytes(value []byte, reply *[]byte) error { *reply = value; return nil }

// Int returns an integer.
func (Echo) Int(value int, reply *int) error { *reply = value; return nil }

// Int32 returns a 32-bit integer.
func (Echo) Int32(value int32, reply *int32) error { *reply = value; return nil }

// Int64 returns a 64-bit integer.
func (Echo) Int64(value int64, reply *int64) error { *reply = value; return nil }

// Uint returns an unsigned integer.
func (Echo) Uint(value uint, reply *uint) error { *reply = value; return nil }

// Uint32 returns an unsigned 32-bit integer.
func (Echo) Uint32(value uint32, reply *uint32) error { *reply = value; return nil }

// Uint64 returns an unsigned 64-bit integer.
func (Echo) Uint64(value uint64, reply *uint64) error { *reply = value; return nil }

// Float64 returns a float.
func (Echo) Float64(value float64, reply *float64) error { *reply = value; return nil }

// Bool returns a boolean.
func (Echo) Bool(value bool, reply *bool) error { *reply = value; return nil }

// Time returns a time.
func (Echo) Time(value time.Time, reply *time.Time) error { *reply = value; return nil }

// Inner returns a struct.
func (Echo) Inner(value Inner, reply *Inner) error { *reply = value; return nil }

// Inners returns a list of structs.
func (Echo) Inners(value []Inner, reply *[]Inner) error { *reply = value; return nil }

// Strings returns a list of strings.
func (Echo) Strings(value []string, reply *[]string) error { *reply = value; return nil }

// Ints returns a list of integers.
func (Echo) Ints(value []int64, reply *[]int64) error { *reply = value; return nil }

// Any returns anything.
func (Echo) Any(value interface{}, reply *interface{}) error { *reply = value; return nil }

// Hold returns a struct with anything in it.
func (Echo) Hold(value Holder, reply *Holder) error { *reply = value; return nil }

// Empty returns nothing.
func (Echo) Empty(value Empty, reply *Empty) error { *reply = value; return nil }

// Map returns a map of anything.
func (Echo) Map(value map[string]interface{}, reply *map[string]interface{}) error {
	*reply = value
	return nil
}

// MapStr returns a map of strings.
func (Echo) MapStr(value map[string]string, reply *map[string]string) error {
	*reply = value
	return nil
}

// Slow waits.
type Slow struct{}

// Sleep waits that many milliseconds and returns them.
func (Slow) Sleep(ms int, reply *int) error {
	time.Sleep(time.Duration(ms) * time.Millisecond)
	*reply = ms
	return nil
}
