// Sorts 100,000 numbers.
#include <stdint.h>

enum { N = 100000 };
static int32_t numbers[N];

static void sort(int32_t *of, int32_t low, int32_t high) {
    while (low < high) {
        int32_t pivot = of[(low + high) / 2], i = low, j = high;
        while (i <= j) {
            while (of[i] < pivot) i++;
            while (of[j] > pivot) j--;
            if (i <= j) {
                int32_t t = of[i];
                of[i++] = of[j];
                of[j--] = t;
            }
        }
        if (j - low < high - i) {
            sort(of, low, j);
            low = i;
        } else {
            sort(of, i, high);
            high = j;
        }
    }
}

uint64_t run(uint32_t n) {
    uint64_t sum = 0;
    uint32_t seed = 1;
    for (uint32_t round = 0; round < n; round++) {
        for (int i = 0; i < N; i++) {
            seed = seed * 1664525 + 1013904223;
            numbers[i] = (int32_t)(seed >> 1);
        }
        sort(numbers, 0, N - 1);
        for (int i = 0; i < N; i += 1000) sum = sum * 31 + (uint64_t)numbers[i];
    }
    return sum;
}
