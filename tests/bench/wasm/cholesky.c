// PolyBench cholesky, and the solution of a system with it.
#include <stdint.h>

enum { N = 100 };
static double a[N][N], x[N];

uint64_t run(uint32_t n) {
    double sum = 0;
    for (uint32_t round = 0; round < n; round++) {
        for (int i = 0; i < N; i++)
            for (int j = 0; j <= i; j++) a[i][j] = a[j][i] = i == j ? 2.0 * N : (double)((i + j + (int)round) % 17) / 17;
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < i; j++) {
                for (int k = 0; k < j; k++) a[i][j] -= a[i][k] * a[j][k];
                a[i][j] /= a[j][j];
            }
            for (int k = 0; k < i; k++) a[i][i] -= a[i][k] * a[i][k];
            a[i][i] = __builtin_sqrt(a[i][i]);
        }
        for (int i = 0; i < N; i++) {
            x[i] = i + 1;
            for (int k = 0; k < i; k++) x[i] -= a[i][k] * x[k];
            x[i] /= a[i][i];
            sum += x[i];
        }
    }
    return (uint64_t)(int64_t)(sum * 1e6);
}
