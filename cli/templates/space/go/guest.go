// Package guest is the Guest Library: what a space does, in Go's own terms, over the packages in abi. Buffers grow as
// results need it, and error codes are errors: abi.ErrNotFound and its like. It needs no fmt, so that modules stay small.
package guest

import (
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/anrl/samoza/components/zrun/guest/abi"
	"github.com/anrl/samoza/components/zrun/guest/abi/actuators"
	"github.com/anrl/samoza/components/zrun/guest/abi/agent"
	"github.com/anrl/samoza/components/zrun/guest/abi/data"
	"github.com/anrl/samoza/components/zrun/guest/abi/events"
	"github.com/anrl/samoza/components/zrun/guest/abi/ic"
	"github.com/anrl/samoza/components/zrun/guest/abi/mem"
	"github.com/anrl/samoza/components/zrun/guest/abi/net"
	"github.com/anrl/samoza/components/zrun/guest/abi/node"
	"github.com/anrl/samoza/components/zrun/guest/abi/sensors"
	"github.com/anrl/samoza/components/zrun/guest/abi/sys"
	sound "github.com/anrl/samoza/components/zrun/guest/abi/sys/io"
	"github.com/anrl/samoza/components/zrun/guest/abi/z"
)

// Status is what an export answers: 0, or the code of what failed.
func Status(err error) int32 {
	if err == nil {
		return 0
	}
	if failure, is := err.(abi.Error); is {
		return int32(failure)
	}
	return abi.Io
}

// Log writes to the log. What is longer than a line may be goes on in the next one.
func Log(text string) {
	for len(text) > abi.LogLineBytesMax {
		end := abi.LogLineBytesMax
		for end > 0 && !utf8.RuneStart(text[end]) {
			end--
		}
		sys.Log(text[:end])
		text = text[end:]
	}
	sys.Log(text)
}

// Sleep waits. A wait that was ended says that the space is to close.
func Sleep(milliseconds uint32) error {
	return done(sys.Sleep(milliseconds))
}

// Node is what the machine says of itself, as JSON.
func Node() (string, error) {
	text, err := filled(node.Info)
	return string(text), err
}

// Has says whether the host serves a function of the ABI, such as data.put.
func Has(function string) bool {
	return z.Has(function) == 1
}

// Version is that of the host's table.
func Version() int {
	return int(z.Version())
}

func done(result int32) error {
	if result < 0 {
		return abi.Error(result)
	}
	return nil
}

// filled is what a call writes, in a buffer that grows until it fits.
func filled(call func([]byte) int32) ([]byte, error) {
	buffer := make([]byte, 512)
	for {
		needed := call(buffer)
		if needed < 0 {
			return nil, abi.Error(needed)
		}
		if int(needed) <= len(buffer) {
			return buffer[:needed], nil
		}
		buffer = make([]byte, needed)
	}
}

// taken is the result that the host keeps, after a call that answered its bytes.
func taken(result int32) ([]byte, error) {
	if result < 0 {
		return nil, abi.Error(result)
	}
	buffer := make([]byte, result)
	if result > 0 {
		return buffer, done(mem.Take(buffer))
	}
	return buffer, nil
}

// Message is a message, and where it comes from.
type Message struct {
	Bytes []byte
	// From is the space that sent it, @self for this one; Path is the path that it came by, empty from oneself.
	From, Path string
	// ID is its id, Answers that of the message that it answers, empty for none.
	ID, Answers string
	// Time is in milliseconds since 1970.
	Time uint64
}

