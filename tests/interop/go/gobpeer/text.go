package main

import (
	"encoding/hex"
	"fmt"
	"math"
	"reflect"
	"sort"
	"strings"
	"time"
)

// text is a value in words that any language can make: bits of floats, bytes of texts, maps in order. A nil is the zero
// it stands for: gob does not tell them apart.
func text(v reflect.Value) string {
	if v.Type() == reflect.TypeOf(time.Time{}) {
		t := v.Interface().(time.Time)
		_, offset := t.Zone()
		return fmt.Sprintf("%d.%d@%d", t.Unix(), t.Nanosecond(), offset)
	}
	switch v.Kind() {
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return fmt.Sprint(v.Interface())
	case reflect.Float32, reflect.Float64:
		return bits(v.Float())
	case reflect.Complex128:
		return bits(real(v.Complex())) + "+" + bits(imag(v.Complex()))
	case reflect.String:
		return "'" + hex.EncodeToString([]byte(v.String())) + "'"
	case reflect.Ptr:
		if v.IsNil() {
			return text(reflect.Zero(v.Type().Elem()))
		}
		return text(v.Elem())
	case reflect.Interface:
		if v.IsNil() {
			return "nil"
		}
		return v.Elem().Type().String() + ":" + text(v.Elem())
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
			return "'" + hex.EncodeToString(v.Bytes()) + "'"
		}
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = text(v.Index(i))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case reflect.Map:
		parts := []string{}
		for _, key := range v.MapKeys() {
			parts = append(parts, text(key)+"="+text(v.MapIndex(key)))
		}
		sort.Strings(parts)
		return "{" + strings.Join(parts, " ") + "}"
	case reflect.Struct:
		parts := make([]string, v.NumField())
		for i := range parts {
			parts[i] = text(v.Field(i))
		}
		return "(" + strings.Join(parts, " ") + ")"
	}
	panic("no words for " + v.Type().String())
}

// bits of a float; a negative zero in a struct arrives as a zero.
func bits(f float64) string {
	if f == 0 {
		f = 0
	}
	return fmt.Sprintf("%x", math.Float64bits(f))
}
