// The conformance guest in C, with the C library. README.md beside this folder says what every language prints.
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "space.h"

#define BLOB_BYTES 100000
#define NUMBERS 10000

static char line[SPACE_LOG_LINE_BYTES_MAX];

static void say(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    sys_log(line, length);
}

static int32_t put(const char *key, const char *value) {
    return data_put(key, strlen(key), value, strlen(value));
}

static int32_t list(const char *prefix, const char *after, uint32_t capacity) {
    uint8_t found[256];
    int32_t bytes = data_list(prefix, strlen(prefix), after, strlen(after), found, capacity);
    char names[256] = "";
    for (int32_t at = 0; at < bytes && bytes <= (int32_t)capacity;) {
        uint32_t length;
        memcpy(&length, found + at, 4);
        strcat(names, " ");
        strncat(names, (char *)found + at + 4, length);
        at += 4 + length;
    }
    say("list %d%s", bytes, names);
    return bytes;
}

static void values(void) {
    say("put %d", put("fruit/pear", "green"));
    say("put %d", put("fruit/apple", "red"));
    say("put %d", put("fruit/fig", ""));
    say("put %d", put("animal/ant", "six legs"));
    char buffer[64];
    int32_t got = data_get("fruit/pear", 10, buffer, sizeof buffer);
    say("get %d %.*s", got, got, buffer);
    say("get %d", data_get("fruit/fig", 9, buffer, sizeof buffer));
    memcpy(buffer, "---", 3);
    say("short %d %.3s", data_get("animal/ant", 10, buffer, 3), buffer);
    list("fruit/", "", 256);
    list("fruit/", "fruit/apple", 20);
    list("fruit/", "", 5);
    list("none", "", 256);
    say("delete %d", data_delete("fruit/fig", 9));
    say("delete %d", data_delete("fruit/fig", 9));
    say("get %d", data_get("fruit/fig", 9, buffer, sizeof buffer));
}

static void errors(void) {
    static char large[65537];
    memset(large, 'x', sizeof large);
    say("empty key %d", put("", "x"));
    say("large key %d", data_get(large, 513, large, 1));
    say("large value %d", data_put("large", 5, large, 65537));
    say("large line %d", sys_log(large, 4097));
    say("bad text %d", data_get("\xff\xfe", 2, large, 1));
    say("bad buffer %d", data_get("fruit/pear", 10, (void *)0xffffff00, 512));
    say("bad key %d", data_get((char *)0xfffffff0, 32, large, 1));
    say("nothing kept %d", mem_take(large, 1));
}

static void generate(uint8_t *bytes, uint32_t count) {
    uint32_t state = 2463534242u;
    for (uint32_t at = 0; at < count; at++) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        bytes[at] = state >> 24;
    }
}

