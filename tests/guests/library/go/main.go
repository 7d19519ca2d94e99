// Goes through the Guest Library: tests/guests/README.md.
package main

import (
	"io"
	"strconv"
	"strings"

	"github.com/anrl/samoza/components/zrun/guest"
	"github.com/anrl/samoza/components/zrun/guest/abi"
	"github.com/anrl/samoza/components/zrun/guest/abi/actuators"
)

const (
	largeBytes   = 40_000
	blobBytes    = 200_000
	messageBytes = 60_000
)

var first string

func pattern(length int) []byte {
	bytes := make([]byte, length)
	for at := range bytes {
		bytes[at] = byte(at*7 + 3)
	}
	return bytes
}

func size(bytes []byte, word string) string {
	total := 0
	for _, each := range bytes {
		total += int(each)
	}
	return word + " " + strconv.Itoa(len(bytes)) + " bytes, sum " + strconv.Itoa(total)
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		panic(err.Error())
	}
}

func name(err error) string {
	if err == nil {
		return "no error"
	}
	return err.Error()
}

func shows(bytes []byte, err error) string {
	if err == abi.ErrNotFound {
		return "is not there"
	}
	check(err)
	return "is " + string(bytes)
}

func small() {
	guest.Log("a line: ümläut, and \"quotes\"")
	guest.Log(strings.Repeat("k", 4095) + "üend")
	has := strconv.FormatBool(guest.Has("data.put")) + " " + strconv.FormatBool(guest.Has("data.forget"))
	guest.Log("z: " + has + " " + strconv.FormatBool(guest.Version() >= 1))
	guest.Log("node: " + strconv.FormatBool(strings.HasPrefix(must(guest.Node()), "{\"")))
}

func values() {
	guest.Log("data: note " + shows(guest.Get("note")))
	check(guest.Put("note", []byte("remembered")))
	guest.Log("data: note " + shows(guest.Get("note")))
	check(guest.Put("large", pattern(largeBytes)))
	guest.Log("data: large " + size(must(guest.Get("large")), "has"))
	deleted := strconv.FormatBool(must(guest.Delete("large")))
	guest.Log("data: deleted " + deleted + " " + strconv.FormatBool(must(guest.Delete("large"))))
	guest.Log("data: an empty key: " + name(guest.Put("", []byte("x"))))
	guest.Log("data: too much: " + name(guest.Put("note", make([]byte, 70_000))))
	for at := range 300 {
		check(guest.Put("item/"+strconv.Itoa(1000 + at)[1:], []byte("x")))
	}
	var keys []string
	check(guest.Keys("item/", func(key string) bool {
		keys = append(keys, key)
		return true
	}))
	guest.Log("data: " + strconv.Itoa(len(keys)) + " keys, from " + keys[0] + " to " + keys[len(keys)-1])
}

func drop() {
	blob := must(guest.CreateBlob("dropped"))
	defer blob.Close()
	must(blob.Write([]byte("x")))
}

func blobs() {
	blob := must(guest.CreateBlob("blob"))
	defer blob.Close()
	must(blob.Write(pattern(blobBytes)))
	check(blob.Commit())
	reader := must(guest.OpenBlob("blob"))
	defer reader.Close()
	guest.Log("data: blob " + size(must(io.ReadAll(reader)), "has"))
	drop()
	_, err := guest.OpenBlob("dropped")
	guest.Log("data: dropped is there: " + strconv.FormatBool(err != abi.ErrNotFound))
}

func agents() {
	guest.Log("ic: answer " + shows(guest.Lookup("what?")))
	check(guest.Store("what?", []byte("a cache"), 60))
	guest.Log("ic: answer " + shows(guest.Lookup("what?")))
	guest.Log("agent: large " + size(must(guest.Function("large", []byte("100000"))), "gives"))
	guest.Log("agent: triage gives " + string(must(guest.Select("triage", []byte("Say 20.")))))
	guest.Log("agent: model says " + must(guest.Model("small", "Hello?")))
	guest.Log("agent: asked " + must(guest.Ask("small", "Who?", 60)))
	guest.Log("agent: asked again " + must(guest.Ask("small", "Who?", 60)))
	_, err := guest.Function("nobody", nil)
	guest.Log("agent: nobody: " + name(err))
}

func locked() int32 {
	lock := must(guest.TakeLock("valve", 60_000))
	defer lock.Release()
	guest.Log("actuators: done " + guest.Member(must(lock.Command("{\"open\":true}")), "done"))
	return lock.Fence
}

func devices() {
	check(guest.SubscribeSensor("tape", "{\"queue\":8}"))
	for {
		reading, err := guest.ReadSensor("tape")
		if err != nil {
			guest.Log("sensors: then " + err.Error())
			break
		}
		if reading == nil {
			check(guest.Sleep(1))
			continue
		}
		guest.Log("sensors: " + strconv.FormatUint(reading.Number, 10) + " of tape is " + reading.Value)
	}
	_, err := guest.ReadSensor("cellar")
	guest.Log("sensors: cellar: " + name(err))
	guest.Log("actuators: after its block: " + abi.Error(actuators.Command(locked(), "1")).Error())
	_, err = guest.TakeLock("gate", 1)
	guest.Log("actuators: gate: " + name(err))
	guest.Log("audio: played " + strconv.Itoa(must(guest.Play([]byte("abcdefgh")))))
	buffer := []byte{1, 1, 1, 1}
	heard := 0
	for heard == 0 {
		heard = must(guest.Capture(buffer))
		if heard == 0 {
			check(guest.Sleep(1))
		}
	}
	guest.Log("audio: captured " + strconv.Itoa(heard) + ", sum " + strconv.Itoa(int(buffer[0]+buffer[1]+buffer[2]+buffer[3])))
}

func event(message *guest.Message) {
	if message.Event() == "done" {
		guest.Log("event: done brings " + string(message.Bytes))
		check(guest.SubscribeEvent("hot"))
		check(guest.Recognize("hot", "{\"sensor\":\"oven\",\"when\":{\"always\":{}},\"perMinute\":1}"))
		return
	}
	guest.Log("event: " + message.Event() + " is " + guest.Member(string(message.Bytes), "state"))
	guest.Log("message: none is left: " + strconv.FormatBool(must(guest.Next()) == nil))
	guest.Log("end")
}

//go:wasmexport on_init
func onInit() int32 {
	small()
	values()
	blobs()
	agents()
	devices()
	return guest.Status(guest.SendSelf([]byte("one")))
}

//go:wasmexport on_process
func onProcess() int32 {
	message, err := guest.Next()
	if message == nil {
		return guest.Status(err)
	}
	said := func(word string, isAnswer bool) {
		guest.Log("message: " + word + " from " + message.From + ", an answer: " + strconv.FormatBool(isAnswer))
	}
	switch {
	case message.Event() != "":
		event(message)
	case string(message.Bytes) == "one":
		said("one", message.Answers != "")
		first = message.ID
		check(message.Answer([]byte("two")))
	case string(message.Bytes) == "two":
		said("two", message.Answers == first)
		check(guest.SendSelf(pattern(messageBytes)))
	default:
		guest.Log(size(message.Bytes, "message:"))
		guest.Log("message: nobody: " + name(guest.Send("nobody", []byte("x"))))
		check(guest.SubscribeEvent("done"))
		check(guest.EmitEvent("done", []byte("well")))
	}
	return 0
}

//go:wasmexport on_close
func onClose() int32 {
	guest.Log("closing")
	return 0
}

func main() {}
