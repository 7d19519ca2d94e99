// %name%: a space in Go.
package main

import (
	"encoding/binary"
	"strconv"

	"github.com/anrl/samoza/components/zrun/guest"
	"github.com/anrl/samoza/components/zrun/guest/abi"
)

// With true the space counts its starts among its values. The module then imports `data.get` and `data.put`, so a
// run must grant them; README.md has the command.
const keepCount = false

var messages int

func countStart() error {
	value, err := guest.Get("starts")
	if err == abi.ErrNotFound {
		value = make([]byte, 4)
	} else if err != nil {
		return err
	}
	starts := binary.LittleEndian.Uint32(value) + 1
	guest.Log("starts so far: " + strconv.Itoa(int(starts)))
	return guest.Put("starts", binary.LittleEndian.AppendUint32(nil, starts))
}

// Once, before any message. An answer below 0 says that it failed.
//
//go:wasmexport on_init
func onInit() int32 {
	guest.Log("hello from %name%, a space in Go")
	if keepCount {
		return guest.Status(countStart())
	}
	return 0
}

// For each message; guest.Next would fetch it.
//
//go:wasmexport on_process
func onProcess() int32 {
	messages++
	return 0
}

// Once, at the end.
//
//go:wasmexport on_close
func onClose() int32 {
	guest.Log("messages: " + strconv.Itoa(messages))
	return 0
}

func main() {}