// Next takes the next message; nil where none waits.
func Next() (*Message, error) {
	bytes, err := filled(net.RecvNext)
	if err == abi.ErrWouldBlock {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	known, err := filled(net.MessageInfo)
	if err != nil {
		return nil, err
	}
	info := string(known)
	return &Message{
		Bytes: bytes, From: Unquoted(Member(info, "from")), Path: Unquoted(Member(info, "path")),
		ID: Unquoted(Member(info, "id")), Answers: answered(Member(info, "answers")), Time: number(info, "time"),
	}, nil
}

func answered(id string) string {
	if id == "null" {
		return ""
	}
	return Unquoted(id)
}

// Event is the name of the event that it brings, or nothing.
func (message *Message) Event() string {
	if event, is := strings.CutPrefix(message.Path, "@events/"); is {
		return event
	}
	return ""
}

// Answer answers it, as long as no other message was taken after it.
func (message *Message) Answer(bytes []byte) error {
	return Send("@sender", bytes)
}

// Send sends a message to a path, or to a space that one path leads to.
func Send(to string, bytes []byte) error {
	return done(net.EmitTo(to, bytes))
}

// SendSelf puts a message into the space's own queue.
func SendSelf(bytes []byte) error {
	return done(sys.SelfEmit(bytes))
}

// Get is the value of a key; abi.ErrNotFound where there is none.
func Get(key string) ([]byte, error) {
	return filled(func(buffer []byte) int32 { return data.Get(key, buffer) })
}

// Put gives a key its value, which is durable on return.
func Put(key string, value []byte) error {
	return done(data.Put(key, value))
}

// Delete removes a key, and says whether there was one.
func Delete(key string) (bool, error) {
	deleted := data.Delete(key)
	return deleted > 0, done(deleted)
}

// Keys calls each with the keys that begin with a prefix, in byte order, until one says false.
func Keys(prefix string, each func(key string) bool) error {
	last := ""
	for {
		page, err := filled(func(buffer []byte) int32 { return data.List(prefix, last, buffer) })
		if err != nil || len(page) == 0 {
			return err
		}
		for len(page) >= 4 {
			end := 4 + (int(page[0]) | int(page[1])<<8 | int(page[2])<<16 | int(page[3])<<24)
			last = string(page[4:end])
			if !each(last) {
				return nil
			}
			page = page[end:]
		}
	}
}

// BlobWriter is a blob that is written: it appears whole when it is committed, and not at all otherwise.
type BlobWriter struct{ handle int32 }

// CreateBlob begins a blob anew.
func CreateBlob(key string) (*BlobWriter, error) {
	handle := data.BlobOpen(key, 1)
	return &BlobWriter{handle}, done(handle)
}

// Write appends to it.
func (blob *BlobWriter) Write(bytes []byte) (int, error) {
	for at := 0; at < len(bytes); {
		end := min(at+abi.ChunkBytesMax, len(bytes))
		if err := done(data.BlobWrite(blob.handle, bytes[at:end])); err != nil {
			return at, err
		}
		at = end
	}
	return len(bytes), nil
}

// Commit has it appear.
func (blob *BlobWriter) Commit() error {
	handle := blob.handle
	blob.handle = 0
	return done(data.BlobClose(handle, 1))
}

// Close drops what was not committed; to be deferred.
func (blob *BlobWriter) Close() error {
	if blob.handle <= 0 {
		return nil
	}
	handle := blob.handle
	blob.handle = 0
	return done(data.BlobClose(handle, 0))
}

// BlobReader is a blob that is read, from its beginning.
type BlobReader struct{ handle int32 }

// OpenBlob opens it; abi.ErrNotFound where there is none.
func OpenBlob(key string) (*BlobReader, error) {
	handle := data.BlobOpen(key, 0)
	return &BlobReader{handle}, done(handle)
}

// Read reads its next bytes, as many as fit.
func (blob *BlobReader) Read(buffer []byte) (int, error) {
	if len(buffer) == 0 {
		return 0, nil
	}
	read := data.BlobRead(blob.handle, buffer)
	if read == 0 {
		return 0, io.EOF
	}
	return int(max(read, 0)), done(read)
}

// Close closes it.
func (blob *BlobReader) Close() error {
	return done(data.BlobClose(blob.handle, 0))
}

// Function calls a deterministic function, or a service.
func Function(name string, input []byte) ([]byte, error) {
	return taken(agent.InvokeDf(name, input))
}

// Select lets a model choose among functions, and calls the one chosen.
func Select(name string, input []byte) ([]byte, error) {
	return taken(agent.InvokeAf(name, input))
}

// Model asks a model.
func Model(name, input string) (string, error) {
	answer, err := taken(agent.InvokeLlm(name, []byte(input)))
	return string(answer), err
}

// Ask asks the cache, then a model, whose answer is kept for so many seconds if there is room.
func Ask(name, input string, seconds uint32) (string, error) {
	kept, err := Lookup(input)
	if err != abi.ErrNotFound {
		return string(kept), err
	}
	answer, err := Model(name, input)
	if err == nil {
		_ = Store(input, []byte(answer), seconds)
	}
	return answer, err
}

// Lookup finds an answer in the intelligence cache; abi.ErrNotFound where there is none.
func Lookup(key string) ([]byte, error) {
	return taken(ic.Lookup(key))
}

// Store keeps an answer for so many seconds; 0 is until the room is needed.
func Store(key string, value []byte, seconds uint32) error {
	return done(ic.Store(key, value, seconds))
}

// Reading is what a sensor measured.
type Reading struct {
	// Number is its number among the sensor's, from 1; Time is in milliseconds since 1970; Lost is how many found no
	// room since the one before.
	Number, Time, Lost uint64
	// Value is what the device says, as JSON.
	Value string
}

// SubscribeSensor asks for readings, with options in JSON, which may be empty.
func SubscribeSensor(id, options string) error {
	return done(sensors.Subscribe(id, options))
}

// ReadSensor takes the next reading; nil where none waits, and abi.ErrClosed where none will come.
func ReadSensor(id string) (*Reading, error) {
	json, err := taken(sensors.Read(id))
	if err == abi.ErrWouldBlock {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	text := string(json)
	return &Reading{
		Number: number(text, "number"), Time: number(text, "time"), Lost: number(text, "lost"), Value: Member(text, "value"),
	}, nil
}

// Lock is an actuator that is this space's until the lock is released, or its time is over.
type Lock struct {
	// Fence grows from lock to lock.
	Fence int32
}

// TakeLock takes an actuator.
func TakeLock(id string, milliseconds uint32) (*Lock, error) {
	fence := actuators.Lock(id, milliseconds)
	return &Lock{fence}, done(fence)
}

// Command has an action in JSON carried out; its result, in JSON.
func (lock *Lock) Command(action string) (string, error) {
	result, err := taken(actuators.Command(lock.Fence, action))
	return string(result), err
}

// Release gives it back; to be deferred.
func (lock *Lock) Release() error {
	return done(actuators.Release(lock.Fence))
}

// SubscribeEvent asks for the events of a name. They arrive as messages: see Message.Event.
func SubscribeEvent(name string) error {
	return done(events.Subscribe(name))
}

// EmitEvent emits an event that the space declares.
func EmitEvent(name string, payload []byte) error {
	return done(events.Emit(name, payload))
}

// Recognize has the host emit an event by a specification in JSON.
func Recognize(name, specification string) error {
	return done(events.RegisterRecognizer(name, specification))
}

// Capture is what was heard, as much as fits; 0 where there is none by now.
func Capture(buffer []byte) (int, error) {
	return moved(sound.Capture(buffer))
}

// Play plays, and says how many bytes the speaker took.
func Play(bytes []byte) (int, error) {
	return moved(sound.Playback(bytes))
}

func moved(result int32) (int, error) {
	if result == abi.WouldBlock {
		return 0, nil
	}
	return int(max(result, 0)), done(result)
}

// Member is a member of an object, as it stands there, or nothing. It is as much of JSON as readings and events need:
// encoding/json reads the rest.
func Member(object, key string) string {
	depth, start := 0, -1
	for at := 0; at < len(object); at++ {
		switch letter := object[at]; letter {
		case '"':
			begin := at + 1
			for at = begin; at < len(object) && object[at] != '"'; at++ {
				if object[at] == '\\' {
					at++
				}
			}
			if at >= len(object) {
				return ""
			}
			after := strings.TrimLeft(object[at+1:], " \t\r\n")
			if depth == 1 && start < 0 && object[begin:at] == key && strings.HasPrefix(after, ":") {
				start = len(object) - len(after) + 1
				at = start - 1
			}
		case '{', '[':
			depth++
		case '}', ']', ',':
			if depth == 1 && start >= 0 {
				return strings.TrimSpace(object[start:at])
			}
			if letter != ',' {
				depth--
			}
		}
	}
	return ""
}

// Unquoted is a text without its quotes; escapes stay as they are.
func Unquoted(value string) string {
	return strings.Trim(value, "\"")
}

func number(object, key string) uint64 {
	number, _ := strconv.ParseUint(Unquoted(Member(object, key)), 10, 64)
	return number
}
