// Primes below 200,000.
#include <stdint.h>

enum { N = 200000 };
static uint8_t composite[N];

uint64_t run(uint32_t n) {
    uint64_t found = 0;
    for (uint32_t round = 0; round < n; round++) {
        for (uint32_t i = 0; i < N; i++) composite[i] = 0;
        for (uint32_t i = 2; i * i < N; i++)
            if (!composite[i])
                for (uint32_t j = i * i; j < N; j += i) composite[j] = 1;
        for (uint32_t i = 2; i < N; i++) found += !composite[i];
    }
    return found;
}
