// Package cases is what the client programs here have in common: statements about a server, run one after the other,
// and the parts of net/rpc's client they are made with.
package cases

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"sync"
	"time"
)

// Connected is the status of an answer to CONNECT that is taken.
const Connected = "200 Connected to Go RPC"

// Case is one statement about a server, which is a T.
type Case[T any] struct {
	Name string
	Run  func(T) error
}

// RunAll runs the cases whose name matches run and not skip, each at most as long as limit, and exits with 1 if one
// fails or there is none. It prints one line per case, `ok NAME` or `FAIL NAME: reason`, then `N passed, N failed`.
func RunAll[T any](server T, limit time.Duration, run, skip string, groups ...[]Case[T]) {
	only, without := regexp.MustCompile(run), regexp.MustCompile(skip)
	ran, failed := 0, 0
	for _, group := range groups {
		for _, c := range group {
			if !only.MatchString(c.Name) || without.MatchString(c.Name) {
				continue
			}
			ran++
			if err := c.bounded(server, limit); err != nil {
				failed++
				fmt.Printf("FAIL %s: %v\n", c.Name, err)
				continue
			}
			fmt.Println("ok", c.Name)
		}
	}
	fmt.Printf("%d passed, %d failed\n", ran-failed, failed)
	if failed > 0 || ran == 0 {
		os.Exit(1)
	}
}

// bounded runs the case; one that takes too long is left behind.
func (c Case[T]) bounded(server T, limit time.Duration) error {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				done <- fmt.Errorf("panic: %v", r)
			}
		}()
		done <- c.Run(server)
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(limit):
		return fmt.Errorf("not done after %v", limit)
	}
}

// Parallel runs f n times at once; gives the first error.
func Parallel(n int, f func(int) error) error {
	var wg sync.WaitGroup
	errs := make(chan error, n)
	for i := 0; i < n; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			if err := f(i); err != nil {
				errs <- fmt.Errorf("number %d: %w", i, err)
			}
		}(i)
	}
	wg.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

// Handshake is rpc.DialHTTPPath's: the same line, the same reader thrown away behind the status.
func Handshake(conn net.Conn, path string) error {
	if _, err := fmt.Fprintf(conn, "CONNECT %s HTTP/1.0\n\n", path); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: "CONNECT"})
	if err != nil {
		return err
	}
	if resp.Status != Connected {
		return errors.New("unexpected HTTP response: " + resp.Status)
	}
	return nil
}

// ReadExactly reads as many bytes as want has, which have to be the same.
func ReadExactly(conn net.Conn, want string) error {
	got := make([]byte, len(want))
	n, err := io.ReadFull(conn, got)
	if err != nil || string(got) != want {
		return fmt.Errorf("got %q, wanted %q, error %v", got[:n], want, err)
	}
	return nil
}
