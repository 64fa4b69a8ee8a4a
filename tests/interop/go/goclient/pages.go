package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/rpc"
	"strings"
)

var pageCases = []testCase{
	{"debug_rpc", func(s server) error {
		page, kind, err := s.get("/debug/rpc")
		if err != nil {
			return err
		}
		if !strings.HasPrefix(kind, "text/html") {
			return fmt.Errorf("Content-Type %q", kind)
		}
		for _, part := range []string{"Services", "Arith", "Multiply", "Calls"} {
			if !strings.Contains(page, part) {
				return fmt.Errorf("%q is not on the page", part)
			}
		}
		return nil
	}},
	{"debug_vars", func(s server) error {
		before, err := s.vars()
		if err != nil {
			return err
		}
		return s.with(func(c *rpc.Client) error {
			if err := multiply(c, 1, 1); err != nil {
				return err
			}
			now, err := s.vars()
			if err != nil {
				return err
			}
			if now.Accepted <= before.Accepted || now.Count < 1 || now.Count > now.Accepted {
				return fmt.Errorf("one connection more changed %+v to %+v", before, now)
			}
			return nil
		})
	}},
	{"debug_health", func(s server) error {
		page, kind, err := s.get("/debug/health")
		if err != nil {
			return err
		}
		if strings.TrimSpace(page) != "ok" || !strings.HasPrefix(kind, "text/plain") {
			return fmt.Errorf("%q as %q", page, kind)
		}
		return nil
	}},
}

// counts are the two variables of the original server.
type counts struct{ Count, Accepted int }

func (s server) vars() (counts, error) {
	page, kind, err := s.get("/debug/vars")
	if err != nil {
		return counts{}, err
	}
	if !strings.HasPrefix(kind, "application/json") {
		return counts{}, fmt.Errorf("Content-Type %q", kind)
	}
	var vars struct {
		Count    *int `json:"connection-count"`
		Accepted *int `json:"connection-accepted"`
	}
	if err := json.Unmarshal([]byte(page), &vars); err != nil {
		return counts{}, err
	}
	if vars.Count == nil || vars.Accepted == nil {
		return counts{}, fmt.Errorf("a counter is missing in %.200s", page)
	}
	return counts{*vars.Count, *vars.Accepted}, nil
}

// get gives a page and its Content-Type.
func (s server) get(path string) (string, string, error) {
	client, url := http.Client{Timeout: caseLimit}, "http://"+string(s)+path
	if secure != nil {
		client.Transport = &http.Transport{TLSClientConfig: secure}
		url = "https://" + string(s) + path
	}
	resp, err := client.Get(url)
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
