// Command gobpeer decodes gob values and encodes them again, to judge codecs value by value.
//
// A client connects and sends what a net/rpc client would: a Request, whose ServiceMethod is a type in the words of
// types.go, and a value of that type. The answer is a Response and the value as Go encodes it; of types made up on the
// spot its ServiceMethod is the value in the words of text.go, so that the client knows what Go has understood.
package main

import (
	"bufio"
	"encoding/gob"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/rpc"
	"os"
	"reflect"
)

func main() {
	log.SetFlags(0)
	addr := flag.String("addr", "127.0.0.1:0", "where to listen")
	flag.Parse()
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening on", listener.Addr())
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			defer conn.Close()
			if err := echo(conn); err != io.EOF {
				fmt.Fprintln(os.Stderr, "gobpeer:", err)
			}
		}()
	}
}

// echo serves one connection to its end.
func echo(conn net.Conn) error {
	decoder := gob.NewDecoder(bufio.NewReader(conn))
	buffer := bufio.NewWriter(conn)
	encoder := gob.NewEncoder(buffer)
	for {
		var request rpc.Request
		if err := decoder.Decode(&request); err != nil {
			return err
		}
		typ, err := typeOf(request.ServiceMethod)
		if err != nil {
			return err
		}
		response := rpc.Response{Seq: request.Seq}
		value := reflect.New(typ)
		if err := decoder.DecodeValue(value); err != nil {
			response.Error = err.Error()
			value = reflect.ValueOf(struct{}{})
		} else if _, isNamed := named[request.ServiceMethod]; !isNamed {
			response.ServiceMethod = text(value.Elem())
		}
		if err := encoder.Encode(&response); err != nil {
			return err
		}
		if err := encoder.EncodeValue(value); err != nil {
			return fmt.Errorf("%s: %w", request.ServiceMethod, err)
		}
		if err := buffer.Flush(); err != nil {
			return err
		}
	}
}
