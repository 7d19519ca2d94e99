// The distance of two texts of 1,000 letters.
#include <stdint.h>

enum { N = 1000 };
static uint8_t one[N], other[N];
static uint32_t row[N + 1];

uint64_t run(uint32_t n) {
    uint64_t sum = 0;
    uint32_t seed = 7;
    for (uint32_t round = 0; round < n; round++) {
        for (int i = 0; i < N; i++) {
            seed = seed * 1664525 + 1013904223;
            one[i] = seed >> 30;
            other[i] = seed >> 28 & 3;
        }
        for (uint32_t j = 0; j <= N; j++) row[j] = j;
        for (uint32_t i = 1; i <= N; i++) {
            uint32_t corner = row[0];
            row[0] = i;
            for (uint32_t j = 1; j <= N; j++) {
                uint32_t best = corner + (one[i - 1] != other[j - 1]);
                corner = row[j];
                if (corner + 1 < best) best = corner + 1;
                if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
                row[j] = best;
            }
        }
        sum = sum * 31 + row[N];
    }
    return sum;
}
