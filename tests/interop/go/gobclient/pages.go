package main

import (
	"fmt"
	"io"
	"net/http"
	"net/rpc"
	"regexp"
	"strconv"
	"strings"

	"rpcwrap/interop/cases"
)

var pageCases = []testCase{
	{"debug_rpc", func(t target) error {
		page, kind, err := t.get("/debug/rpc")
		if err != nil {
			return err
		}
		if !strings.HasPrefix(kind, "text/html") {
			return fmt.Errorf("Content-Type %q", kind)
		}
		for _, part := range []string{"Services", "Service Arith", "Service Echo", "Service Look", "Method", "Calls",
			"Multiply(", "Holder("} {
			if !strings.Contains(page, part) {
				return fmt.Errorf("%q is not on the page", part)
			}
		}
		return nil
	}},
	{"debug_rpc_names_types", func(t target) error {
		page, _, err := t.get("/debug/rpc")
		if err != nil {
			return err
		}
		for _, method := range []string{`Divide\(\S*Args, \S*Quotient\) error`,
			`Strings\(\[\]string, \*\[\]string\) error`,
			`StringInts\(map\[string\]int(64)?, \*map\[string\]int(64)?\) error`} {
			if !regexp.MustCompile(method).MatchString(page) {
				return fmt.Errorf("%s is not on the page", method)
			}
		}
		return nil
	}},
	{"debug_rpc_counts_calls", func(t target) error {
		before, err := t.calls("Narrow")
		if err != nil {
			return err
		}
		if err := t.with(echoes("Evolve.Narrow", struct{ I8 int8 }{5})); err != nil {
			return err
		}
		after, err := t.calls("Narrow")
		if err != nil {
			return err
		}
		if after-before != 2 {
			return fmt.Errorf("two calls more changed %d to %d", before, after)
		}
		return nil
	}},
	{"get_while_calls_run", func(t target) error {
		return t.with(func(c *rpc.Client) error {
			return cases.Parallel(20, func(i int) error {
				if i%2 == 0 {
					return multiply(c, i, 2)
				}
				_, _, err := t.get("/debug/rpc")
				return err
			})
		})
	}},
}

// calls gives the number beside a method.
func (t target) calls(method string) (int, error) {
	page, _, err := t.get("/debug/rpc")
	if err != nil {
		return 0, err
	}
	row := regexp.MustCompile(`(?s)>` + method + `\(.*?<td[^>]*>(\d+)</td>`).FindStringSubmatch(page)
	if row == nil {
		return 0, fmt.Errorf("no row of %s on the page", method)
	}
	return strconv.Atoi(row[1])
}

// get gives a page and its Content-Type.
func (t target) get(path string) (string, string, error) {
	client := http.Client{Timeout: caseLimit}
	resp, err := client.Get("http://" + t.addr + path)
	if err != nil {
		return "", "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != 200 {
		err = fmt.Errorf("%s: %s", path, resp.Status)
	}
	return string(body), resp.Header.Get("Content-Type"), err
}
