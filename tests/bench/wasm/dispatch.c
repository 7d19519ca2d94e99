// Objects of four kinds, reached through tables of functions.
#include <stdint.h>

enum { N = 1000 };
struct shape {
    uint32_t (*area)(const struct shape *);
    uint32_t a, b;
};
static struct shape shapes[N];

static uint32_t square(const struct shape *of) { return of->a * of->a; }
static uint32_t rectangle(const struct shape *of) { return of->a * of->b; }
static uint32_t triangle(const struct shape *of) { return of->a * of->b / 2; }
static uint32_t line(const struct shape *of) { return of->a + of->b; }
static uint32_t (*const areas[])(const struct shape *) = {square, rectangle, triangle, line};

uint64_t run(uint32_t n) {
    uint32_t seed = 3;
    for (int i = 0; i < N; i++) {
        seed = seed * 1664525 + 1013904223;
        shapes[i] = (struct shape){areas[seed >> 30], seed >> 20 & 255, seed >> 12 & 255};
    }
    uint64_t sum = 0;
    for (uint32_t round = 0; round < n; round++)
        for (int i = 0; i < N; i++) sum += shapes[i].area(&shapes[i]) ^ round;
    return sum;
}
