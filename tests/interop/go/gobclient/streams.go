package main

import (
	"fmt"

	"rpcwrap/interop/gobtypes"
)

// eos is the text that ends a stream of rpcplus.
const eos = "EOS"

// streamCases are what rpcplus and github.com/keegancsmith/rpc have beyond net/rpc.
var streamCases = []testCase{
	onSession("stream", func(s *session) error {
		for i, n := range []int{3, 0, 1, 1000} {
			err := s.stream(uint64(i), gobtypes.CountArgs{N: n}, n, eos)
			if err != nil {
				return err
			}
		}
		return nil
	}),
	onSession("stream_that_fails", func(s *session) error {
		if err := s.stream(1, gobtypes.CountArgs{N: 5, ErrorAt: 2}, 2, "triggered error in middle"); err != nil {
			return err
		}
		if err := s.stream(2, gobtypes.CountArgs{N: 2}, 2, eos); err != nil {
			return err
		}
		if err := s.send("Arith.Multiply", 3, gobtypes.Args{A: 6, B: 7}); err != nil {
			return err
		}
		return s.want("Arith.Multiply", 3, 42)
	}),
	onSession("streams_and_calls_interleaved", func(s *session) error {
		const streams, items = 8, 50
		for seq := uint64(0); seq < 2*streams; seq += 2 {
			if err := s.queue(Request{"Stream.Count", seq}, gobtypes.CountArgs{N: items}); err != nil {
				return err
			}
			if err := s.queue(Request{"Arith.Divide", seq + 1}, gobtypes.Args{A: int(seq), B: 1}); err != nil {
				return err
			}
		}
		if err := s.flush(); err != nil {
			return err
		}
		// One type has the fields of both replies.
		type either struct{ C, Index, Quo int }
		next := map[uint64]int{}
		for left := 2 * streams; left > 0; {
			var header Response
			var reply either
			if err := s.receive(&header, &reply); err != nil {
				return err
			}
			switch {
			case header.Seq%2 == 1:
				if header.Error != "" || reply.Quo != int(header.Seq)-1 {
					return fmt.Errorf("%+v %+v", header, reply)
				}
				left--
			case header.Error == eos && next[header.Seq] == items:
				left--
			case header.Error != "" || reply.Index != next[header.Seq]:
				return fmt.Errorf("%+v %+v after %d items", header, reply, next[header.Seq])
			default:
				next[header.Seq]++
			}
		}
		return nil
	}),
	onSession("cancel", func(s *session) error {
		if err := s.queue(Request{"Gate.Wait", 4}, "a gate that is never opened"); err != nil {
			return err
		}
		if err := s.queue(Request{"_goRPC_.Cancel", 5}, &gobtypes.CancelArgs{Seq: 4}); err != nil {
			return err
		}
		if err := s.flush(); err != nil {
			return err
		}
		var texts [2]string
		for range texts {
			var header Response
			if err := s.receive(&header, nil); err != nil {
				return err
			}
			if header.Seq != 4 && header.Seq != 5 {
				return fmt.Errorf("%+v", header)
			}
			texts[header.Seq-4] = header.Error
		}
		if err := equal(texts, [2]string{"context canceled", ""}); err != nil {
			return err
		}
		if err := s.send("Arith.Multiply", 6, gobtypes.Args{A: 6, B: 7}); err != nil {
			return err
		}
		return s.want("Arith.Multiply", 6, 42)
	}),
	onSession("cancel_of_nothing", func(s *session) error {
		for _, seq := range []uint64{0, 99} {
			if err := s.send("_goRPC_.Cancel", 7, gobtypes.CancelArgs{Seq: seq}); err != nil {
				return err
			}
			var header Response
			if err := s.receive(&header, nil); err != nil {
				return err
			}
			if err := equal(header, Response{"_goRPC_.Cancel", 7, ""}); err != nil {
				return err
			}
		}
		return nil
	}),
	onSession("cancel_of_a_stream", func(s *session) error {
		if err := s.send("Stream.Endless", 1, gobtypes.Empty{}); err != nil {
			return err
		}
		var header Response
		var item gobtypes.CountReply
		if err := s.receive(&header, &item); err != nil {
			return err
		}
		if err := s.send("_goRPC_.Cancel", 2, gobtypes.CancelArgs{Seq: 1}); err != nil {
			return err
		}
		for ended := 0; ended < 2; {
			if err := s.receive(&header, nil); err != nil {
				return err
			}
			switch {
			case header.Seq == 1 && header.Error == "":
			case header == Response{"Stream.Endless", 1, "context canceled"},
				header == Response{"_goRPC_.Cancel", 2, ""}:
				ended++
			default:
				return fmt.Errorf("%+v", header)
			}
		}
		return nil
	}),
}

// stream wants that many items and then that end.
func (s *session) stream(seq uint64, args gobtypes.CountArgs, items int, end string) error {
	if err := s.send("Stream.Count", seq, args); err != nil {
		return err
	}
	for i := 0; ; i++ {
		var header Response
		var item gobtypes.CountReply
		if err := s.receive(&header, &item); err != nil {
			return err
		}
		want := Response{"Stream.Count", seq, ""}
		if i == items {
			want.Error = end
			return equal(header, want)
		}
		if err := equal(header, want); err != nil {
			return err
		}
		if err := equal(item, gobtypes.CountReply{C: args.N, Index: i}); err != nil {
			return err
		}
	}
}
