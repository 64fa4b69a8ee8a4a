module rpcwrap/interop/msgpack

go 1.19

require (
	github.com/hashicorp/go-msgpack v1.1.5
	github.com/hashicorp/go-msgpack/v2 v2.1.2
	github.com/hashicorp/net-rpc-msgpackrpc/v2 v2.0.0
	rpcwrap.test/msgpack055 v0.5.5
)

require (
	github.com/hashicorp/errwrap v1.0.0 // indirect
	github.com/hashicorp/go-multierror v1.1.1 // indirect
)

// The path of 0.5.5 is that of 1.1.5.
replace rpcwrap.test/msgpack055 => github.com/hashicorp/go-msgpack v0.5.5
