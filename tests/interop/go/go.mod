module rpcwrap/interop

go 1.19
