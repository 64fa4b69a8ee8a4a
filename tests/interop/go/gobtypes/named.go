package gobtypes

import "time"

// Level, Label, Flags, Ratio and Yes are basic types under names of their own, which gob does not see.
type (
	Level int
	Label string
	Flags uint8
	Ratio float64
	Yes   bool
)

// Labels, Raw, Table and Pair are composite ones.
type (
	Labels []Label
	Raw    []byte
	Table  map[Label]Level
	Pair   [2]Level
)

// Named has a field of each.
type Named struct {
	Level    Level
	Label    Label
	Flags    Flags
	Ratio    Ratio
	Yes      Yes
	Labels   Labels
	Raw      Raw
	Table    Table
	Pair     Pair
	Duration time.Duration
	Weekday  time.Weekday
}

// Times has times wherever one can be.
type Times struct {
	At   time.Time
	Ptr  *time.Time
	List []time.Time
	Map  map[string]time.Time
}

// Moment is what a time says.
type Moment struct {
	Seconds int64 // since 1970
	Nanos   int
	Offset  int // of the zone, in seconds east of Greenwich
}

// MomentOf takes a time apart.
func MomentOf(t time.Time) Moment {
	_, offset := t.Zone()
	return Moment{t.Unix(), t.Nanosecond(), offset}
}

// Time puts it together again.
func (m Moment) Time() time.Time {
	t := time.Unix(m.Seconds, int64(m.Nanos)).UTC()
	if m.Offset == 0 {
		return t
	}
	return t.In(time.FixedZone("", m.Offset))
}
