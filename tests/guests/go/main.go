// The conformance guest in Go. README.md beside this folder says what every language prints.
package main

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"math"
	"math/bits"
	"os"
	"sort"
	"strings"
	"unsafe"

	"github.com/anrl/samoza/components/zrun/guest/abi/data"
	"github.com/anrl/samoza/components/zrun/guest/abi/mem"
	"github.com/anrl/samoza/components/zrun/guest/abi/node"
	"github.com/anrl/samoza/components/zrun/guest/abi/sys"
	"github.com/anrl/samoza/components/zrun/guest/abi/z"
)

// The declarations of package data take slices, which never leave the memory.
//
//go:wasmimport data get
func getAnywhere(key, keyBytes, out, capacity uint32) int32

func say(format string, arguments ...any) {
	sys.Log(fmt.Sprintf(format, arguments...))
}

func flag(value bool) int {
	if value {
		return 1
	}
	return 0
}

func list(prefix, after string, capacity int) {
	found := make([]byte, 256)
	bytes := int(data.List(prefix, after, found[:capacity]))
	names := ""
	for at := 0; at < bytes && bytes <= capacity; {
		length := int(binary.LittleEndian.Uint32(found[at:]))
		names += " " + string(found[at+4:at+4+length])
		at += 4 + length
	}
	say("list %d%s", bytes, names)
}

func values() {
	say("put %d", data.Put("fruit/pear", []byte("green")))
	say("put %d", data.Put("fruit/apple", []byte("red")))
	say("put %d", data.Put("fruit/fig", nil))
	say("put %d", data.Put("animal/ant", []byte("six legs")))
	buffer := make([]byte, 64)
	got := data.Get("fruit/pear", buffer)
	say("get %d %s", got, buffer[:got])
	say("get %d", data.Get("fruit/fig", buffer))
	short := []byte("---")
	needed := data.Get("animal/ant", short)
	say("short %d %s", needed, short)
	list("fruit/", "", 256)
	list("fruit/", "fruit/apple", 20)
	list("fruit/", "", 5)
	list("none", "", 256)
	say("delete %d", data.Delete("fruit/fig"))
	say("delete %d", data.Delete("fruit/fig"))
	say("get %d", data.Get("fruit/fig", buffer))
}

func errors() {
	large := strings.Repeat("x", 65537)
	out := make([]byte, 1)
	say("empty key %d", data.Put("", []byte("x")))
	say("large key %d", data.Get(large[:513], out))
	say("large value %d", data.Put("large", []byte(large)))
	say("large line %d", sys.Log(large[:4097]))
	say("bad text %d", data.Get("\xff\xfe", out))
	key := "fruit/pear"
	at := uint32(uintptr(unsafe.Pointer(unsafe.StringData(key))))
	room := uint32(uintptr(unsafe.Pointer(unsafe.SliceData(out))))
	say("bad buffer %d", getAnywhere(at, uint32(len(key)), 0xffffff00, 512))
	say("bad key %d", getAnywhere(0xfffffff0, 32, room, 1))
	say("nothing kept %d", mem.Take(out))
}

func generate(count int) []byte {
	state := uint32(2463534242)
	bytes := make([]byte, count)
	for at := range bytes {
		state ^= state << 13
		state ^= state >> 17
		state ^= state << 5
		bytes[at] = byte(state >> 24)
	}
	return bytes
}

func blobs() {
	bytes := generate(100000)
	back := make([]byte, len(bytes))
	say("blob absent %d", data.BlobOpen("blob/x", 0))
	say("blob mode %d", data.BlobOpen("blob/x", 7))
	handle := data.BlobOpen("blob/x", 1)
	say("blob opened %d", flag(handle > 0))
	say("blob denied %d", data.BlobRead(handle, back[:10]))
	say("blob unknown %d", data.BlobWrite(12345, bytes[:10]))
	for at := 0; at < len(bytes); at += 40000 {
		say("blob write %d", data.BlobWrite(handle, bytes[at:min(at+40000, len(bytes))]))
	}
	say("blob close %d", data.BlobClose(handle, 1))
	say("blob closed %d", data.BlobWrite(handle, bytes[:10]))
	handle = data.BlobOpen("blob/x", 0)
	total := 0
	for total < len(back) {
		got := data.BlobRead(handle, back[total:min(total+30000, len(back))])
		if got <= 0 {
			break
		}
		total += int(got)
	}
	say("blob read %d %08x", total, crc32.ChecksumIEEE(back))
	say("blob end %d", data.BlobRead(handle, back[:10]))
	say("blob close %d", data.BlobClose(handle, 0))
	say("blob as value %d", data.Get("blob/x", back[:10]))
	var handles [16]int32
	for at := range handles {
		handles[at] = data.BlobOpen("blob/x", 0)
	}
	say("blob quota %d", data.BlobOpen("blob/x", 0))
	for _, handle := range handles {
		data.BlobClose(handle, 0)
	}
	say("delete %d", data.Delete("blob/x"))
}

