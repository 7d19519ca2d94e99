// PolyBench lu: decomposition without pivots.
#include <stdint.h>

enum { N = 100 };
static double a[N][N];

uint64_t run(uint32_t n) {
    double sum = 0;
    for (uint32_t round = 0; round < n; round++) {
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) a[i][j] = i == j ? 2.0 * N : (double)((i * 3 + j * 5 + (int)round) % 13) / 13;
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < i; j++) {
                for (int k = 0; k < j; k++) a[i][j] -= a[i][k] * a[k][j];
                a[i][j] /= a[j][j];
            }
            for (int j = i; j < N; j++)
                for (int k = 0; k < i; k++) a[i][j] -= a[i][k] * a[k][j];
        }
        for (int i = 0; i < N; i++) sum += a[i][N - 1 - i];
    }
    return (uint64_t)(int64_t)(sum * 1e6);
}