static uint32_t crc32(const uint8_t *bytes, uint32_t count) {
    uint32_t crc = 0xffffffff;
    for (uint32_t at = 0; at < count; at++) {
        crc ^= bytes[at];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static void blobs(void) {
    static uint8_t bytes[BLOB_BYTES], back[BLOB_BYTES];
    generate(bytes, BLOB_BYTES);
    say("blob absent %d", data_blob_open("blob/x", 6, 0));
    say("blob mode %d", data_blob_open("blob/x", 6, 7));
    int32_t handle = data_blob_open("blob/x", 6, 1);
    say("blob opened %d", handle > 0);
    say("blob denied %d", data_blob_read(handle, back, 10));
    say("blob unknown %d", data_blob_write(12345, bytes, 10));
    for (uint32_t at = 0; at < BLOB_BYTES; at += 40000) {
        uint32_t length = BLOB_BYTES - at < 40000 ? BLOB_BYTES - at : 40000;
        say("blob write %d", data_blob_write(handle, bytes + at, length));
    }
    say("blob close %d", data_blob_close(handle, 1));
    say("blob closed %d", data_blob_write(handle, bytes, 10));
    handle = data_blob_open("blob/x", 6, 0);
    int32_t total = 0, got;
    while ((got = data_blob_read(handle, back + total, 30000 < BLOB_BYTES - total ? 30000 : BLOB_BYTES - total)) > 0) {
        total += got;
        if (total == BLOB_BYTES) break;
    }
    say("blob read %d %08x", total, crc32(back, total));
    say("blob end %d", data_blob_read(handle, back, 10));
    say("blob close %d", data_blob_close(handle, 0));
    say("blob as value %d", data_get("blob/x", 6, back, 10));
    int32_t handles[16];
    for (int at = 0; at < 16; at++) handles[at] = data_blob_open("blob/x", 6, 0);
    say("blob quota %d", data_blob_open("blob/x", 6, 0));
    for (int at = 0; at < 16; at++) data_blob_close(handles[at], 0);
    say("delete %d", data_delete("blob/x", 6));
}

static void node(void) {
    char info[1024];
    int32_t needed = node_info(info, 0);
    int32_t got = node_info(info, sizeof info);
    say("node %d %d %c%c", needed > 2, needed == got, info[0], info[got - 1]);
}

static uint32_t rotate(uint32_t word, int by) { return word >> by | word << (32 - by); }

static void sha256(const uint8_t *bytes, uint32_t count, uint32_t state[8]) {
    static const uint32_t constants[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
    static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(state, initial, sizeof initial);
    // The length is a multiple of 64: the padding is a block of its own.
    uint8_t padding[64] = {0x80};
    for (int at = 0; at < 8; at++) padding[63 - at] = (uint64_t)count * 8 >> 8 * at;
    for (uint32_t begin = 0; begin <= count; begin += 64) {
        const uint8_t *block = begin < count ? bytes + begin : padding;
        uint32_t w[64], s[8];
        for (int t = 0; t < 16; t++)
            w[t] = (uint32_t)block[4 * t] << 24 | block[4 * t + 1] << 16 | block[4 * t + 2] << 8 | block[4 * t + 3];
        for (int t = 16; t < 64; t++)
            w[t] = w[t - 16] + w[t - 7] + (rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ w[t - 15] >> 3) +
                   (rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ w[t - 2] >> 10);
        memcpy(s, state, sizeof s);
        for (int t = 0; t < 64; t++) {
            uint32_t one = s[7] + (rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)) +
                           ((s[4] & s[5]) ^ (~s[4] & s[6])) + constants[t] + w[t];
            uint32_t two = (rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)) +
                           ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
            memmove(s + 1, s, 7 * sizeof s[0]);
            s[4] += one;
            s[0] = one + two;
        }
        for (int at = 0; at < 8; at++) state[at] += s[at];
    }
}

static uint64_t fnv(uint64_t hash, uint64_t word, int bytes) {
    for (int at = 0; at < bytes; at++) hash = (hash ^ (word >> 8 * at & 0xff)) * 0x100000001b3;
    return hash;
}

static int compare(const void *left, const void *right) {
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static void hashes(void) {
    static uint8_t bytes[65536];
    generate(bytes, sizeof bytes);
    say("crc32 %08x", crc32(bytes, sizeof bytes));
    uint32_t digest[8];
    sha256(bytes, sizeof bytes, digest);
    say("sha256 %08x%08x%08x%08x%08x%08x%08x%08x", digest[0], digest[1], digest[2], digest[3], digest[4], digest[5],
        digest[6], digest[7]);
    uint32_t *numbers = malloc(NUMBERS * sizeof *numbers);
    generate((uint8_t *)numbers, NUMBERS * sizeof *numbers);
    qsort(numbers, NUMBERS, sizeof *numbers, compare);
    bool ordered = true;
    uint64_t hash = 0xcbf29ce484222325;
    for (int at = 0; at < NUMBERS; at++) {
        ordered = ordered && (at == 0 || numbers[at - 1] <= numbers[at]);
        hash = fnv(hash, numbers[at], 4);
    }
    free(numbers);
    say("sort %d %016llx", ordered, hash);
}

static uint64_t bits(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void floats(void) {
    double sum = 0, roots = 0, product = 1;
    float small = 0;
    for (int k = 1; k <= 10000; k++) {
        sum += 1.0 / k;
        roots += sqrt(k);
        product *= 1.0 + 1.0 / ((double)k * k);
        small += 1.0f / k;
    }
    uint32_t small_bits;
    memcpy(&small_bits, &small, sizeof small_bits);
    say("harmonic %016llx %08x", bits(sum), small_bits);
    say("roots %016llx", bits(roots));
    say("product %016llx", bits(product));
    say("rounding %016llx %016llx %016llx", bits(floor(-2.5)), bits(ceil(-0.5)), bits(trunc(1e300)));
    say("truncated %d %lld %llu", (int32_t)-1234567.9, (int64_t)-9.5e15, (uint64_t)1.5e19);
    say("tiny %016llx", bits(5e-324 * 3));
}

static uint32_t fibonacci(uint32_t n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

static uint64_t add(uint64_t a, uint64_t b) { return a + b; }
static uint64_t multiply(uint64_t a, uint64_t b) { return a * b; }
static uint64_t exclusive(uint64_t a, uint64_t b) { return a ^ b; }
static uint64_t turn(uint64_t a, uint64_t b) { return a << (b & 63) | a >> (-b & 63); }

static void integers(void) {
    volatile int64_t a = -9000000000000000007, b = 123456789;
    say("divide %lld %lld %lld", a / b, a % b, (int64_t)((uint64_t)a * (uint64_t)b));
    say("shift %lld %llu", a >> 7, (uint64_t)a >> 7);
    say("count %d %d %d", __builtin_clzll(b), __builtin_ctzll(b << 20), __builtin_popcountll(a));
    say("fibonacci %u", fibonacci(24));
    uint64_t (*const table[4])(uint64_t, uint64_t) = {add, multiply, exclusive, turn};
    uint64_t value = 1;
    for (uint64_t step = 1; step <= 1000; step++) value = table[(value ^ step) % 4](value, step);
    say("table %016llx", value);
}

static void memory(void) {
    uint32_t size = 1 << 20;
    uint8_t *bytes = malloc(size);
    for (uint32_t at = 0; at < size; at++) bytes[at] = at * 7 >> 3;
    uint32_t sum = 0;
    for (uint32_t at = 0; at < size; at++) sum += bytes[at];
    free(bytes);
    say("memory %u", sum);
}

SPACE_EXPORT(on_init) int32_t on_init(void) {
    say("greeting: hello, gr\xc3\xbc\xc3\x9f" "e, \xe4\xb8\x96\xe7\x95\x8c");
    say("z %d %d %d", z_version() >= 1, z_has("data.put", 8), z_has("no.such", 7));
    values();
    errors();
    blobs();
    node();
    hashes();
    floats();
    integers();
    memory();
    printf("stdout: one,");
    fflush(stdout);
    printf(" two\n");
    fprintf(stderr, "stderr: three\n");
    return 0;
}

SPACE_EXPORT(on_process) int32_t on_process(void) {
    say("processed");
    return 0;
}

SPACE_EXPORT(on_close) int32_t on_close(void) {
    say("closed");
    return 0;
}
