package main

import (
	"encoding/gob"
	"io"
	"net/rpc"
	"reflect"
)

// odd answers requests with gob that Go's decoder takes but Go's encoder would not have written: types in any order
// and under any number, the same name for several of them, zeros sent, numbers longer than needed.
func odd(conn io.ReadWriter) error {
	in := gob.NewDecoder(conn)
	replies := oddReplies()
	header := responseDefinition
	for {
		var request rpc.Request
		if err := in.Decode(&request); err != nil {
			return err
		}
		if err := in.DecodeValue(reflect.Value{}); err != nil {
			return err
		}
		var failure string
		name := request.ServiceMethod
		queue := replies[name]
		if len(queue) == 0 {
			failure, queue = "odd: nothing more for "+name, [][]byte{message(integer(idInt), []byte{0, 0})}
		}
		var out []byte
		if name == "Odd.Stranger" {
			// A reply no call waits for.
			out = append(out, header...)
			out = append(out, response(name, request.Seq+1000, "")...)
			out = append(out, message(integer(idInt), []byte{0, 2})...)
			header = nil
		}
		if name == "Odd.ErrorWithBody" {
			failure = "odd: with a body"
		}
		out = append(out, header...)
		out = append(out, response(name, request.Seq, failure)...)
		out = append(out, queue[0]...)
		header, replies[name] = nil, queue[1:]
		if _, err := conn.Write(out); err != nil {
			return err
		}
	}
}

// The predefined types, and the number of Response here.
const (
	idInt, idUint, idString, idInterface = 2, 3, 6, 8
	idResponse                           = 64
)

var responseDefinition = structDefinition(idResponse, "Response",
	field{"ServiceMethod", idString}, field{"Seq", idUint}, field{"Error", idString})

// response is a header; absent fields are the zeros.
func response(method string, seq uint64, text string) []byte {
	body := join(integer(idResponse), unsigned(1), str(method))
	last := 0
	if seq != 0 {
		body = join(body, unsigned(1), unsigned(seq))
		last = 1
	}
	if text != "" {
		body = join(body, unsigned(uint64(2-last)), str(text))
	}
	return message(body, []byte{0})
}

// oddReplies gives the replies of one connection: per method what its first call is answered with, its second and so
// on, everything behind the header.
func oddReplies() map[string][][]byte {
	pair := structDefinition(200, "Pair", field{"In", 300}, field{"N", idInt})
	inner := structDefinition(300, "Inner", field{"Name", idString}, field{"N", idInt})
	// In: {Name: "odd", N: -1}, N: 5
	pairValue := message(integer(200), []byte{1, 1}, str("odd"), []byte{1, 1, 0, 1, 10, 0})
	quo := structDefinition(400, "Quotient", field{"Quo", idInt})
	more := structDefinition(401, "Quotient", field{"Extra", idString}, field{"Rem", idInt}, field{"Quo", idInt})
	return map[string][][]byte{
		"Odd.InnerFirst": {join(inner, pair, pairValue), pairValue},
		// The name that Pair has inside, for a type with nothing in common with it.
		"Odd.SameName": {join(structDefinition(301, "Inner", field{"X", idInt}, field{"Y", idInt}),
			message(integer(301), []byte{1, 2, 1, 4, 0}))},
		// A type that has another number and other fields in mid-stream.
		"Odd.Redefined": {
			join(quo, message(integer(400), []byte{1, 6, 0})),
			join(more, message(integer(401), []byte{1}, str("extra"), []byte{1, 4, 1, 6, 0})),
			message(integer(400), []byte{1, 8, 0}),
		},
		"Odd.Unnamed": {join(structDefinition(500, "", field{"X", idInt}, field{"Y", idInt}),
			message(integer(500), []byte{1, 2, 1, 4, 0}))},
		"Odd.ExplicitZero": {join(structDefinition(501, "Point", field{"X", idInt}, field{"Y", idInt}),
			message(integer(501), []byte{1, 0, 1, 0, 0}))},
		// 3 in eight bytes, 4 in two.
		"Odd.LongNumbers": {join(structDefinition(502, "Point", field{"X", idInt}, field{"Y", idInt}),
			message(integer(502), []byte{1, 0xf8, 0, 0, 0, 0, 0, 0, 0, 6, 1, 0xfe, 0, 8, 0}))},
		// Behind the value, within its message: nothing, to Go.
		"Odd.Trailing": {join(structDefinition(503, "Point", field{"X", idInt}, field{"Y", idInt}),
			message(integer(503), []byte{1, 2, 1, 4, 0}, []byte("trailing bytes")))},
		// The number inside the definition is not the one in front of it.
		"Odd.TwoNumbers": {join(
			message(integer(-504), []byte{3, 1}, common("Point", 7777), []byte{1, 2, 1},
				str("X"), []byte{1}, integer(idInt), []byte{0, 1}, str("Y"), []byte{1}, integer(idInt),
				[]byte{0, 0, 0}),
			message(integer(504), []byte{1, 2, 1, 4, 0}))},
		// Types that no value has.
		"Odd.Unused": {join(structDefinition(505, "Nothing", field{"Self", 505}, field{"Later", 507}),
			sliceDefinition(506, 506), mapDefinition(507, 505, 506),
			structDefinition(508, "Point", field{"X", idInt}, field{"Y", idInt}),
			message(integer(508), []byte{1, 2, 1, 4, 0}))},
		// A value in two messages: the first ends in the definition of what the interface holds.
		"Odd.Split": {join(structDefinition(509, "Holder", field{"V", idInterface}),
			message(integer(509), []byte{1}, str("rpcwrap/interop/gobtypes.Square"),
				integer(-510), squareType()),
			message(integer(510), unsigned(3), []byte{1, 8, 0}, []byte{0}))},
		// The same, with the definition in front of everything.
		"Odd.Whole": {join(structDefinition(511, "Square", field{"Side", idInt}),
			structDefinition(512, "Holder", field{"V", idInterface}),
			message(integer(512), []byte{1}, str("rpcwrap/interop/gobtypes.Square"),
				integer(511), unsigned(3), []byte{1, 8, 0}, []byte{0}))},
		"Odd.Int":     {message(integer(idInt), []byte{0, 10})},
		"Odd.Strings": {join(sliceDefinition(513, idString), message(integer(513), []byte{0, 2}, str("a"), str("")))},
		"Odd.Stranger": {message(integer(idInt), []byte{0, 12}),
			message(integer(idInt), []byte{0, 14})},
		"Odd.ErrorWithBody": {join(sliceDefinition(514, idInt), message(integer(514), []byte{0, 2, 2, 4}))},
	}
}

