// Steps until points leave the circle.
#include <stdint.h>

uint64_t run(uint32_t n) {
    uint64_t sum = 0;
    for (uint32_t row = 0; row < n; row++)
        for (uint32_t column = 0; column < 200; column++) {
            double cx = column / 80.0 - 2.0, cy = (row % 200) / 100.0 - 1.0, x = 0, y = 0;
            uint32_t steps = 0;
            while (steps < 200 && x * x + y * y < 4.0) {
                double t = x * x - y * y + cx;
                y = 2 * x * y + cy;
                x = t;
                steps++;
            }
            sum = sum * 3 + steps;
        }
    return sum;
}
