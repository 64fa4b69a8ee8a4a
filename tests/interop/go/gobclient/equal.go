package main

import (
	"encoding"
	"encoding/gob"
	"fmt"
	"math"
	"net/rpc"
	"reflect"
	"sort"
	"strings"
	"time"
)

// echoes is a statement that a method returns each of the values: on its own connection with the types defined on the
// way, and again with all of them known.
func echoes[T any](method string, values ...T) func(*rpc.Client) error {
	return func(c *rpc.Client) error {
		for round := 0; round < 2; round++ {
			for _, value := range values {
				if err := gives[T, T](method, value, value)(c); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// gives is a statement about one call.
func gives[A, R any](method string, arg A, want R) func(*rpc.Client) error {
	return func(c *rpc.Client) error {
		var got R
		if err := c.Call(method, &arg, &got); err != nil {
			return fmt.Errorf("%s(%.200s): %w", method, show(arg), err)
		}
		if err := equal(got, want); err != nil {
			return fmt.Errorf("%s(%.200s): %w", method, show(arg), err)
		}
		return nil
	}
}

// equal compares what gob is to carry: see show.
func equal[T any](got, want T) error {
	if g, w := show(got), show(want); g != w {
		return fmt.Errorf("got %.300s, wanted %.300s", g, w)
	}
	return nil
}

// show gives all of a value as text: floats by their bits, times by instant and zone, pointers by what they point to,
// interfaces with the type they hold. A nil slice or map is an empty one.
func show(value interface{}) string {
	var out strings.Builder
	write(&out, reflect.ValueOf(value))
	return out.String()
}

func write(out *strings.Builder, v reflect.Value) {
	if v.IsValid() && v.CanInterface() {
		switch value := v.Interface().(type) {
		case time.Time:
			_, offset := value.Zone()
			fmt.Fprintf(out, "%d.%09d%+d", value.Unix(), value.Nanosecond(), offset)
			return
		case gob.GobEncoder:
			writeOpaque(out, v, value.GobEncode)
			return
		case encoding.BinaryMarshaler:
			writeOpaque(out, v, value.MarshalBinary)
			return
		}
	}
	switch v.Kind() {
	case reflect.Invalid:
		out.WriteString("nil")
	case reflect.Float32, reflect.Float64:
		fmt.Fprintf(out, "%x", math.Float64bits(v.Float()))
	case reflect.Complex64, reflect.Complex128:
		fmt.Fprintf(out, "%x+%xi", math.Float64bits(real(v.Complex())), math.Float64bits(imag(v.Complex())))
	case reflect.String:
		fmt.Fprintf(out, "%q", v.String())
	case reflect.Ptr:
		out.WriteString("&")
		write(out, v.Elem())
	case reflect.Interface:
		if !v.IsNil() {
			fmt.Fprintf(out, "%v:", v.Elem().Type())
		}
		write(out, v.Elem())
	case reflect.Slice, reflect.Array:
		out.WriteString("[")
		for i := 0; i < v.Len(); i++ {
			out.WriteString(" ")
			write(out, v.Index(i))
		}
		out.WriteString(" ]")
	case reflect.Map:
		entries := make([]string, 0, v.Len())
		for _, key := range v.MapKeys() {
			var entry strings.Builder
			write(&entry, key)
			entry.WriteString("=")
			write(&entry, v.MapIndex(key))
			entries = append(entries, entry.String())
		}
		sort.Strings(entries)
		fmt.Fprintf(out, "{%s}", strings.Join(entries, " "))
	case reflect.Struct:
		out.WriteString("(")
		for i := 0; i < v.NumField(); i++ {
			if v.Type().Field(i).IsExported() {
				fmt.Fprintf(out, " %s:", v.Type().Field(i).Name)
				write(out, v.Field(i))
			}
		}
		out.WriteString(" )")
	default:
		fmt.Fprintf(out, "%v", v)
	}
}

func writeOpaque(out *strings.Builder, v reflect.Value, encode func() ([]byte, error)) {
	if v.Kind() == reflect.Ptr && v.IsNil() {
		out.WriteString("&nil")
		return
	}
	b, err := encode()
	fmt.Fprintf(out, "<%x %v>", b, err)
}
