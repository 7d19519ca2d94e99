// CRC-32 by a table, a byte at a time.
#include <stdint.h>

enum { N = 65536 };
static uint32_t table[256];
static uint8_t bytes[N];

uint64_t run(uint32_t n) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t word = i;
        for (int bit = 0; bit < 8; bit++) word = word & 1 ? 0xedb88320 ^ word >> 1 : word >> 1;
        table[i] = word;
    }
    for (uint32_t i = 0; i < N; i++) bytes[i] = (uint8_t)(i * 7 + (i >> 8));
    uint32_t crc = 0;
    for (uint32_t round = 0; round < n; round++) {
        crc = ~crc;
        for (uint32_t i = 0; i < N; i++) crc = table[(crc ^ bytes[i]) & 255] ^ crc >> 8;
        crc = ~crc;
    }
    return crc;
}
