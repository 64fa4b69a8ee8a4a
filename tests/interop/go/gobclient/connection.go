package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/rpc"
	"net/rpc/jsonrpc"
	"strings"

	"rpcwrap/interop/cases"
	"rpcwrap/interop/gobtypes"
)

const (
	gobPath    = "/_gob_rpc_"
	customPath = "/_custom_rpc_"
	// answer is the exact reply to CONNECT.
	answer = "HTTP/1.0 " + cases.Connected + "\n\n"
)

// everyKind is what each way of reaching the server has to carry.
var everyKind = all(
	func(c *rpc.Client) error { return multiply(c, 7, 8) },
	fails("Arith.Divide", gobtypes.Args{A: 1}, "divide by zero"), fails("Nope.Nope", gobtypes.Args{},
		"rpc: can't find service Nope.Nope"),
	echoes("Echo.Holder", gobtypes.Holder{V: []interface{}{1, gobtypes.Square{Side: 1}}}),
	echoes("Echo.Tree", gobtypes.NewTree(4, 0)),
	echoes("Echo.Strings", nil, []string{"a", ""}), echoes("Evolve.Record", fullRecord), echoes("Echo.Time", utc))

var connectionCases = []testCase{
	{"dial_http", func(t target) error {
		return dialed(func() (*rpc.Client, error) { return rpc.DialHTTP("tcp", t.addr) }, everyKind)
	}},
	{"dial_http_path", func(t target) error {
		return dialed(func() (*rpc.Client, error) { return rpc.DialHTTPPath("tcp", t.addr, gobPath) }, everyKind)
	}},
	{"dial_http_custom_path", func(t target) error {
		return dialed(func() (*rpc.Client, error) { return rpc.DialHTTPPath("tcp", t.addr, customPath) }, everyKind)
	}},
	{"dial_http_unknown_path", func(t target) error {
		_, err := rpc.DialHTTPPath("tcp", t.addr, "/_nothing_")
		want := "dial-http tcp " + t.addr + ": unexpected HTTP response: 404 Not Found"
		if err == nil || err.Error() != want {
			return fmt.Errorf("error %v, wanted %s", err, want)
		}
		return nil
	}},
	{"dial_raw", func(t target) error {
		return dialed(func() (*rpc.Client, error) { return rpc.Dial("tcp", t.raw) }, everyKind)
	}},
	{"dial_raw_jsonrpc", func(t target) error {
		return dialed(func() (*rpc.Client, error) { return jsonrpc.Dial("tcp", t.rawJSON) }, func(c *rpc.Client) error {
			return all(func(c *rpc.Client) error { return multiply(c, 7, 8) },
				fails("Arith.Divide", gobtypes.Args{A: 1}, "divide by zero"),
				fails("Nope.Nope", gobtypes.Args{}, "rpc: can't find service Nope.Nope"),
				echoes("Echo.Strings", []string{"a", ""}),
				echoes("Echo.Tree", gobtypes.NewTree(4, 0)), echoes("Echo.String", strings.Repeat("long ", 20000)))(c)
		})
	}},
	{"dial_every_way_at_once", func(t target) error {
		dials := []func() (*rpc.Client, error){
			func() (*rpc.Client, error) { return rpc.DialHTTP("tcp", t.addr) },
			func() (*rpc.Client, error) { return rpc.DialHTTPPath("tcp", t.addr, gobPath) },
			func() (*rpc.Client, error) { return rpc.Dial("tcp", t.raw) },
			func() (*rpc.Client, error) { return jsonrpc.Dial("tcp", t.rawJSON) },
		}
		return cases.Parallel(40, func(i int) error {
			return dialed(dials[i%len(dials)], func(c *rpc.Client) error {
				for n := 0; n < 20; n++ {
					if err := multiply(c, i, n); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}},
	onConn("handshake_is_exact", func(conn net.Conn) error {
		if _, err := fmt.Fprintf(conn, "CONNECT %s HTTP/1.0\n\n", rpc.DefaultRPCPath); err != nil {
			return err
		}
		if err := cases.ReadExactly(conn, answer); err != nil {
			return err
		}
		return product(newSession(conn))
	}),
	onConn("handshake_with_host_and_crlf", func(conn net.Conn) error {
		if _, err := fmt.Fprintf(conn, "CONNECT %s?a=b HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Header: 1\r\n\r\n",
			rpc.DefaultRPCPath); err != nil {
			return err
		}
		if err := cases.ReadExactly(conn, answer); err != nil {
			return err
		}
		return product(newSession(conn))
	}),
	onConn("early_data_behind_the_head", func(conn net.Conn) error {
		s := newSession(conn)
		fmt.Fprintf(&s.out, "CONNECT %s HTTP/1.0\n\n", rpc.DefaultRPCPath)
		if err := s.send("Arith.Multiply", 1, gobtypes.Args{A: 6, B: 7}); err != nil {
			return err
		}
		if err := cases.ReadExactly(conn, answer); err != nil {
			return err
		}
		return s.want("Arith.Multiply", 1, 42)
	}),
	onConn("get_then_connect", func(conn net.Conn) error {
		for i := 0; i < 2; i++ {
			if _, err := io.WriteString(conn, "GET /debug/rpc HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"); err != nil {
				return err
			}
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				return err
			}
			if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 || resp.Close {
				return fmt.Errorf("GET %d: %s, close %v, %v", i, resp.Status, resp.Close, err)
			}
		}
		if err := cases.Handshake(conn, rpc.DefaultRPCPath); err != nil {
			return err
		}
		return product(newSession(conn))
	}),
	onConn("get_is_405", func(conn net.Conn) error {
		if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", rpc.DefaultRPCPath); err != nil {
			return err
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 405 || string(body) != "405 must CONNECT\n" {
			return fmt.Errorf("%s %q, %v", resp.Status, body, err)
		}
		return nil
	}),
	onSession("half_close_gets_all_replies", func(s *session) error {
		const calls = 40
		for i := uint64(0); i < calls; i += 2 {
			if err := s.queue(Request{"Gate.Sleep", i}, 150); err != nil {
				return err
			}
			if err := s.queue(Request{"Arith.Multiply", i + 1}, gobtypes.Args{A: 5, B: 30}); err != nil {
				return err
			}
		}
		if err := s.flush(); err != nil {
			return err
		}
		if err := s.Conn.(*net.TCPConn).CloseWrite(); err != nil {
			return err
		}
		seen := map[uint64]bool{}
		for i := 0; i < calls; i++ {
			var header Response
			var got int
			if err := s.receive(&header, &got); err != nil {
				return fmt.Errorf("after %d replies: %w", i, err)
			}
			if header.Error != "" || got != 150 || seen[header.Seq] {
				return fmt.Errorf("%+v %d", header, got)
			}
			seen[header.Seq] = true
		}
		return s.ended()
	}),
	onSession("requests_byte_by_byte", func(s *session) error {
		mixed := gobtypes.Mixed{List: []interface{}{gobtypes.Square{Side: 1}, gobtypes.Registered{Name: "r"}},
			Area: &gobtypes.Circle{Radius: 1}}
		if err := s.queue(Request{"Echo.Mixed", 1}, mixed); err != nil {
			return err
		}
		if err := s.queue(Request{"Arith.Multiply", 2}, gobtypes.Args{A: 6, B: 7}); err != nil {
			return err
		}
		for s.out.Len() > 0 {
			if _, err := s.Conn.Write(s.out.Next(1)); err != nil {
				return err
			}
		}
		replies := 0
		for replies < 2 {
			var header Response
			if err := s.dec.Decode(&header); err != nil {
				return err
			}
			var err error
			if header.Seq == 1 {
				var got gobtypes.Mixed
				err = firstError(s.dec.Decode(&got), equal(got, mixed))
			} else {
				var got int
				err = firstError(s.dec.Decode(&got), equal(got, 42))
			}
			if err != nil || header.Error != "" {
				return fmt.Errorf("%+v: %v", header, err)
			}
			replies++
		}
		return nil
	}),
	{"connections_of_nothing", func(t target) error {
		for i := 0; i < 20; i++ {
			for _, addr := range []string{t.addr, t.raw} {
				conn, err := open(addr)
				if err != nil {
					return err
				}
				conn.Close()
			}
		}
		return t.with(func(c *rpc.Client) error { return multiply(c, 6, 7) })
	}},
	{"cut_in_a_message", func(t target) error {
		conn, err := open(t.raw)
		if err != nil {
			return err
		}
		defer conn.Close()
		s := newSession(conn)
		if err := s.queue(Request{"Arith.Multiply", 1}, gobtypes.Args{A: 6, B: 7}); err != nil {
			return err
		}
		if _, err := conn.Write(s.out.Bytes()[:s.out.Len()-2]); err != nil {
			return err
		}
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			return err
		}
		// An error reply may come, a success may not.
		var header Response
		if err := s.receive(&header, nil); err == nil && header.Error == "" {
			return errors.New("half an argument was answered")
		}
		return t.with(func(c *rpc.Client) error { return multiply(c, 6, 7) })
	}},
}

// product makes one call.
func product(s *session) error {
	if err := s.send("Arith.Multiply", 1, gobtypes.Args{A: 6, B: 7}); err != nil {
		return err
	}
	return s.want("Arith.Multiply", 1, 42)
}
