package main

import (
	"encoding/gob"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

func init() {
	gob.Register(time.Time{})
	gob.Register([]interface{}{})
	gob.Register(map[string]interface{}{})
}

// scalars are the types of one word.
var scalars = map[string]interface{}{
	"bool": false, "int8": int8(0), "int16": int16(0), "int32": int32(0), "int64": int64(0), "int": 0,
	"uint8": uint8(0), "uint16": uint16(0), "uint32": uint32(0), "uint64": uint64(0), "uint": uint(0),
	"float32": float32(0), "float64": float64(0), "complex": complex128(0), "string": "", "bytes": []byte(nil),
	"time": time.Time{},
}

// typeOf makes a type of its description: a name of scalars or named, "any", or one of
// "*T", "[]T", "[3]T", "map K V", "struct { Name T Name T }", all words and brackets apart by spaces.
func typeOf(description string) (reflect.Type, error) {
	words := strings.Fields(description)
	typ, rest, err := parse(words)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("after a type: %q", rest)
	}
	return typ, err
}

func parse(words []string) (typ reflect.Type, rest []string, err error) {
	if len(words) == 0 {
		return nil, nil, fmt.Errorf("no type")
	}
	word, rest := words[0], words[1:]
	if scalar, ok := scalars[word]; ok {
		return reflect.TypeOf(scalar), rest, nil
	}
	if name, ok := named[word]; ok {
		return reflect.TypeOf(name), rest, nil
	}
	switch {
	case word == "any":
		return reflect.TypeOf((*interface{})(nil)).Elem(), rest, nil
	case word == "struct":
		return parseStruct(rest)
	case word == "map":
		key, rest, err := parse(rest)
		if err != nil {
			return nil, nil, err
		}
		elem, rest, err := parse(rest)
		if err != nil {
			return nil, nil, err
		}
		return reflect.MapOf(key, elem), rest, nil
	}
	elem, rest, err := parse(rest)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case word == "*":
		return reflect.PtrTo(elem), rest, nil
	case word == "[]":
		return reflect.SliceOf(elem), rest, nil
	}
	length, err := strconv.Atoi(strings.Trim(word, "[]"))
	if err != nil {
		return nil, nil, fmt.Errorf("unknown type %q", word)
	}
	return reflect.ArrayOf(length, elem), rest, nil
}

func parseStruct(words []string) (typ reflect.Type, rest []string, err error) {
	var fields []reflect.StructField
	for rest = words[1:]; len(rest) > 0 && rest[0] != "}"; {
		name := rest[0]
		typ, rest, err = parse(rest[1:])
		if err != nil {
			return nil, nil, err
		}
		fields = append(fields, reflect.StructField{Name: name, Type: typ})
	}
	return reflect.StructOf(fields), rest[1:], nil
}
