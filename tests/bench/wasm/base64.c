// 48 KiB to text and back.
#include <stdint.h>

enum { N = 49152 };
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static uint8_t bytes[N], text[N / 3 * 4], back[N], numbers[256];

uint64_t run(uint32_t n) {
    uint64_t sum = 0;
    for (int i = 0; i < 64; i++) numbers[(uint8_t)letters[i]] = (uint8_t)i;
    for (uint32_t round = 0; round < n; round++) {
        for (uint32_t i = 0; i < N; i++) bytes[i] = (uint8_t)(i * 7 + round);
        uint8_t *to = text;
        for (int i = 0; i < N; i += 3) {
            uint32_t word = (uint32_t)bytes[i] << 16 | (uint32_t)bytes[i + 1] << 8 | bytes[i + 2];
            *to++ = (uint8_t)letters[word >> 18];
            *to++ = (uint8_t)letters[word >> 12 & 63];
            *to++ = (uint8_t)letters[word >> 6 & 63];
            *to++ = (uint8_t)letters[word & 63];
        }
        to = back;
        for (int i = 0; i < N / 3 * 4; i += 4) {
            uint32_t word = (uint32_t)numbers[text[i]] << 18 | (uint32_t)numbers[text[i + 1]] << 12
                            | (uint32_t)numbers[text[i + 2]] << 6 | numbers[text[i + 3]];
            *to++ = (uint8_t)(word >> 16);
            *to++ = (uint8_t)(word >> 8);
            *to++ = (uint8_t)word;
        }
        for (int i = 0; i < N; i += 97) sum = sum * 31 + (back[i] ^ text[i]);
    }
    return sum;
}
