package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/rpc/jsonrpc"
	"strings"

	"rpcwrap/interop/cases"
)

// answer is the exact reply to CONNECT.
const answer = "HTTP/1.0 " + cases.Connected + "\n\n"

var connectionCases = []testCase{
	{"handshake_is_exact", func(s server) error {
		return s.raw(func(conn net.Conn) error {
			if _, err := io.WriteString(conn, "CONNECT "+rpcPath+" HTTP/1.0\n\n"); err != nil {
				return err
			}
			return cases.ReadExactly(conn, answer)
		})
	}},
	{"handshake_with_host_and_crlf", func(s server) error {
		return s.raw(func(conn net.Conn) error {
			head := "CONNECT " + rpcPath + " HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Header: 1\r\n\r\n"
			if _, err := io.WriteString(conn, head); err != nil {
				return err
			}
			return cases.ReadExactly(conn, answer)
		})
	}},
	{"unknown_path_is_404", func(s server) error {
		return s.raw(func(conn net.Conn) error {
			err := cases.Handshake(conn, "/_nothing_")
			if err == nil || err.Error() != "unexpected HTTP response: 404 Not Found" {
				return fmt.Errorf("error %v", err)
			}
			return nil
		})
	}},
	{"early_data_behind_the_head", func(s server) error {
		return s.raw(func(conn net.Conn) error {
			early := "CONNECT " + rpcPath + " HTTP/1.0\n\n" + request(1, "Arith.Multiply", Args{7, 8})
			if _, err := io.WriteString(conn, early); err != nil {
				return err
			}
			if err := cases.ReadExactly(conn, answer); err != nil {
				return err
			}
			return cases.ReadExactly(conn, `{"id":1,"result":56,"error":null}`+"\n")
		})
	}},
	{"get_then_connect", func(s server) error {
		return s.raw(func(conn net.Conn) error {
			for i := 0; i < 2; i++ {
				if _, err := io.WriteString(conn, "GET /debug/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"); err != nil {
					return err
				}
				resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					return err
				}
				body, err := io.ReadAll(resp.Body)
				if err != nil || resp.StatusCode != 200 || resp.Close || strings.TrimSpace(string(body)) != "ok" {
					return fmt.Errorf("GET %d: %s, close %v, %q, %v", i, resp.Status, resp.Close, body, err)
				}
			}
			if err := cases.Handshake(conn, rpcPath); err != nil {
				return err
			}
			client := jsonrpc.NewClient(conn)
			defer client.Close()
			return multiply(client, 7, 8)
		})
	}},
	{"half_close_gets_all_replies", func(s server) error {
		return s.raw(func(conn net.Conn) error {
			if err := cases.Handshake(conn, rpcPath); err != nil {
				return err
			}
			const calls = 40
			var requests strings.Builder
			for i := 0; i < calls; i += 2 {
				requests.WriteString(request(i, "Slow.Sleep", 150))
				requests.WriteString(request(i+1, "Arith.Multiply", Args{i, 2}))
			}
			if _, err := io.WriteString(conn, requests.String()); err != nil {
				return err
			}
			if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
				return err
			}
			return readReplies(conn, calls)
		})
	}},
	{"reply_is_sent_without_a_newline_behind_the_request", func(s server) error {
		return s.raw(func(conn net.Conn) error {
			if err := cases.Handshake(conn, rpcPath); err != nil {
				return err
			}
			if _, err := io.WriteString(conn, strings.TrimSpace(request(5, "Arith.Multiply", Args{2, 4}))); err != nil {
				return err
			}
			return cases.ReadExactly(conn, `{"id":5,"result":8,"error":null}`+"\n")
		})
	}},
}

// raw runs f on a connection without a handshake.
func (s server) raw(f func(net.Conn) error) error {
	conn, err := s.open()
	if err != nil {
		return err
	}
	defer conn.Close()
	return f(conn)
}

// readReplies wants each id below n once, without an error, and then the end.
func readReplies(conn net.Conn, n int) error {
	seen := map[int]bool{}
	in := json.NewDecoder(conn)
	for {
		var reply struct {
			ID    int
			Error interface{}
		}
		err := in.Decode(&reply)
		if err == io.EOF {
			break
		}
		if err != nil || reply.Error != nil || seen[reply.ID] {
			return fmt.Errorf("reply %+v after %d others, error %v", reply, len(seen), err)
		}
		seen[reply.ID] = true
	}
	if len(seen) != n {
		return fmt.Errorf("%d replies to %d requests", len(seen), n)
	}
	return nil
}

// request is one line as the stock codec writes it.
func request(id int, method string, arg interface{}) string {
	line, err := json.Marshal(map[string]interface{}{"method": method, "params": [1]interface{}{arg}, "id": id})
	if err != nil {
		panic(err) // arguments are literals above
	}
	return string(line) + "\n"
}