func machine() {
	info := make([]byte, 1024)
	needed := node.Info(nil)
	got := node.Info(info)
	say("node %d %d %c%c", flag(needed > 2), flag(needed == got), info[0], info[got-1])
}

func hashes() {
	bytes := generate(65536)
	say("crc32 %08x", crc32.ChecksumIEEE(bytes))
	say("sha256 %x", sha256.Sum256(bytes))
	bytes = generate(40000)
	numbers := make([]uint32, 10000)
	for at := range numbers {
		numbers[at] = binary.LittleEndian.Uint32(bytes[4*at:])
	}
	less := func(i, j int) bool { return numbers[i] < numbers[j] }
	sort.Slice(numbers, less)
	hash := fnv.New64a()
	for _, number := range numbers {
		hash.Write(binary.LittleEndian.AppendUint32(nil, number))
	}
	say("sort %d %016x", flag(sort.SliceIsSorted(numbers, less)), hash.Sum64())
}

func floats() {
	var sum, roots float64
	var small float32
	product := 1.0
	for k := 1; k <= 10000; k++ {
		wide := float64(k)
		sum += 1 / wide
		roots += math.Sqrt(wide)
		product *= 1 + 1/(wide*wide)
		small += 1 / float32(k)
	}
	say("harmonic %016x %08x", math.Float64bits(sum), math.Float32bits(small))
	say("roots %016x", math.Float64bits(roots))
	say("product %016x", math.Float64bits(product))
	say("rounding %016x %016x %016x", math.Float64bits(math.Floor(hidden[0])), math.Float64bits(math.Ceil(hidden[1])),
		math.Float64bits(math.Trunc(hidden[2])))
	say("truncated %d %d %d", int32(hidden[3]), int64(hidden[4]), uint64(hidden[5]))
	say("tiny %016x", math.Float64bits(hidden[6]*3))
}

// Values that the compiler does not compute with.
var hidden = []float64{-2.5, -0.5, 1e300, -1234567.9, -9.5e15, 1.5e19, 5e-324}
var hiddenIntegers = []int64{-9000000000000000007, 123456789}

func fibonacci(n uint32) uint32 {
	if n < 2 {
		return n
	}
	return fibonacci(n-1) + fibonacci(n-2)
}

func integers() {
	a, b := hiddenIntegers[0], hiddenIntegers[1]
	say("divide %d %d %d", a/b, a%b, a*b)
	say("shift %d %d", a>>7, uint64(a)>>7)
	say("count %d %d %d", bits.LeadingZeros64(uint64(b)), bits.TrailingZeros64(uint64(b)<<20), bits.OnesCount64(uint64(a)))
	say("fibonacci %d", fibonacci(24))
	table := []func(a, b uint64) uint64{
		func(a, b uint64) uint64 { return a + b },
		func(a, b uint64) uint64 { return a * b },
		func(a, b uint64) uint64 { return a ^ b },
		func(a, b uint64) uint64 { return bits.RotateLeft64(a, int(b&63)) },
	}
	value := uint64(1)
	for step := uint64(1); step <= 1000; step++ {
		value = table[(value^step)%4](value, step)
	}
	say("table %016x", value)
}

func memory() {
	bytes := make([]byte, 1<<20)
	for at := range bytes {
		bytes[at] = byte(at * 7 >> 3)
	}
	sum := 0
	for _, value := range bytes {
		sum += int(value)
	}
	say("memory %d", sum)
}

//go:wasmexport on_init
func onInit() int32 {
	say("greeting: hello, grüße, 世界")
	say("z %d %d %d", flag(z.Version() >= 1), z.Has("data.put"), z.Has("no.such"))
	values()
	errors()
	blobs()
	machine()
	hashes()
	floats()
	integers()
	memory()
	fmt.Print("stdout: one,")
	fmt.Println(" two")
	fmt.Fprintln(os.Stderr, "stderr: three")
	return 0
}

//go:wasmexport on_process
func onProcess() int32 {
	say("processed")
	return 0
}

//go:wasmexport on_close
func onClose() int32 {
	say("closed")
	return 0
}

func main() {}
