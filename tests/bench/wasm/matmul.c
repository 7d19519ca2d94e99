// PolyBench 2mm: D = A B C, doubles.
#include <stdint.h>

enum { N = 96 };
static double a[N][N], b[N][N], c[N][N], t[N][N], d[N][N];

static void multiply(double to[N][N], double x[N][N], double y[N][N]) {
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            double sum = 0;
            for (int k = 0; k < N; k++) sum += x[i][k] * y[k][j];
            to[i][j] = sum;
        }
}

uint64_t run(uint32_t n) {
    uint64_t sum = 0;
    for (uint32_t round = 0; round < n; round++) {
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                a[i][j] = (i * j + (int)round) % 7;
                b[i][j] = (i + 2 * j) % 11;
                c[i][j] = (3 * i + j) % 5;
            }
        multiply(t, a, b);
        multiply(d, t, c);
        for (int i = 0; i < N; i++) sum = sum * 31 + (uint64_t)d[i][(i * 7) % N];
    }
    return sum;
}
