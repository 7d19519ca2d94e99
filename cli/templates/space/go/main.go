// %name%: a space in Go.
package main

import (
	"encoding/binary"
	"fmt"

	"%name%/space"
)

// With true the space counts its starts among its values. The module then imports `data.get` and `data.put`, so a
// run must grant them; README.md has the command.
const keepCount = false

var messages int

func say(format string, arguments ...any) {
	space.SysLog(fmt.Sprintf(format, arguments...))
}

func countStart() int32 {
	value := make([]byte, 4)
	if got := space.DataGet("starts", value); got < 0 && got != space.ErrNotFound {
		return got
	}
	starts := binary.LittleEndian.Uint32(value) + 1
	say("starts so far: %d", starts)
	binary.LittleEndian.PutUint32(value, starts)
	return space.DataPut("starts", value)
}

// Once, before any message. An answer below 0 says that it failed.
//
//go:wasmexport on_init
func onInit() int32 {
	say("hello from %name%, a space in Go")
	if keepCount {
		return countStart()
	}
	return 0
}

// For each message; space.NetRecvNext would fetch it.
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
	say("messages: %d", messages)
	return 0
}

func main() {}
