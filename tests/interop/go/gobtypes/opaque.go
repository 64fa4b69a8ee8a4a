package gobtypes

import (
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"net/url"
)

// Celsius writes itself: a GobEncoder.
type Celsius struct{ tenths int16 }

// NewCelsius gives tenths of a degree.
func NewCelsius(tenths int16) Celsius { return Celsius{tenths} }

func (c Celsius) String() string { return fmt.Sprintf("%d/10 °C", c.tenths) }

// GobEncode gives two bytes.
func (c Celsius) GobEncode() ([]byte, error) { return []byte{byte(c.tenths >> 8), byte(c.tenths)}, nil }

// GobDecode takes two bytes.
func (c *Celsius) GobDecode(b []byte) error {
	if len(b) != 2 {
		return errors.New("gobtypes: a Celsius has two bytes")
	}
	c.tenths = int16(b[0])<<8 | int16(b[1])
	return nil
}

// Version writes itself: a BinaryMarshaler.
type Version struct{ major, minor byte }

// NewVersion gives major.minor.
func NewVersion(major, minor byte) Version { return Version{major, minor} }

func (v Version) String() string { return fmt.Sprintf("v%d.%d", v.major, v.minor) }

// MarshalBinary gives three bytes, the first of them a V.
func (v Version) MarshalBinary() ([]byte, error) { return []byte{'V', v.major, v.minor}, nil }

// UnmarshalBinary takes three bytes.
func (v *Version) UnmarshalBinary(b []byte) error {
	if len(b) != 3 || b[0] != 'V' {
		return errors.New("gobtypes: a Version is a V and two bytes")
	}
	v.major, v.minor = b[1], b[2]
	return nil
}

// Color is a TextMarshaler, which gob does not ask: it goes as the struct it is.
type Color struct{ R, G, B uint8 }

// MarshalText gives what gob must not send.
func (c Color) MarshalText() ([]byte, error) { return []byte("color"), nil }

// UnmarshalText is never called.
func (c *Color) UnmarshalText([]byte) error { return errors.New("gobtypes: a Color came as text") }

// Opaques has values that write themselves wherever one can be.
type Opaques struct {
	Celsius  Celsius
	Version  Version
	Ptr      *Version
	List     []Celsius
	Map      map[string]Version
	Color    Color
	Int      *big.Int
	Addr     netip.Addr
	Location url.URL
}
