package gobtypes

import (
	"encoding/gob"
	"fmt"
	"sort"
	"time"
)

// Holder has one value of any type.
type Holder struct{ V interface{} }

// Mixed has values of any type in a list, in a map, and behind an interface with a method.
type Mixed struct {
	List []interface{}
	Map  map[string]interface{}
	Area Area
}

// Area is an interface that a Square is by value, a Circle by pointer.
type Area interface{ Area() int }

// Square is registered by value, under its package's path.
type Square struct{ Side int }

// Area of the square.
func (s Square) Area() int { return s.Side * s.Side }

// Circle is registered by pointer, under its package's name.
type Circle struct{ Radius int }

// Area of the circle, more or less.
func (c *Circle) Area() int { return 3 * c.Radius * c.Radius }

// Registered has fields of many kinds, an interface among them.
type Registered struct {
	Name  string
	Ints  []int
	Inner *Inner
	Any   interface{}
}

// The names are part of what is said: both sides know a type by the one it was registered under.
func init() {
	gob.Register(Square{})
	gob.Register(&Circle{})
	gob.RegisterName("Registered", Registered{})
	gob.Register(Level(0))
	gob.Register(Labels{})
	gob.Register(time.Time{})
	gob.Register([]interface{}{})
	gob.Register([]string{})
	gob.Register(map[string]interface{}{})
	gob.Register(map[string]int{})
	gob.Register(Celsius{})
	gob.Register([2]int{})
}

// Kind says what an interface holds: its type and value, for those a server has to tell apart.
func Kind(v interface{}) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case int, int64, uint8, uint64, bool, string, float64:
		return fmt.Sprintf("%T %v", v, v)
	case []byte:
		return fmt.Sprintf("bytes %x", v)
	case time.Time:
		return fmt.Sprintf("time %d", v.Unix())
	case Square:
		return fmt.Sprintf("square %d", v.Side)
	case []interface{}:
		text := "list"
		for _, item := range v {
			text += " (" + Kind(item) + ")"
		}
		return text
	case map[string]interface{}:
		text := "map"
		for _, key := range sortedKeys(v) {
			text += " " + key + "=(" + Kind(v[key]) + ")"
		}
		return text
	}
	return fmt.Sprintf("another %T", v)
}

// Loose says what an interface holds to who does not know Go's types: numbers without their widths, structs as maps of
// their fields.
func Loose(v interface{}) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case bool, string:
		return fmt.Sprintf("%T %v", v, v)
	case int, int8, int16, int32, int64:
		return fmt.Sprintf("int %d", v)
	case uint, uint8, uint16, uint32, uint64:
		return fmt.Sprintf("uint %d", v)
	case float32, float64:
		return fmt.Sprintf("float %v", v)
	case complex128:
		return fmt.Sprintf("complex %v %v", real(v), imag(v))
	case []byte, time.Time:
		return Kind(v)
	case Square:
		return fmt.Sprintf("map Side=(int %d)", v.Side)
	case []string:
		list := make([]interface{}, len(v))
		for i, item := range v {
			list[i] = item
		}
		return Loose(list)
	case []interface{}:
		text := "list"
		for _, item := range v {
			text += " (" + Loose(item) + ")"
		}
		return text
	case map[string]interface{}:
		text := "map"
		for _, key := range sortedKeys(v) {
			text += " " + key + "=(" + Loose(v[key]) + ")"
		}
		return text
	}
	return fmt.Sprintf("another %T", v)
}

func sortedKeys(m map[string]interface{}) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

// OfKind is the other way round, for the kinds without an argument in their names.
func OfKind(kind string) interface{} {
	switch kind {
	case "int":
		return -5
	case "uint64":
		return uint64(1) << 63
	case "float64":
		return 2.5
	case "bool":
		return true
	case "string":
		return "text"
	case "bytes":
		return []byte{0, 0xff}
	case "time":
		return time.Unix(1421325045, 0).UTC()
	case "square":
		return Square{4}
	case "circle":
		return &Circle{2}
	case "list":
		return []interface{}{1, "two", 3.5}
	case "map":
		return map[string]interface{}{"a": 1, "b": []interface{}{"deep"}}
	}
	return nil
}

// AnyOfKind gives the types that a server writes which has one of each kind only.
func AnyOfKind(kind string) interface{} {
	switch kind {
	case "int":
		return int64(-5)
	case "uint":
		return uint64(1) << 63
	case "float":
		return 2.5
	case "list":
		return []interface{}{int64(1), "two", 3.5, nil}
	case "map":
		return map[string]interface{}{"a": int64(1), "b": []interface{}{"deep"}}
	}
	return OfKind(kind)
}