type field struct {
	name string
	id   int64
}

func structDefinition(id int64, name string, fields ...field) []byte {
	body := join(integer(-id), []byte{3, 1}, common(name, id), []byte{1}, unsigned(uint64(len(fields))))
	for _, f := range fields {
		body = join(body, []byte{1}, str(f.name), []byte{1}, integer(f.id), []byte{0})
	}
	return message(body, []byte{0, 0})
}

// squareType is the definition of Square behind its number.
func squareType() []byte {
	return join([]byte{3, 1}, common("Square", 510), []byte{1, 1, 1}, str("Side"), []byte{1}, integer(idInt),
		[]byte{0, 0, 0})
}

func sliceDefinition(id, elem int64) []byte {
	return message(integer(-id), []byte{2, 1}, common("", id), []byte{1}, integer(elem), []byte{0, 0})
}

func mapDefinition(id, key, elem int64) []byte {
	return message(integer(-id), []byte{4, 1}, common("", id), []byte{1}, integer(key), []byte{1}, integer(elem),
		[]byte{0, 0})
}

// common is a CommonType, its end included; an empty name is left out.
func common(name string, id int64) []byte {
	if name == "" {
		return join([]byte{2}, integer(id), []byte{0})
	}
	return join([]byte{1}, str(name), []byte{1}, integer(id), []byte{0})
}

func message(parts ...[]byte) []byte {
	content := join(parts...)
	return join(unsigned(uint64(len(content))), content)
}

func join(parts ...[]byte) []byte {
	var whole []byte
	for _, part := range parts {
		whole = append(whole, part...)
	}
	return whole
}

func str(s string) []byte {
	return append(unsigned(uint64(len(s))), s...)
}

func integer(n int64) []byte {
	if n < 0 {
		return unsigned(uint64(^n)<<1 | 1)
	}
	return unsigned(uint64(n) << 1)
}

func unsigned(n uint64) []byte {
	if n < 128 {
		return []byte{byte(n)}
	}
	var digits []byte
	for ; n > 0; n >>= 8 {
		digits = append([]byte{byte(n)}, digits...)
	}
	return append([]byte{byte(-len(digits))}, digits...)
}
