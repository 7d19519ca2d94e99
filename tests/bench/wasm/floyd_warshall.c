// PolyBench floyd-warshall: shortest ways between all pairs.
#include <stdint.h>

enum { N = 110 };
static int32_t way[N][N];

uint64_t run(uint32_t n) {
    uint64_t sum = 0;
    for (uint32_t round = 0; round < n; round++) {
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                way[i][j] = i * j % 7 + 1;
                if ((i + j + (int)round) % 13 == 0 || (i + j) % 7 == 0 || (i + j) % 11 == 0) way[i][j] = 999;
            }
        for (int k = 0; k < N; k++)
            for (int i = 0; i < N; i++)
                for (int j = 0; j < N; j++) {
                    int32_t through = way[i][k] + way[k][j];
                    if (through < way[i][j]) way[i][j] = through;
                }
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) sum = sum * 31 + (uint64_t)way[i][j];
    }
    return sum;
}
