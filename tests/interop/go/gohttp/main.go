//go:build go1.24

// Gohttp asks an rpcwrap server what every version of HTTP has to answer alike: HTTP/1.1, HTTP/2 by prior knowledge and
// HTTP/2 agreed on by TLS, with Go's own client. It uses the standard library only.
//
// It prints one line for each version and exits with 1 at the first answer that is wrong.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
	"time"
)

const limit = 20 * time.Second

// counted is a body that knows how much of it was sent.
type counted struct {
	io.Reader
	read int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read += n
	return n, err
}

type row struct {
	why, method, path string
	headers           map[string]string
	body              []byte
	status            int
	// part is what the reply's body holds.
	part string
	// leave is whether the body is asked for, sent whether any of it is to be sent.
	leave, sent bool
}

func rows() []row {
	call := []byte(`{"A":7,"B":8}`)
	expect := map[string]string{"Expect": "100-continue"}
	many := map[string]string{}
	for n := 0; n < 101; n++ {
		many[fmt.Sprintf("X-%d", n)] = "y"
	}
	large := bytes.Repeat([]byte("1"), 8<<20)
	return []row{
		{why: "page", method: "GET", path: "/healthz", status: 200, part: "ok\n"},
		{why: "head of a page", method: "HEAD", path: "/healthz", status: 200},
		{why: "call", method: "POST", path: "/Arith/Multiply", body: call, status: 200, part: "56", sent: true},
		{why: "stream", method: "POST", path: "/Stream/Count", body: []byte(`{"N":3}`), status: 200, part: `"Index":2`, sent: true},
		{why: "wanted body", method: "POST", path: "/Arith/Multiply", headers: expect, body: call, status: 200, part: "56", leave: true, sent: true},
		{why: "unwanted body", method: "POST", path: "/Arith/Nope", headers: expect, body: large, status: 404, part: "unknown_method"},
		{why: "unwanted body, sent", method: "POST", path: "/Arith/Nope", body: large, status: 404, part: "unknown_method", sent: true},
		{why: "coded body", method: "POST", path: "/Echo/Any", headers: map[string]string{"Content-Encoding": "gzip"}, body: call, status: 415, part: "unsupported_encoding", sent: true},
		{why: "time limit", method: "POST", path: "/Slow/Sleep", headers: map[string]string{"Rpc-Timeout": "50"}, body: []byte("10000"), status: 504, part: "deadline", sent: true},
		{why: "bad time limit", method: "POST", path: "/Slow/Sleep", headers: map[string]string{"Rpc-Timeout": "soon"}, body: []byte("1"), status: 400, part: "bad_timeout", sent: true},
		{why: "many headers", method: "GET", path: "/healthz", headers: many, status: 431},
		{why: "large headers", method: "GET", path: "/healthz", headers: map[string]string{"X": strings.Repeat("y", 40_000)}, status: 431},
		{why: "page of another form", method: "GET", path: "/debug/status?format=xyz", status: 406, part: "406"},
		{why: "page again", method: "GET", path: "/healthz", status: 200, part: "ok\n"},
	}
}

func (r row) ask(client *http.Client, base string, major int) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	leave := false
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got100Continue: func() { leave = true }})
	var body io.Reader
	sent := &counted{Reader: bytes.NewReader(r.body)}
	if r.body != nil {
		body = sent
	}
	request, err := http.NewRequestWithContext(ctx, r.method, base+r.path, body)
	if err != nil {
		return err
	}
	request.ContentLength = int64(len(r.body))
	for name, value := range r.headers {
		request.Header.Set(name, value)
	}
	reply, err := client.Do(request)
	if err != nil && major == 2 && r.status == 431 && strings.Contains(err.Error(), "advertised limit") {
		// Go knows the server's limit, and does not try.
		return nil
	}
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	got, err := io.ReadAll(reply.Body)
	if err != nil {
		return fmt.Errorf("%s: %w", reply.Status, err)
	}
	switch {
	case reply.ProtoMajor != major:
		return fmt.Errorf("answered by %s", reply.Proto)
	case reply.StatusCode != r.status || !strings.Contains(string(got), r.part):
		return fmt.Errorf("%s %q", reply.Status, got)
	case leave != r.leave:
		return fmt.Errorf("100 Continue: %v", leave)
	case !r.sent && sent.read > 0:
		return fmt.Errorf("%d bytes were sent", sent.read)
	}
	return nil
}

func main() {
	addr := flag.String("addr", "", "HOST:PORT, where TLS is taken and plain connections too")
	ca := flag.String("ca", "", "the certificate of its authority")
	flag.Parse()
	pem, err := os.ReadFile(*ca)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	config := &tls.Config{RootCAs: roots}
	for _, version := range []struct {
		name, scheme string
		major        int
		set          func(*http.Protocols)
	}{
		{"h1", "http://", 1, func(p *http.Protocols) { p.SetHTTP1(true) }},
		{"h1 over TLS", "https://", 1, func(p *http.Protocols) { p.SetHTTP1(true) }},
		{"h2c", "http://", 2, func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }},
		{"h2", "https://", 2, func(p *http.Protocols) { p.SetHTTP2(true) }},
	} {
		protocols := new(http.Protocols)
		version.set(protocols)
		transport := &http.Transport{TLSClientConfig: config.Clone(), Protocols: protocols, ExpectContinueTimeout: limit}
		client := &http.Client{Transport: transport}
		for _, r := range rows() {
			if err := r.ask(client, version.scheme+*addr, version.major); err != nil {
				fmt.Printf("%s, %s: %v\n", version.name, r.why, err)
				os.Exit(1)
			}
		}
		transport.CloseIdleConnections()
		fmt.Printf("%s: %d answers\n", version.name, len(rows()))
	}
}
