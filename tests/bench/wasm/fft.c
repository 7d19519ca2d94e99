// A Fourier transform of 4,096 complex numbers, in place.
#include <stdint.h>

enum { BITS = 12, N = 1 << BITS };
static double re[N], im[N], cosine[N / 2], sine[N / 2];

// Turns by halving the angle BITS - 1 times, starting at half a turn.
static void roots(void) {
    cosine[0] = 1;
    sine[0] = 0;
    double c = -1, s = 0;
    for (int stride = N / 2; stride > 1; stride /= 2) {
        double half = __builtin_sqrt((1 + c) / 2);
        s = __builtin_sqrt((1 - c) / 2);
        c = half;
        int at = stride / 2;
        for (int i = 0; i < N / 2; i += stride) {
            cosine[i + at] = cosine[i] * c - sine[i] * s;
            sine[i + at] = cosine[i] * s + sine[i] * c;
        }
    }
}

static void transform(void) {
    for (uint32_t i = 0, j = 0; i < N; i++) {
        if (i < j) {
            double t = re[i];
            re[i] = re[j];
            re[j] = t;
            t = im[i];
            im[i] = im[j];
            im[j] = t;
        }
        uint32_t bit = N / 2;
        while (j & bit) {
            j ^= bit;
            bit /= 2;
        }
        j |= bit;
    }
    for (int half = 1; half < N; half *= 2)
        for (int start = 0; start < N; start += 2 * half)
            for (int k = 0; k < half; k++) {
                int one = start + k, other = one + half, turn = k * (N / 2 / half);
                double x = re[other] * cosine[turn] + im[other] * sine[turn];
                double y = im[other] * cosine[turn] - re[other] * sine[turn];
                re[other] = re[one] - x;
                im[other] = im[one] - y;
                re[one] += x;
                im[one] += y;
            }
}

uint64_t run(uint32_t n) {
    roots();
    double sum = 0;
    for (uint32_t round = 0; round < n; round++) {
        for (int i = 0; i < N; i++) {
            re[i] = (i * 37 + (int)round) % 101 - 50;
            im[i] = 0;
        }
        transform();
        for (int i = 0; i < N; i += 64) sum += re[i] * re[i] + im[i] * im[i];
    }
    return (uint64_t)(sum * 16);
}
