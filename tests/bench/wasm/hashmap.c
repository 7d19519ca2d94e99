// A table with open addressing: 100,000 keys are put in, counted, and looked up.
#include <stdint.h>

enum { BITS = 18, SLOTS = 1 << BITS, KEYS = 100000 };
static uint32_t keys[SLOTS], values[SLOTS];

static uint32_t slot(uint32_t key) {
    uint32_t at = key * 2654435761u >> (32 - BITS);
    while (keys[at] && keys[at] != key) at = (at + 1) & (SLOTS - 1);
    return at;
}

uint64_t run(uint32_t n) {
    uint64_t sum = 0;
    uint32_t seed = 1;
    for (uint32_t round = 0; round < n; round++) {
        for (uint32_t i = 0; i < SLOTS; i++) keys[i] = values[i] = 0;
        for (uint32_t i = 0; i < KEYS; i++) {
            seed = seed * 1664525 + 1013904223;
            uint32_t key = seed >> 8 | 1, at = slot(key);
            keys[at] = key;
            values[at] += i;
        }
        for (uint32_t i = 1; i < KEYS; i++) {
            uint32_t at = slot(i * 2 + 1);
            sum += keys[at] ? values[at] : 1;
        }
    }
    return sum;
}
